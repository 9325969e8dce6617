package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// refName is how tools name an image within a layout: oci:DIR:TAG.
const refName = "org.opencontainers.image.ref.name"

// Write writes the index as an OCI layout, under its tag. The folder is written whole or not at all; it may be there if
// it is empty or an OCI layout, which is replaced.
func Write(index v1.ImageIndex, tag, dir string) (err error) {
	if err := replaceable(dir); err != nil {
		return err
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(made)) }()
	if err := os.Chmod(made, 0o755); err != nil { //nolint:gosec // other tools read it
		return err
	}
	written, err := layout.Write(made, empty.Index)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := written.AppendIndex(index, layout.WithAnnotations(map[string]string{refName: tag})); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(made, dir)
}

// replaceable refuses a folder whose loss would be one.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return fmt.Errorf("%s holds something else, want an empty folder, an OCI layout or none", dir)
	}
	return nil
}
