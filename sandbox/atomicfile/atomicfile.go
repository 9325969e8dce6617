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

// Write makes the file at path hold content, with this mode whatever the umask. Its folder has to be there.
func Write(path string, content []byte, mode fs.FileMode) error {
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
