package debroot

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Role {
		// On another thread than the process's first, as a goroutine may come to be.
		runtime.LockOSThread()
		code := make(chan int)
		go func() { code <- Main() }()
		os.Exit(<-code)
	}
	if len(os.Args) > 1 && os.Args[1] == callerRole {
		os.Exit(startEngine(os.Args[2], os.Args[3]))
	}
	os.Exit(m.Run())
}

func TestMirrorIsTheHostsDebianArchive(t *testing.T) {
	for name, c := range map[string]struct{ targets, want string }{
		"main archive": {"Packages bookworm-security main http://m/sec/\nPackages bookworm main http://m/debian/\n", "http://m/debian/"},
		"another vendor's archive first": {
			"Packages nodistro main https://vendor/\nPackages bookworm stable https://docker/\nPackages trixie main http://m/debian/\n", "http://m/debian/"},
		"metadata that is no package list": {"DEP-11 bookworm main http://wrong/\nPackages bookworm main http://m/debian/\n", "http://m/debian/"},
		"none":                             {"Packages noble main http://ubuntu/\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mainArchive(c.targets); got != c.want {
				t.Errorf("mirror %q, want %q", got, c.want)
			}
		})
	}
}

func TestMirrorOfTheEnvironmentWins(t *testing.T) {
	t.Setenv(EnvMirror, "http://mine/debian/")
	got, err := findMirror(t.Context(), "/nonexistent")
	if err != nil || got != "http://mine/debian/" {
		t.Errorf("mirror %q, %v", got, err)
	}
}

func TestProxiesOfTheHostAreKept(t *testing.T) {
	dump := "Acquire::Languages:: \"none\";\nAcquire::http::Proxy \"http://proxy:3128\";\nAcquire::https::CAInfo \"/ca\";\n"
	want := "Acquire::http::Proxy \"http://proxy:3128\";\nAcquire::https::CAInfo \"/ca\";\n"
	if d := cmp.Diff(want, transportLines(dump)); d != "" {
		t.Error(d)
	}
}

func TestAptTouchesOnlyItsOwnFolder(t *testing.T) {
	for line := range strings.Lines(aptConf("/private")) {
		if strings.HasPrefix(line, "Dir") && !strings.Contains(line, `"/private/`) {
			t.Errorf("%s", line)
		}
	}
}

func TestPlanIsReadAndPruned(t *testing.T) {
	plan := "Reading package lists...\nInst libc6 (2.41-12 Debian:13.8/stable [amd64]) []\nInst perl-base (5.40 Debian:13.8/stable [amd64])\n" +
		"Inst libjson-perl (4.1 Debian:13 [all])\nInst postgresql-17 [17.1] (17.12 Debian:13 [amd64])\nConf libc6 (2.41-12 Debian:13.8/stable [amd64])\n"
	want := map[string]string{"libc6": "2.41-12", "postgresql-17": "17.12"}
	if d := cmp.Diff(want, prune(parsePlan(plan), []string{"postgresql-17"})); d != "" {
		t.Error(d)
	}
}

func TestAPackageThatWasAskedForIsNotPruned(t *testing.T) {
	got := prune(map[string]string{"perl-base": "5"}, []string{"perl-base"})
	if d := cmp.Diff(map[string]string{"perl-base": "5"}, got); d != "" {
		t.Error(d)
	}
}

func TestAptErrorsSayWhatToDo(t *testing.T) {
	a := &apt{mirror: "http://m/debian/"}
	for name, c := range map[string]struct{ said, want string }{
		"unknown package": {"E: Unable to locate package postgres-99", "no such package: Unable to locate package postgres-99"},
		"mirror away":     {"E: Failed to fetch http://m/debian/x  Could not resolve 'm'", "mirror http://m/debian/ cannot be reached"},
		"no Debian 13":    {"E: The repository 'http://m/debian trixie Release' does not have a Release file.", "does not carry Debian 13"},
		"old keyring":     {"NO_PUBKEY 6ED0E7B82643E131", "update the package debian-archive-keyring"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := a.explain("update", errors.New(c.said)).Error(); !strings.Contains(got, c.want) {
				t.Errorf("%q does not hold %q", got, c.want)
			}
		})
	}
}

func TestARootIsNotMadeTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := stamp{requested: []string{"dash", "postgresql-17"}, installed: map[string]string{"dash": "1", "postgresql-17": "2"}}
	if err := s.write(filepath.Join(dir, stampName)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "") // apt-get cannot be found: any work would fail
	if err := Ensure(t.Context(), dir, []string{"postgresql-17"}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestWithoutAptTheErrorNamesThePlatforms(t *testing.T) {
	t.Setenv("PATH", "")
	err := Ensure(t.Context(), filepath.Join(t.TempDir(), "root"), []string{"postgresql-17"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "Debian 12 or 13") {
		t.Errorf("got %v", err)
	}
}

func TestAFailedRunLeavesNothingHalfMade(t *testing.T) {
	t.Setenv("PATH", "")
	dir := t.TempDir()
	if err := Ensure(t.Context(), filepath.Join(dir, "root"), []string{"x"}, io.Discard); err == nil {
		t.Fatal("no error")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "root.lock" {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

type entry struct {
	name, link, text string
	kind             byte
	mode             int64
}

func archive(t *testing.T, entries ...entry) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.text))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func openRoot(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() }) //nolint:errcheck // nothing was written through it
	return root, dir
}

func TestArchivesCannotWriteOutsideTheRoot(t *testing.T) {
	for name, entries := range map[string][]entry{
		"through a link":          {{name: "./usr/out", kind: tar.TypeSymlink, link: "../.."}, {name: "./usr/out/evil", kind: tar.TypeReg, text: "x", mode: 0o644}},
		"through an absolute one": {{name: "./usr/out", kind: tar.TypeSymlink, link: "/tmp"}, {name: "./usr/out/evil", kind: tar.TypeReg, text: "x", mode: 0o644}},
		"by a hard link":          {{name: "./usr/evil", kind: tar.TypeLink, link: "../../evil"}},
	} {
		t.Run(name, func(t *testing.T) {
			root, dir := openRoot(t)
			if err := extract(root, archive(t, entries...)); err == nil {
				t.Error("accepted")
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "evil")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("written outside: %v", err)
			}
		})
	}
}

