package debroot

import (
	"archive/tar"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// unwanted are paths (path.Match patterns, below which everything goes) that no engine reads at run time.
var unwanted = []string{
	"etc", "var", "usr/include", "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian",
	"usr/share/bug", "usr/share/i18n", "usr/share/bash-completion", "usr/share/gdb", "usr/share/pixmaps",
	"usr/lib/*/gconv", "usr/lib/*/pkgconfig", "usr/lib/systemd", "usr/lib/postgresql/*/lib/pgxs",
}

// The users that programs in the root may ask for: 0 is nobody's real identity there, 999 is the engine's.
const (
	EngineUser = "postgres" // name of EngineUID
	EngineUID  = 999        // PostgreSQL refuses to run as 0
)

var skeletonFiles = map[string]string{
	"etc/passwd":        fmt.Sprintf("root:x:0:0::/:/bin/sh\n%s:x:%d:%d::/:/bin/sh\n", EngineUser, EngineUID, EngineUID),
	"etc/group":         fmt.Sprintf("root:x:0:\n%s:x:%d:\n", EngineUser, EngineUID),
	"etc/hosts":         "127.0.0.1 localhost\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}

func unpackAll(ctx context.Context, dir string, archives []string, progress io.Writer) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	defer root.Close()
	if err := skeleton(root); err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	fmt.Fprintf(progress, "engines: unpacking %d packages\n", len(archives))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2) // decompression is most of the work
	for _, a := range archives {
		g.Go(func() error {
			if err := unpack(ctx, root, a); err != nil {
				return fmt.Errorf("engine root: unpack %s: %w", filepath.Base(a), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// skeleton makes what Debian's base packages would: the merged /usr, mount points, users.
func skeleton(root *os.Root) error {
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := root.MkdirAll("usr/"+d, 0o755); err != nil {
			return err
		}
		if err := root.Symlink("usr/"+d, d); err != nil {
			return err
		}
	}
	for _, d := range []string{"etc", mountPoint} {
		if err := root.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for name, text := range skeletonFiles {
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func unpack(ctx context.Context, root *os.Root, archive string) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", archive)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = extract(root, out)
	if err != nil {
		return errors.Join(err, cmd.Process.Kill(), ignoreKilled(cmd.Wait()))
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("dpkg-deb: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

func ignoreKilled(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// extract unpacks a tar stream below root. Nothing is written outside it, whatever names and links the stream holds;
// owners, set-id bits and device nodes are left out.
func extract(root *os.Root, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, r) // the trailer, so that the writer is not cut off
			return err
		}
		if err != nil {
			return err
		}
		name := path.Clean("./" + h.Name)
		if name == "." || isUnwanted(name) {
			continue
		}
		if err := extractEntry(root, h, name, t); err != nil {
			return err
		}
	}
}

func extractEntry(root *os.Root, h *tar.Header, name string, r io.Reader) error {
	if h.Typeflag != tar.TypeDir {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeReg:
		return writeFile(root, name, fs.FileMode(h.Mode)&0o755|0o600, r)
	case tar.TypeSymlink:
		if err := removeOld(root, name); err != nil {
			return err
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		target := path.Clean("./" + h.Linkname)
		if isUnwanted(target) {
			return nil
		}
		if err := removeOld(root, name); err != nil {
			return err
		}
		return root.Link(target, name)
	}
	return nil // device nodes, fifos
}

func writeFile(root *os.Root, name string, mode fs.FileMode, r io.Reader) error {
	if err := removeOld(root, name); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func removeOld(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func isUnwanted(name string) bool {
	for p := name; p != "."; p = path.Dir(p) {
		if matchAny(unwanted, p) {
			return true
		}
		if path.Dir(p) == p { // an absolute name cannot come from path.Clean("./…"), yet must not loop
			break
		}
	}
	return false
}

// checkLibraries proves that every program and library below dir finds the shared libraries that it links.
func checkLibraries(dir string) error {
	have := map[string]bool{}
	needs := map[string][]string{} // library -> who links it
	err := filepath.WalkDir(filepath.Join(dir, "usr"), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		have[d.Name()] = true
		if d.Type().IsRegular() && (strings.Contains(p, "/bin/") || strings.Contains(p, "/sbin/") || strings.Contains(d.Name(), ".so")) {
			for _, lib := range imports(p) {
				needs[lib] = append(needs[lib], strings.TrimPrefix(p, dir+"/"))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("engine root: %w", err)
	}
	var missing []error
	for lib, users := range needs {
		if !have[lib] {
			slices.Sort(users)
			missing = append(missing, fmt.Errorf("engine root: %s links %s, which no unpacked package holds", users[0], lib))
		}
	}
	return errors.Join(missing...)
}

// imports are the libraries that the ELF file at p links; none for any other file.
func imports(p string) []string {
	f, err := elf.Open(p)
	if err != nil {
		return nil
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil {
		return nil
	}
	return libs
}
