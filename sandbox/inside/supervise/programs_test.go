package supervise

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

// The test binary plays the programs that are supervised.
const (
	roleSleeper  = "play-sleeper"
	roleStubborn = "play-stubborn" // ignores SIGTERM, has a child, tells both pids
	roleFailing  = "play-failing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case roleSleeper:
			select {}
		case roleStubborn:
			os.Exit(playStubborn())
		case roleFailing:
			os.Exit(3)
		}
	}
	os.Exit(m.Run())
}

func playStubborn() int {
	signal.Ignore(syscall.SIGTERM)
	child := exec.Command("/proc/self/exe", roleSleeper)
	if err := child.Start(); err != nil {
		return 1
	}
	fmt.Printf("%d %d\n", os.Getpid(), child.Process.Pid)
	select {}
}

func testSupervisor(t *testing.T) *Programs {
	t.Helper()
	s := NewPrograms(t.TempDir(), slog.New(slog.DiscardHandler))
	t.Cleanup(s.StopAll)
	return s
}

func play(role string) Program {
	return Program{Name: role, Path: "/proc/self/exe", Args: []string{role}, StopAfter: 50 * time.Millisecond}
}

func start(t *testing.T, s *Programs, p Program) {
	t.Helper()
	if err := s.Start(p); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what happens in other processes; the test's own deadline ends it.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for !is() {
		select {
		case <-t.Context().Done():
			t.Fatal(what + " did not come about")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func only(t *testing.T, s *Programs) control.Process {
	t.Helper()
	all := s.List()
	if len(all) != 1 {
		t.Fatalf("got %d processes, want 1", len(all))
	}
	return all[0]
}

func gone(pid int) bool { return syscall.Kill(pid, 0) != nil }

func TestARunningProgramShowsItsMemory(t *testing.T) {
	s := testSupervisor(t)
	start(t, s, play(roleSleeper))
	if p := only(t, s); p.State != stateRunning || p.RSSBytes <= 0 {
		t.Errorf("got %+v", p)
	}
}

func TestAKilledProgramIsStartedAgain(t *testing.T) {
	s := testSupervisor(t)
	start(t, s, play(roleSleeper))
	first := only(t, s).PID
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a second run", func() bool { p := only(t, s); return p.State == stateRunning && p.PID != first })
	if p := only(t, s); p.Restarts != 1 || p.LastExit != "signal: killed" {
		t.Errorf("got %d restarts after %q, want 1 after a kill", p.Restarts, p.LastExit)
	}
}

func TestAFailingProgramIsStoppedBetweenItsRuns(t *testing.T) {
	s := testSupervisor(t)
	start(t, s, play(roleFailing))
	eventually(t, "a pause", func() bool { return only(t, s).State == stateRestarting })
	if exit := s.LastExit(roleFailing); exit != "exit status 3" {
		t.Errorf("got %q", exit)
	}
	s.Stop(roleFailing)
	if all := s.List(); len(all) > 0 {
		t.Errorf("still there: %+v", all)
	}
}

func TestAStubbornProgramAndItsChildrenAreKilled(t *testing.T) {
	s := testSupervisor(t)
	start(t, s, play(roleStubborn))
	var pids []string
	eventually(t, "the pids in the log", func() bool {
		raw, err := os.ReadFile(filepath.Join(s.logs, roleStubborn+".log"))
		pids = strings.Fields(string(raw))
		return err == nil && len(pids) == 2
	})
	s.Stop(roleStubborn)
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the death of "+text, func() bool { return gone(pid) || isZombie(pid) })
	}
}

// isZombie says whether pid is dead and only waits for its new parent, outside this test, to collect it.
func isZombie(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(raw), ") Z ")
}

func TestStartingTwiceRunsOnce(t *testing.T) {
	s := testSupervisor(t)
	start(t, s, play(roleSleeper))
	first := only(t, s).PID
	start(t, s, play(roleSleeper))
	if p := only(t, s); p.PID != first {
		t.Errorf("process %d was replaced by %d", first, p.PID)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	s := testSupervisor(t)
	err := s.Start(Program{Name: "engine", Path: "/nowhere/engine"})
	if err == nil || err.Error() != "engine: fork/exec /nowhere/engine: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestALogIsSetAsideAtItsCap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	l, err := openCapped(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	chunk := make([]byte, logCap/2+1)
	for range 2 {
		if _, err := l.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{path, path + ".1"} {
		if info, err := os.Stat(p); err != nil || info.Size() != int64(len(chunk)) {
			t.Errorf("%s: %v, want one chunk", p, err)
		}
	}
}
