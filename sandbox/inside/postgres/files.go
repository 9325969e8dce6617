package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
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
	return true, atomicfile.Write(name, []byte(text), 0o600)
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

// tail is what was written to the log name since offset, at its end.
func tail(name string, offset int64) string {
	return strings.TrimSpace(string(bytes.ToValidUTF8(supervise.Tail(name, offset), []byte("?"))))
}
