// Package atomicfile replaces files as a whole: who reads one meanwhile, or after its writer was killed, reads the old content
// or the new.
//
// Owns: how a file is replaced. Does not own: its content. Nothing is forced to the disk: a sandbox does not outlive its
// machine, and an update writes hundreds of files.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the file at path hold content, with this mode whatever the umask. Its folder has to be there. What is a
// device or a pipe, such as /dev/stdout, is written to: it is not replaced.
func Write(path string, content []byte, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil && info.Mode()&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return writeTo(path, content)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func writeTo(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
