package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// writeIfChanged makes the file name hold text, atomically, readable by the owner alone.
func writeIfChanged(name, text string) (changed bool, err error) {
	have, err := os.ReadFile(name)
	if err == nil && string(have) == text {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		return false, err
	}
	return true, os.Rename(name+".new", name)
}

func copyIfChanged(name, source string) (changed bool, err error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return false, err
	}
	return writeIfChanged(name, string(text))
}

// explainDisk says what a full or forbidden disk means here.
func explainDisk(err error, dir string) error {
	switch {
	case errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "No space left on device"):
		return fmt.Errorf("the disk of %s is full: free some space, then run the command again: %w", dir, err)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written: %w", dir, err)
	}
	return err
}

// tail is what was written to the file name since offset, at most its last 4 kB; an error that arises says so instead.
func tail(name string, offset int64) string {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	if offset < int64(len(raw)) {
		raw = raw[offset:]
	}
	const most = 4 << 10
	if len(raw) > most {
		raw = raw[len(raw)-most:]
	}
	return strings.TrimSpace(string(bytes.ToValidUTF8(raw, []byte("?"))))
}
