// Package debroot makes the root file system that the sandbox's engines (PostgreSQL and others) run in, from Debian 13
// packages, without privileges and without touching the host's own package database.
//
// Owns: choosing, fetching, checking and unpacking packages; running a program inside the root. Does not own: what an
// engine is, its data, its supervision.
package debroot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	stampName = ".packages" // written last: a root without it is not complete
	needBytes = 900 << 20   // archives and root together peak at about 420 MB with PostgreSQL 17 (measured 2026-11)
)

// Ensure makes dir a root file system that holds the named Debian packages and what they need to run. A root that
// already holds them is left alone, without a network request. Packages of an older root are kept. Interrupted runs
// leave dir as it was. Progress is reported to progress in lines.
func Ensure(ctx context.Context, dir string, packages []string, progress io.Writer) error {
	if len(packages) == 0 {
		return fmt.Errorf("engine root %s: no packages named", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	defer unlock()

	have, err := readStamp(filepath.Join(dir, stampName))
	if err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	if have.holds(packages) {
		return nil
	}
	want := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(packages), have.requested...))))
	return build(ctx, dir, want, progress)
}

// build makes a fresh root beside dir and puts it in dir's place.
func build(ctx context.Context, dir string, packages []string, progress io.Writer) error {
	if err := checkSpace(filepath.Dir(dir)); err != nil {
		return err
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("engine root: leftover of an interrupted run: %w", err)
	}
	defer os.RemoveAll(part) //nolint:errcheck // the next run removes what is left
	root := filepath.Join(part, "root")
	for _, d := range []string{root, filepath.Join(part, "apt")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("engine root: %w", err)
		}
	}

	fetched, err := fetch(ctx, filepath.Join(part, "apt"), packages, progress)
	if err != nil {
		return explainSpace(err, dir)
	}
	if err := unpackAll(ctx, root, fetched.archives, progress); err != nil {
		return explainSpace(err, dir)
	}
	if err := checkLibraries(root); err != nil {
		return err
	}
	s := stamp{requested: packages, installed: fetched.installed}
	if err := s.write(filepath.Join(root, stampName)); err != nil {
		return explainSpace(err, dir)
	}
	return replace(root, dir)
}

// replace moves the finished root to dir; programs that still run in the old one keep their open files.
func replace(root, dir string) error {
	old := dir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("engine root: %w", err)
	}
	if err := os.Rename(root, dir); err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	return os.RemoveAll(old)
}

// lock takes an exclusive lock on the file at path, so that two sandboxes that share their tools build one root.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	got := make(chan error, 1)
	go func() { got <- syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }()
	select {
	case err := <-got:
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		return func() { f.Close() }, nil //nolint:errcheck // closing releases the lock, nothing was written
	case <-ctx.Done():
		go func() { <-got; f.Close() }() //nolint:errcheck // as above
		return nil, fmt.Errorf("lock %s is held by another run: %w", path, ctx.Err())
	}
}

func checkSpace(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("engine root: free space of %s: %w", dir, err)
	}
	if free := int64(st.Bavail) * st.Bsize; free < needBytes {
		return fmt.Errorf("engine root: %s has %d MB free, want %d MB: free some space or set RAGSCALE_SANDBOX_BIN to a folder on another disk",
			dir, free>>20, int64(needBytes)>>20)
	}
	return nil
}

func explainSpace(err error, dir string) error {
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "No space left on device") {
		return fmt.Errorf("engine root: the disk of %s is full: free %d MB or set RAGSCALE_SANDBOX_BIN to a folder on another disk: %w",
			filepath.Dir(dir), int64(needBytes)>>20, err)
	}
	return err
}

// stamp lists what a root was made from.
type stamp struct {
	requested []string          // as asked for, sorted
	installed map[string]string // package name -> Debian version
}

func (s stamp) holds(packages []string) bool {
	for _, p := range packages {
		if !slices.Contains(s.requested, p) {
			return false
		}
	}
	return len(s.requested) > 0
}

// readStamp reads the stamp at path; one that is absent is the zero stamp.
func readStamp(path string) (stamp, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, err
	}
	s := stamp{installed: map[string]string{}}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && f[0] == "requested:":
			s.requested = f[1:]
		case len(f) == 2:
			s.installed[f[0]] = f[1]
		default:
			return stamp{}, fmt.Errorf("%s: line %q, want `requested: …` or `package version`: remove the folder to have it made again", path, strings.TrimSpace(line))
		}
	}
	return s, nil
}

func (s stamp) write(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "requested: %s\n", strings.Join(s.requested, " "))
	for _, name := range slices.Sorted(maps.Keys(s.installed)) {
		fmt.Fprintf(&b, "%s %s\n", name, s.installed[name])
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
