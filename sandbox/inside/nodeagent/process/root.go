package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// What a container sees of its base; everything else of the host is hidden. Folders are shown read-only.
var (
	systemFolders = []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt"}
	systemEtc     = []string{"alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "group", "ld.so.cache",
		"ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "os-release", "passwd", "pki", "protocols", "services", "ssl"}
	devices      = []string{"null", "zero", "full", "random", "urandom", "tty"}
	emptyFolders = []string{"dev", "etc", "home", "mnt", "proc", "root", "run", "run/lock", "srv", "sys", "var", "var/cache", "var/lib", "var/log", "var/spool"}
	worldFolders = []string{"tmp", "var/tmp"}
)

// maxLinks bounds symbolic links followed in one path, as the kernel does.
const maxLinks = 40

// rootTree is a container's root while it is built: a tmpfs with bind mounts (an overlay is refused to unprivileged users).
type rootTree struct {
	dir  string
	base string
}

// enterRoot builds the container's root in the calling process's own mount namespace and moves into it.
func enterRoot(s Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	r := rootTree{dir: s.Root, base: s.Base}
	if err := r.build(s.Mounts); err != nil {
		return err
	}
	if s.ReadOnlyRoot {
		if err := readOnly(r.dir, 0); err != nil {
			return fmt.Errorf("read-only root: %w", err)
		}
	}
	if err := os.Chdir(r.dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the old root: %w", err)
	}
	return os.Chdir("/")
}

func (r rootTree) build(mounts []Mount) error {
	if err := unix.Mount("tmpfs", r.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("root tmpfs: %w", err)
	}
	for _, step := range []func() error{r.folders, r.system, r.etc, r.dev, r.kernel} {
		if err := step(); err != nil {
			return err
		}
	}
	byDepth := slices.Clone(mounts)
	slices.SortStableFunc(byDepth, func(a, b Mount) int {
		return strings.Count(filepath.Clean(a.Target), "/") - strings.Count(filepath.Clean(b.Target), "/")
	})
	for _, m := range byDepth {
		if err := r.place(m); err != nil {
			return fmt.Errorf("mount %s: %w", m.Target, err)
		}
	}
	return nil
}

func (r rootTree) folders() error {
	for _, name := range emptyFolders {
		if err := os.Mkdir(filepath.Join(r.dir, name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range worldFolders {
		at := filepath.Join(r.dir, name)
		if err := os.Mkdir(at, 0o777); err != nil {
			return err
		}
		if err := os.Chmod(at, 0o777|os.ModeSticky); err != nil {
			return err
		}
	}
	return os.Symlink("/run", filepath.Join(r.dir, "var/run"))
}

func (r rootTree) system() error {
	for _, name := range systemFolders {
		if err := mirror(filepath.Join(r.base, name), filepath.Join(r.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// etc shows what programs need to find libraries, names and certificates. Of a base other than the host everything is
// shown: it is an unpacked image and holds no one's secrets.
func (r rootTree) etc() error {
	names := systemEtc
	if filepath.Clean(r.base) != "/" {
		entries, err := os.ReadDir(filepath.Join(r.base, "etc"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		names = nil
		for _, e := range entries {
			if !slices.Contains([]string{"hosts", "resolv.conf", "hostname"}, e.Name()) {
				names = append(names, e.Name())
			}
		}
	}
	for _, name := range names {
		if err := mirror(filepath.Join(r.base, "etc", name), filepath.Join(r.dir, "etc", name)); err != nil {
			return err
		}
	}
	return nil
}

func (r rootTree) dev() error {
	dev := filepath.Join(r.dir, "dev")
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return fmt.Errorf("/dev: %w", err)
	}
	for _, name := range devices {
		if err := bind(filepath.Join("/dev", name), filepath.Join(dev, name), false); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dev, "pts"), 0o755); err != nil {
		return err
	}
	if err := unix.Mount("devpts", filepath.Join(dev, "pts"), "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return fmt.Errorf("/dev/pts: %w", err)
	}
	shm := filepath.Join(dev, "shm")
	if err := os.Mkdir(shm, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(shm, 0o777|os.ModeSticky); err != nil {
		return err
	}
	for name, target := range map[string]string{"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

// kernel mounts /proc of the container's own process namespace, and /sys read-only.
func (r rootTree) kernel() error {
	if err := unix.Mount("proc", filepath.Join(r.dir, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	return bind("/sys", filepath.Join(r.dir, "sys"), true)
}

// place mounts m over its target, which is made where it does not exist.
func (r rootTree) place(m Mount) error {
	source, err := os.Stat(m.Source)
	if err != nil {
		return err
	}
	at, err := r.resolve(m.Target)
	if err != nil {
		return err
	}
	if err := r.ensure(at, source.IsDir()); err != nil {
		return err
	}
	return bind(m.Source, at, m.ReadOnly)
}

// resolve is the path outside of a path inside, with symbolic links followed within the root.
func (r rootTree) resolve(path string) (string, error) {
	at, rest, links := "", strings.Split(filepath.Clean("/"+path), "/"), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = strings.TrimSuffix(filepath.Dir("/"+at), "/")
			continue
		}
		target, err := os.Readlink(filepath.Join(r.dir, at, name))
		if err != nil { // not a link, or not there yet
			at = filepath.Join(at, name)
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s has more than %d symbolic links", path, maxLinks)
		}
		if filepath.IsAbs(target) {
			at = ""
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return filepath.Join(r.dir, at), nil
}

// ensure makes the mount point. A read-only folder on the way is first replaced by a writable one with the same entries.
func (r rootTree) ensure(at string, folder bool) error {
	if have, err := os.Stat(at); err == nil {
		if have.IsDir() != folder {
			return fmt.Errorf("folder is %t at the mount point and %t at the source, want the same", have.IsDir(), folder)
		}
		return nil
	}
	parent := filepath.Dir(at)
	if parent != r.dir {
		if err := r.ensure(parent, true); err != nil {
			return err
		}
	}
	err := create(at, folder)
	if errors.Is(err, unix.EROFS) {
		if err := shadow(parent); err != nil {
			return err
		}
		err = create(at, folder)
	}
	return err
}

func create(at string, folder bool) error {
	if folder {
		return os.Mkdir(at, 0o755)
	}
	f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// shadow covers a folder by a tmpfs that shows the same entries and can get more.
func shadow(dir string) error {
	under, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer under.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("tmpfs over %s: %w", dir, err)
	}
	for _, e := range entries {
		from := fmt.Sprintf("/proc/self/fd/%d/%s", under.Fd(), e.Name())
		if err := mirror(from, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mirror shows a file or folder read-only at another path, or copies a symbolic link. What is not there is left out.
func mirror(from, at string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, at)
	}
	return bind(from, at, true)
}

// bind mounts source, with what is mounted below it, at a path that is made if it is not there.
func bind(source, at string, ro bool) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if err := create(at, info.IsDir()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := unix.Mount(source, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s: %w", source, err)
	}
	if !ro {
		return nil
	}
	if err := readOnly(at, unix.AT_RECURSIVE); err != nil {
		return fmt.Errorf("bind %s read-only: %w", source, err)
	}
	return nil
}

// readOnly needs Linux 5.12 (mount_setattr): unlike a remount it leaves the flags alone that the outer namespace locked.
func readOnly(at string, flags uint) error {
	return unix.MountSetattr(unix.AT_FDCWD, at, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}
