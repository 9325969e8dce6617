package debroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Role is the first argument with which Command runs the calling executable again; its main must then return Main().
const Role = "engine-init"

const mountPoint = "mnt" // of the engine's own root, a tmpfs

// Bind shows a host file or folder inside the engine's root.
type Bind struct {
	Source   string `json:"source"` // absolute
	Target   string `json:"target"` // absolute, inside the root; made if it is not there
	ReadOnly bool   `json:"readOnly"`
}

type engineSpec struct {
	Root  string   `json:"root"`
	Binds []Bind   `json:"binds"`
	Argv  []string `json:"argv"`
}

// Command returns a command that runs argv (an absolute path inside the root, and arguments) in the root file system
// root: read-only but for the binds, a private /tmp and /dev/shm, its own process and IPC namespaces, the caller's
// network. The program sees itself as user uid; outside it is the caller. It is the first process of its PID
// namespace: when it ends, the kernel ends everything that it started, before Wait returns. It dies with the thread that started it:
// start it from a goroutine that holds its thread (runtime.LockOSThread) until Wait returns.
func Command(ctx context.Context, root string, binds []Bind, uid int, argv ...string) *exec.Cmd {
	spec, err := json.Marshal(engineSpec{Root: root, Binds: binds, Argv: argv})
	cmd := exec.CommandContext(ctx, "/proc/self/exe", Role, string(spec))
	cmd.Err = err
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getegid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT}, // survive the exec of the role, dropped before the engine
		Pdeathsig:   syscall.SIGKILL,
		Setpgid:     true, // a terminal's Ctrl-C is for the caller, who stops its engines in order
	}
	return cmd
}

// Main is the engine-init role: it makes the root described by its second argument and becomes the engine. It
// returns (an exit code) only when that cannot be done.
func Main() int {
	if err := becomeEngine(os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "engine-init: %v\n", err)
		return 125
	}
	return 0
}

func becomeEngine(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("got %d arguments, want the engine as JSON", len(args))
	}
	var spec engineSpec
	if err := json.Unmarshal([]byte(args[0]), &spec); err != nil {
		return fmt.Errorf("engine description: %w", err)
	}
	if len(spec.Argv) == 0 {
		return errors.New("engine description: no program named")
	}
	if err := enterRoot(spec); err != nil {
		return err
	}
	// What follows is a thread's own, and the thread that execs is the engine's: it need not be the one that the caller
	// asked to be ended with it.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("end with the caller: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	if err := syscall.Exec(spec.Argv[0], spec.Argv, os.Environ()); err != nil {
		return fmt.Errorf("%s: %w", spec.Argv[0], err)
	}
	return nil
}

// enterRoot builds the engine's root on a tmpfs and pivots into it.
func enterRoot(spec engineSpec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	at := filepath.Join(spec.Root, mountPoint)
	if err := unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", at, err)
	}
	if err := layTree(spec.Root, at); err != nil {
		return err
	}
	for _, b := range spec.Binds {
		if err := bind(b.Source, filepath.Join(at, b.Target), b.ReadOnly); err != nil {
			return err
		}
	}
	if err := os.Chdir(at); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot into %s: %w", at, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return os.Chdir("/")
}

func layTree(root, at string) error {
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+d, filepath.Join(at, d)); err != nil {
			return err
		}
	}
	for _, d := range []string{"usr", "etc"} {
		if err := bind(filepath.Join(root, d), filepath.Join(at, d), true); err != nil {
			return err
		}
	}
	for _, d := range []string{"tmp", "run", "proc", "dev/shm"} {
		if err := os.MkdirAll(filepath.Join(at, d), 0o755); err != nil {
			return err
		}
	}
	for _, d := range []string{"null", "zero", "full", "random", "urandom"} {
		if err := bind("/dev/"+d, filepath.Join(at, "dev", d), false); err != nil {
			return err
		}
	}
	return mountKernel(at)
}

// mountKernel mounts what the kernel offers programs: their processes and shared memory.
func mountKernel(at string) error {
	// A container that masks parts of /proc forbids a fresh one (EPERM): engines do without.
	err := unix.Mount("proc", filepath.Join(at, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("tmpfs", filepath.Join(at, "dev/shm"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("mount /dev/shm: %w", err)
	}
	return nil
}

// bind mounts source at target, which it makes: a folder for a folder, else an empty file.
func bind(source, target string, readOnly bool) error {
	if err := placeFor(source, target); err != nil {
		return err
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s: %w", source, err)
	}
	if !readOnly {
		return nil
	}
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return fmt.Errorf("mount %s: %w", source, err)
	}
	// A less privileged namespace may not clear the flags that the mount came with.
	kept := uintptr(st.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME)
	if err := unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|kept, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", source, err)
	}
	return nil
}

func placeFor(source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if _, err := os.Lstat(target); err == nil {
		return nil // a file of a read-only tree below: it is covered
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// ExplainStart adds to an error of starting a Command what a host that forbids user namespaces must change.
func ExplainStart(err error) error {
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOSPC) && !strings.Contains(fmt.Sprint(err), "uid_map") {
		return err
	}
	return fmt.Errorf("engine root: this host forbids user namespaces: allow them with "+
		"`sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0` (those of the two that exist) "+
		"and `sysctl user.max_user_namespaces=10000`: %w", err)
}
