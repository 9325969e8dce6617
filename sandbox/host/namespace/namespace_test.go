//go:build linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// The test binary plays the sandbox binary: a keeper, an init, and what runs inside.
const (
	roleKeep    = "play-keeper"
	roleInit    = "play-init"
	roleInside  = "play-inside"
	roleSleeper = "play-sleeper"
)

func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case roleKeep:
		os.Exit(playKeeper(os.Args[2]))
	case roleInit:
		os.Exit(Init(append([]string{"/proc/self/exe"}, os.Args[2:]...)))
	case roleInside:
		os.Exit(playInside(os.Args[2]))
	case roleSleeper:
		select {}
	}
	os.Exit(m.Run())
}

func playKeeper(dir string) int {
	l := layout.Layout{Dir: dir, Bin: dir}
	if err := Keep(context.Background(), l, Options{}, roleInit, roleInside, filepath.Join(dir, "report")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// playInside starts a process that would outlive it, writes what it sees of its surroundings, then waits for SIGTERM
// by doing nothing.
func playInside(report string) int {
	orphan := exec.Command("/proc/self/exe", roleSleeper)
	orphan.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := orphan.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	offered, err := Offered()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, bindErr := net.Listen("tcp4", "10.96.0.1:443")
	text := fmt.Sprintf("pid %d offered %d cluster-ip %v", os.Getppid(), len(offered), bindErr)
	if err := os.WriteFile(report+".new", []byte(text), 0o600); err != nil {
		return 1
	}
	if err := os.Rename(report+".new", report); err != nil {
		return 1
	}
	select {}
}

func sandboxOf(t *testing.T) layout.Layout {
	t.Helper()
	dir := t.TempDir()
	return layout.Layout{Dir: dir, Bin: dir}
}

// keep runs a keeper of l as a process of its own and returns it once the inside has reported.
func keep(t *testing.T, l layout.Layout) (keeper *exec.Cmd, report string) {
	t.Helper()
	keeper = exec.Command("/proc/self/exe", roleKeep, l.Dir)
	stderr, err := os.Create(filepath.Join(l.Dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	keeper.Stderr = stderr
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = keeper.Wait() }()
	t.Cleanup(func() { _ = keeper.Process.Kill(); <-done })
	for {
		raw, err := os.ReadFile(filepath.Join(l.Dir, "report"))
		if err == nil {
			return keeper, string(raw)
		}
		select {
		case <-done:
			said, err := os.ReadFile(stderr.Name())
			if err != nil {
				t.Fatal(err)
			}
			skipWhereForbidden(t, string(said))
			t.Fatalf("the keeper ended: %s", said)
		case <-time.After(poll):
		}
	}
}

func skipWhereForbidden(t *testing.T, said string) {
	t.Helper()
	if strings.Contains(said, "user namespaces") {
		t.Skipf("user namespaces are forbidden here: %s", said)
	}
}

func TestTheInsideHasItsOwnProcessesNetworkAndTheOfferedPorts(t *testing.T) {
	_, report := keep(t, sandboxOf(t))
	if want := "pid 1 offered 4 cluster-ip <nil>"; report != want {
		t.Errorf("got %q, want %q", report, want)
	}
}

func TestStopLeavesNoProcess(t *testing.T) {
	l := sandboxOf(t)
	keeper, _ := keep(t, l)
	inside := descendants(keeper.Process.Pid)
	report, err := End(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if left := alive(inside); len(left) > 0 || len(inside) < 4 {
		t.Errorf("of %d processes are left: %s", len(inside), describe(left))
	}
	if len(report.Ended) == 0 {
		t.Error("the report names nothing that ended")
	}
}

func TestKillingTheKeeperEndsEverything(t *testing.T) {
	l := sandboxOf(t)
	keeper, _ := keep(t, l)
	inside := descendants(keeper.Process.Pid)
	if err := keeper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if left := waitGone(t.Context(), inside, stopGrace); len(left) > 0 {
		t.Errorf("left: %s", describe(left))
	}
	if !waitReleased(t.Context(), l, stopGrace) {
		t.Error("the lock is still held")
	}
}

func TestTwoSandboxesInTwoFoldersLiveSideBySide(t *testing.T) {
	a, b := sandboxOf(t), sandboxOf(t)
	keep(t, a)
	keep(t, b)
	if err := Stop(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, ok := Running(b); !ok {
		t.Error("stopping one ended the other")
	}
}

func TestASecondKeeperIsRefused(t *testing.T) {
	l := sandboxOf(t)
	keep(t, l)
	if err := Keep(t.Context(), l, Options{}, roleInit, roleSleeper); !errors.Is(err, ErrRunning) {
		t.Errorf("got %v, want %v", err, ErrRunning)
	}
}

func TestAStaleLockFileIsIgnored(t *testing.T) {
	l := sandboxOf(t)
	if err := makeFolders(l); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.Lock(), []byte(strconv.Itoa(os.Getppid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if pid, ok := Running(l); ok {
		t.Fatalf("process %d is said to hold a lock that nobody holds", pid)
	}
	held, err := lock(l.Lock())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if pid, ok := Running(l); !ok || pid != os.Getpid() {
		t.Errorf("got %d, %v, want our own pid %d", pid, ok, os.Getpid())
	}
}

func TestStoppingWhatDoesNotRunIsFine(t *testing.T) {
	report, err := End(t.Context(), sandboxOf(t))
	if err != nil || len(report.Ended) > 0 {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestABusyPortNamesItsHolderAndTheWayOut(t *testing.T) {
	l := sandboxOf(t)
	addr := l.HostAddr(layout.PortDatabase)
	busy, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	self, ok := readProcess(os.Getpid())
	if !ok {
		t.Fatal("our own process is not in /proc")
	}
	err = Keep(t.Context(), l, Options{}, roleInit, roleSleeper)
	want := fmt.Sprintf("%s is in use, held by process %d (%s): end that process, or set RAGSCALE_SANDBOX_IP to another 127.x.y.z address", addr, self.pid, self.name)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestABusyPortReleasesTheOthers(t *testing.T) {
	l := sandboxOf(t)
	busy, err := net.Listen("tcp4", l.HostAddr(layout.PortDatabase))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	if err := Keep(t.Context(), l, Options{}, roleInit, roleSleeper); err == nil {
		t.Fatal("a busy port was accepted")
	}
	free, err := net.Listen("tcp4", l.HostAddr(layout.PortAPIServer))
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Error(err)
	}
}

func TestAStartThatFailsShowsTheLog(t *testing.T) {
	l := sandboxOf(t)
	binary := filepath.Join(l.Bin, "broken")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho no bridge for you >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := Start(t.Context(), l, Options{Binary: binary})
	want := "the sandbox in " + l.Dir + " ended while starting (exit status 3):\nno bridge for you"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAMissingBinarySaysHowToBuildIt(t *testing.T) {
	l := sandboxOf(t)
	err := Start(t.Context(), l, Options{})
	if err == nil || !strings.Contains(err.Error(), "build it with `make tools`") {
		t.Errorf("got %v", err)
	}
}

func TestTheSandboxDoesNotInheritSecrets(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	for _, v := range environment(sandboxOf(t)) {
		if strings.Contains(v, "hunter2") {
			t.Errorf("inherited: %s", v)
		}
	}
}

func TestTailSkipsEarlierRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("earlier\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, from, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, "now\n"); err != nil {
		t.Fatal(err)
	}
	if got := tail(path, from); got != "now" {
		t.Errorf("got %q", got)
	}
}
