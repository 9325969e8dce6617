package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/inside/debroot"
)

// inside is where a database's folder appears in the engine's root.
const inside = "/instance"

// engine is the PostgreSQL of a root file system.
type engine struct {
	root      string
	version   string   // "17.12"
	major     string   // "17"
	libraries []string // that shared_preload_libraries may name
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\.\d+)`)

func findEngine(ctx context.Context, root string) (*engine, error) {
	servers, err := filepath.Glob(filepath.Join(root, "usr/lib/postgresql/*/bin/postgres"))
	if err != nil {
		return nil, err
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("no PostgreSQL in %s: run `make up`, which fetches it", root)
	}
	slices.Sort(servers)
	home := filepath.Dir(filepath.Dir(servers[len(servers)-1]))
	e := &engine{root: root, major: filepath.Base(home)}
	out, err := e.run(ctx, nil, e.program("postgres"), "--version")
	if err != nil {
		return nil, err
	}
	m := versionText.FindStringSubmatch(out)
	if m == nil || m[2] != e.major {
		return nil, fmt.Errorf("%s says %q, want a version %s of PostgreSQL", servers[0], strings.TrimSpace(out), e.major)
	}
	e.version = m[1]
	libs, err := filepath.Glob(filepath.Join(home, "lib", "*.so"))
	if err != nil {
		return nil, err
	}
	for _, l := range libs {
		e.libraries = append(e.libraries, strings.TrimSuffix(filepath.Base(l), ".so"))
	}
	return e, nil
}

// program is the path of an engine's program inside the root.
func (e *engine) program(name string) string {
	return path.Join("/usr/lib/postgresql", e.major, "bin", name)
}

// command runs argv inside the root, with the binds.
func (e *engine) command(ctx context.Context, binds []debroot.Bind, argv ...string) *exec.Cmd {
	return debroot.Command(ctx, e.root, binds, debroot.EngineUID, argv...)
}

// run runs a short command; its error holds everything that the command said.
func (e *engine) run(ctx context.Context, binds []debroot.Bind, argv ...string) (string, error) {
	var out bytes.Buffer
	cmd := e.command(ctx, binds, argv...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w: %s", path.Base(argv[0]), err, strings.TrimSpace(out.String()))
	}
	return "", debroot.ExplainStart(err)
}

// rdsExtensions are those that an RDS master user may create although PostgreSQL reserves them for superusers, as
// remembered; to settle: `SHOW rds.extensions` on an instance. The engine is shown them as trusted.
var rdsExtensions = []string{
	"amcheck", "bloom", "dblink", "dict_xsyn", "earthdistance", "hypopg", "intagg", "moddatetime", "pg_buffercache", "pg_freespacemap",
	"pg_prewarm", "pg_stat_statements", "pg_visibility", "pg_walinspect", "pgrowlocks", "pgstattuple", "postgres_fdw", "sslinfo", "xml2",
}

// trustedExtensions writes, below dir, control files that trust rdsExtensions, and returns the binds that cover the
// engine's own with them.
func (e *engine) trustedExtensions(dir string) ([]debroot.Bind, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var binds []debroot.Bind
	for _, name := range rdsExtensions {
		target := path.Join("/usr/share/postgresql", e.major, "extension", name+".control")
		text, err := os.ReadFile(filepath.Join(e.root, target))
		if errors.Is(err, os.ErrNotExist) {
			continue // an extension of another package
		}
		if err != nil {
			return nil, err
		}
		source := filepath.Join(dir, name+".control")
		if err := os.WriteFile(source, append(text, "\ntrusted = true\n"...), 0o600); err != nil {
			return nil, err
		}
		binds = append(binds, debroot.Bind{Source: source, Target: target, ReadOnly: true})
	}
	return binds, nil
}
