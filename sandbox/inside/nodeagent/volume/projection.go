package volume

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// file is one file of a projected volume.
type file struct {
	data []byte
	mode os.FileMode
}

// dataLink points at the folder with the current content; user-visible names point through it, so that all files of
// a volume change at once.
const dataLink = "..data"

// writeFiles makes dir show exactly files (relative paths, slashes allowed), in one step. Same content is left alone.
func writeFiles(dir string, files map[string]file) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	current := filepath.Join(dir, dataLink)
	if sameFiles(current, files) {
		return nil
	}
	fresh, err := os.MkdirTemp(dir, ".."+time.Now().UTC().Format("2006_01_02_15_04_05."))
	if err != nil {
		return err
	}
	if err := writeAll(fresh, files); err != nil {
		return err
	}
	old, err := os.Readlink(current)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := replaceLink(filepath.Base(fresh), current); err != nil {
		return err
	}
	if err := linkNames(dir, files); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, old))
}

func writeAll(dir string, files map[string]file) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for path, f := range files {
		at := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, f.data, f.mode); err != nil {
			return err
		}
		if err := os.Chmod(at, f.mode); err != nil { // whatever the umask
			return err
		}
	}
	return nil
}

// linkNames makes the volume's top-level names links into the current content and removes those that went away.
func linkNames(dir string, files map[string]file) error {
	wanted := map[string]bool{}
	for path := range files {
		top, _, _ := strings.Cut(path, "/")
		wanted[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".."):
		case wanted[name]:
			delete(wanted, name)
		default:
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	for name := range wanted {
		if err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// sameFiles says whether a folder holds exactly files.
func sameFiles(dir string, files map[string]file) bool {
	seen := 0
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, ok := files[filepath.ToSlash(relative)]
		if !ok || !bytes.Equal(b, want.data) {
			return fs.ErrInvalid
		}
		seen++
		return nil
	})
	return err == nil && seen == len(files)
}

// replaceLink makes link point at target, in one step.
func replaceLink(target, link string) error {
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	next := link + "_tmp"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}
