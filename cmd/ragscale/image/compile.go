package image

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// binary is the compiled API and what it was compiled from.
type binary struct {
	program  []byte
	revision string    // of the checkout, with -dirty when that had changes; empty outside a repository
	time     time.Time // of that revision; else the epoch
	modified bool
}

func (o Options) compile(ctx context.Context, p v1.Platform) (binary, error) {
	dir, err := os.MkdirTemp("", "ragscale-image-")
	if err != nil {
		return binary{}, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "ragapi")
	if err := run(ctx, o.Checkout, environment(p), "go", "build", "-trimpath", "-buildvcs=auto", "-ldflags",
		"-s -w -X main.version="+o.Version, "-o", out, "./ragapi"); err != nil {
		return binary{}, fmt.Errorf("compiling ragapi for %s: %w", p.String(), err)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		return binary{}, err
	}
	return describe(content)
}

// environment leaves nothing to chance that a shell or a CI may have set: the program is static, for the oldest
// processors of its platform, and made with the same flags everywhere.
func environment(p v1.Platform) []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Architecture, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly", "GOWORK=off")
}

// run runs a command; its error has what that said.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &said, &said
	err := cmd.Run()
	switch text := strings.TrimSpace(said.String()); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && text != "":
		return fmt.Errorf("%w:\n%s", err, text)
	}
	return err
}

// describe reads what go build has noted in the program.
func describe(program []byte) (binary, error) {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return binary{}, fmt.Errorf("ragapi as compiled: %w", err)
	}
	b := binary{program: program, time: time.Unix(0, 0).UTC()}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		case "vcs.time":
			if b.time, err = time.Parse(time.RFC3339, s.Value); err != nil {
				return binary{}, fmt.Errorf("ragapi as compiled: vcs.time: %w", err)
			}
		}
	}
	if b.modified {
		b.revision += "-dirty"
	}
	return b, nil
}
