package process

import (
	"bufio"
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

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/env"
	"github.com/ragscale/ragscale/sandbox/link"
)

// TestMain plays the shim when the runtime under test starts this binary again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Role {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

// contained runs a shell script in a container of the real runtime and returns its output and exit status.
func contained(t *testing.T, uid int64, script string, change func(*Spec)) (string, Exit) {
	t.Helper()
	p, out := startContained(t, uid, script, change)
	b, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return string(b), p.Exit()
}

func startContained(t *testing.T, uid int64, script string, change func(*Spec)) (Process, *os.File) {
	t.Helper()
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS}
	if err := probe.Run(); err != nil {
		t.Skipf("this machine lets no one make user namespaces: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	s := Spec{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=" + env.DefaultPath}, Dir: "/", Hostname: "pod-1", Root: t.TempDir(), Base: "/"}
	if change != nil {
		change(&s)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := (&Runtime{Self: self}).Start(nil, StartSpec{Spec: s, UID: uid, GID: uid, Stdout: w, Stderr: w})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		<-p.Done()
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return p, r
}

func TestContainerIsItsOwnUserHostAndFirstProcess(t *testing.T) {
	out, exit := contained(t, 1000, "id -u; id -g; hostname; echo $$; exit 7", nil)
	if want := "1000\n1000\npod-1\n1\n"; out != want || exit.Code != 7 {
		t.Errorf("output is %q, exit code %d, want %q, 7", out, exit.Code, want)
	}
}

func TestContainerWithoutRootHasNoCapabilities(t *testing.T) {
	out, _ := contained(t, 65532, "grep -E 'CapEff|CapAmb|CapInh' /proc/self/status", nil)
	if want := "CapInh:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"; out != want {
		t.Errorf("capabilities are\n%swant\n%s", out, want)
	}
}

func TestContainerSeesNoFilesOfTheHostsUsers(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := contained(t, 0, "cat "+secret+" /etc/shadow; ls -A /home /root /tmp", nil)
	if !strings.HasSuffix(out, "/home:\n\n/root:\n\n/tmp:\n") || strings.Count(out, "No such file") != 2 {
		t.Errorf("output is %q, want neither file to exist and the folders to be empty", out)
	}
}

func TestMountsAppearWhereTheyAreWanted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/data", "/var/run/secrets/deep", "/usr/share/not-on-the-host/x", "/etc/app"} {
		out, _ := contained(t, 1000, "cat "+target+"/f; ls /usr/bin/env; echo y > "+target+"/f || true", func(s *Spec) {
			s.Mounts = []Mount{{Source: dir, Target: target, ReadOnly: true}}
		})
		if !strings.HasPrefix(out, "content/usr/bin/env\n") || !strings.Contains(out, "Read-only file system") {
			t.Errorf("mounted at %s: output is %q, want the content, and a refused write", target, out)
		}
	}
}

func TestReadOnlyRootRefusesWritesButNotThoseOfMounts(t *testing.T) {
	dir := t.TempDir()
	out, _ := contained(t, 1000, "touch /x /tmp/x; touch /data/ok && ls /data", func(s *Spec) {
		s.ReadOnlyRoot, s.Mounts = true, []Mount{{Source: dir, Target: "/data"}}
	})
	if strings.Count(out, "Read-only file system") != 2 || !strings.HasSuffix(out, "ok\n") {
		t.Errorf("output is %q, want two refusals and the file in /data", out)
	}
}

func TestWritesOfAContainerStayInIt(t *testing.T) {
	out, _ := contained(t, 0, "mkdir /made && touch /made/x && ls /made; touch /usr/bin/made-by-container", nil)
	if !strings.HasPrefix(out, "x\n") || !strings.Contains(out, "Read-only file system") {
		t.Errorf("output is %q, want a file in /made and a refusal in /usr", out)
	}
	for _, path := range []string{"/made", "/usr/bin/made-by-container"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s exists on the host, want it only in the container", path)
		}
	}
}