func TestDotsInArchiveNamesStayInTheRoot(t *testing.T) {
	root, dir := openRoot(t)
	if err := extract(root, archive(t, entry{name: "../../evil", kind: tar.TypeReg, text: "x", mode: 0o644})); err == nil {
		t.Error("accepted")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "evil")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("written outside: %v", err)
	}
}

func TestLibrariesLandInTheMergedUsr(t *testing.T) {
	root, dir := openRoot(t)
	if err := skeleton(root); err != nil {
		t.Fatal(err)
	}
	err := extract(root, archive(t,
		entry{name: "./lib/", kind: tar.TypeDir, mode: 0o755},
		entry{name: "./lib/x86_64-linux-gnu/libx.so.1", kind: tar.TypeReg, text: "x", mode: 0o4755}))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "usr/lib/x86_64-linux-gnu/libx.so.1"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o755 {
		t.Errorf("mode %v, want 0755 without set-id bits", info.Mode())
	}
}

func TestDocumentationAndDevicesAreLeftOut(t *testing.T) {
	root, dir := openRoot(t)
	err := extract(root, archive(t,
		entry{name: "./usr/share/doc/x/copyright", kind: tar.TypeReg, text: "x", mode: 0o644},
		entry{name: "./dev/null", kind: tar.TypeChar}))
	if err != nil {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "usr/share/*")); err != nil || len(found) > 0 {
		t.Errorf("kept %v, %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dev/null")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("device node: %v", err)
	}
}

// liveRoot is an engine root made earlier; the test is skipped where there is none or user namespaces are forbidden.
func liveRoot(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("RAGSCALE_SANDBOX_BIN")
	if bin == "" {
		bin = "../../../.sandbox/bin"
	}
	root, err := filepath.Abs(filepath.Join(bin, "root"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, stampName)); err != nil {
		t.Skipf("no engine root at %s: `make up` makes it", root)
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if err := probe.Run(); err != nil {
		t.Skipf("no user namespaces here: %v", err)
	}
	return root
}

func TestEnginesSeeThemselvesAsAnOrdinaryUserOfAReadOnlyRoot(t *testing.T) {
	root := liveRoot(t)
	data := t.TempDir()
	script := `set -eu
echo $$; [ ! -w /usr ]; [ ! -w /etc ]; echo hello > /data/file; echo x > /tmp/x; [ -c /dev/null ]; while read -r k v r; do [ "$k" != Uid: ] || echo $v; [ "$k" != CapEff: ] || echo $v; done < /proc/self/status`
	cmd := Command(context.Background(), root, []Bind{{Source: data, Target: "/data"}}, EngineUID, "/bin/sh", "-c", script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if d := cmp.Diff("1\n999\n0000000000000000\n", string(out)); d != "" {
		t.Error(d)
	}
	if raw, err := os.ReadFile(filepath.Join(data, "file")); err != nil || string(raw) != "hello\n" {
		t.Errorf("bound folder holds %q, %v", raw, err)
	}
}

func TestAnEngineThatIsNotThereIsNamed(t *testing.T) {
	root := liveRoot(t)
	out, err := Command(context.Background(), root, nil, EngineUID, "/bin/none").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "/bin/none: no such file") {
		t.Errorf("%v: %s", err, out)
	}
}

// callerRole is the first argument of a process that starts an engine in the test's place.
const callerRole = "engine-caller"

// startEngine starts an engine that waits for somebody to write to a pipe in folder.
func startEngine(root, folder string) int {
	cmd := Command(context.Background(), root, []Bind{{Source: folder, Target: "/data"}}, EngineUID, "/bin/sh", "-c", "echo up; read -r _ < /data/pipe")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	proc, err := Start(cmd)
	if err != nil {
		return 1
	}
	<-proc.Done()
	return 1
}

func TestAnEngineEndsWithItsCaller(t *testing.T) {
	root, folder := liveRoot(t), t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	caller := exec.Command("/proc/self/exe", callerRole, root, folder)
	said, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	caller.Stdout = theirs
	if err := errors.Join(caller.Start(), theirs.Close()); err != nil {
		t.Fatal(err)
	}
	up := make([]byte, len("up\n"))
	if _, err := io.ReadFull(said, up); err != nil {
		t.Errorf("the engine said %q: %v", up, err)
	}
	if err := caller.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = caller.Wait() // killed
	// The pipe ends when nobody holds it: the engine does.
	if err := said.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(said); err != nil {
		t.Errorf("the engine runs on without its caller: %q, %v", rest, err)
	}
	if release, err := os.OpenFile(filepath.Join(folder, "pipe"), os.O_RDWR, 0); err == nil { // one that should not be there
		release.Close()
	}
}
