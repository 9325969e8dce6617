package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Install makes the built pack (absolute path) the one that an engine with this PULUMI_HOME runs for a folder whose
// PulumiPolicy.yaml says runtime go, where it finds no Go language host: it then looks for an analyzer plugin
// "policy-go" on PATH and among its plugins. With a language host the engine builds the folder itself.
func Install(home, binary string) error {
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("%s is not built: run `make build` (%w)", binary, err)
	}
	dir := filepath.Join(home, "plugins", "analyzer-policy-go-v"+Version)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	link := filepath.Join(dir, "pulumi-analyzer-policy-go")
	if now, err := os.Readlink(link); err == nil && now == binary {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(binary, link)
}