// engineRoot is the Debian root that images may name; it skips where there is none with PgBouncer.
func engineRoot(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("RAGSCALE_SANDBOX_BIN")
	if bin == "" {
		bin = "../../../.sandbox/bin"
	}
	root, err := filepath.Abs(filepath.Join(bin, "root"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/sbin/pgbouncer")); err != nil {
		t.Skipf("no PgBouncer in %s: `make up` fetches it", root)
	}
	return root
}

func TestAProgramOfAnImagesRootRunsThereWithItsMounts(t *testing.T) {
	root, dir := engineRoot(t), t.TempDir()
	ini := "[databases]\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = 0\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = /etc/users/list\n"
	for name, text := range map[string]string{"pgbouncer.ini": ini, "list": `"rag" "secret"`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, out := startContained(t, 65532, "", func(s *Spec) {
		s.Base, s.ReadOnlyRoot, s.NoNewPrivs = root, true, true
		s.Argv = []string{"pgbouncer", "/etc/pgbouncer/pgbouncer.ini"}
		s.Mounts = []Mount{{Source: dir, Target: "/etc/pgbouncer", ReadOnly: true}, {Source: dir, Target: "/etc/users", ReadOnly: true}}
	})
	var said strings.Builder
	for lines := bufio.NewScanner(out); !strings.Contains(said.String(), "process up: PgBouncer") && lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if log := said.String(); !strings.Contains(log, "process up: PgBouncer") || strings.Contains(log, "ERROR") || strings.Contains(log, "WARNING") {
		t.Errorf("it says %s, want it up without complaint", log)
	}
}

func TestMissingProgramIsAnErrorThatNamesIt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	startContained(t, 0, "true", nil) // skips where containers cannot be
	_, err = (&Runtime{Self: self}).Start(nil, StartSpec{Spec: Spec{Argv: []string{"/no/such"}, Env: []string{"PATH=/bin"}, Dir: "/", Root: t.TempDir(), Base: "/"}})
	want := `exec: "/no/such": stat /no/such: no such file or directory`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestEndOfTheFirstProcessEndsAll(t *testing.T) {
	p, out := startContained(t, 0, "sleep 1000 & echo up; wait", nil)
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	listed, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(listed)))
	if err != nil {
		t.Fatalf("the container has children %q, want the sleep", listed)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := syscall.Kill(child, 0); err == nil {
		t.Errorf("process %d lives on after its container's first process", child)
	}
}

func TestExecRunsInsideTheContainer(t *testing.T) {
	p, out := startContained(t, 1000, "echo up; while true; do sleep 1; done", nil)
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	exit, err := (&Runtime{}).Exec(context.Background(), p, Command{
		Argv: []string{"sh", "-c", "cat; hostname; id -u; exit 3"}, Env: []string{"PATH=" + env.DefaultPath}, Dir: "/tmp", Stdin: strings.NewReader("in\n"), Stdout: &got, Stderr: &got})
	if err != nil || exit != 3 || got.String() != "in\npod-1\n1000\n" {
		t.Errorf("output is %q, exit code %d, error %v, want in, pod-1, 1000 and 3", got.String(), exit, err)
	}
}

func TestAPodsLoopbackIsReachedFromOutside(t *testing.T) {
	ns, err := link.NewNamespace()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("this user makes no network namespaces: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	var l net.Listener
	if err := link.In(ns, func() (err error) {
		if err := link.SetUp("lo"); err != nil {
			return err
		}
		l, err = net.Listen("tcp4", "127.0.0.1:0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "inside")
			_ = c.Close()
		}
	}()
	r := &Runtime{}
	c, err := r.Dial(t.Context(), &podNetwork{ns: ns}, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if said, err := io.ReadAll(c); err != nil || string(said) != "inside" {
		t.Errorf("it says %q, %v", said, err)
	}
	if c, err := r.Dial(t.Context(), nil, l.Addr().String()); err == nil {
		t.Errorf("the same address outside of the pod answers: %v", c.Close())
	}
}
