package redis

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
)

const (
	program = "/usr/bin/valkey-server"
	// inside is where a node's folder appears in the engine's root.
	inside     = "/instance"
	socketName = "admin.sock"
	judgeLimit = 20 * time.Second
)

// engine is the Valkey of a root file system.
type engine struct {
	root     string
	judgeDir string // folder of the server that only judges configurations
	version  string // that it tells clients: "7.2.4"
	defaults directives
}

func findEngine(ctx context.Context, root, judgeDir string) (*engine, error) {
	if _, err := os.Stat(filepath.Join(root, program)); err != nil {
		return nil, fmt.Errorf("no Valkey in %s: run `make up`, which fetches it", root)
	}
	e := &engine{root: root, judgeDir: judgeDir}
	return e, e.try(ctx, "", func(a admin) (err error) {
		if e.defaults, err = a.config(ctx); err != nil {
			return err
		}
		info, err := a.info(ctx)
		e.version = info["redis_version"]
		return err
	})
}

// command runs the engine with dir as its folder and a configuration that no file holds: it has a password in it.
func (e *engine) command(ctx context.Context, dir, conf string) *exec.Cmd {
	cmd := debroot.Command(ctx, e.root, []debroot.Bind{{Source: dir, Target: inside}}, debroot.EngineUID, program, "-")
	cmd.Stdin = strings.NewReader(conf)
	return cmd
}

// always are the directives of every server: where it is reached by the sandbox, and nothing kept on disk.
func always() directives {
	return directives{"unixsocket": inside + "/" + socketName, "unixsocketperm": "700", "dir": inside, "port": "0", "save": "", "appendonly": "no"}
}

// login is the configuration's line that lets the sandbox in with password.
func login(password string) string {
	return fmt.Sprintf("user %s on #%s ~* &* +@all\n", adminUser, hash(password))
}

func hash(password string) string {
	h := sha256.Sum256([]byte(password))
	return hex.EncodeToString(h[:])
}

// try starts a server with conf that nobody can reach, lets use have it, and ends it.
func (e *engine) try(ctx context.Context, conf string, use func(admin) error) error {
	ctx, cancel := context.WithTimeout(ctx, judgeLimit)
	defer cancel()
	if err := os.MkdirAll(e.judgeDir, 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(e.judgeDir, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it holds a socket at most
	password := rand.Text()
	var output bytes.Buffer
	cmd := e.command(context.WithoutCancel(ctx), dir, conf+render(always())+login(password))
	cmd.Stdout, cmd.Stderr = &output, &output
	proc, err := debroot.Start(cmd)
	if err != nil {
		return err
	}
	defer proc.Signal(context.WithoutCancel(ctx), syscall.SIGKILL, time.Second)
	a, err := awaitAdmin(ctx, proc, filepath.Join(dir, socketName), password)
	if err != nil {
		proc.Signal(context.WithoutCancel(ctx), syscall.SIGKILL, time.Second) // the output is complete after it
		return fmt.Errorf("%w: %s", err, complaint(output.String()))
	}
	defer a.close()
	return use(a)
}

// awaitAdmin waits until a server that was started answers at its socket.
func awaitAdmin(ctx context.Context, proc *debroot.Process, socket, password string) (admin, error) {
	for {
		a, err := dialAdmin(socket, password)
		if err == nil {
			return a, nil
		}
		select {
		case <-proc.Done():
			return admin{}, errors.New("the engine ended")
		case <-ctx.Done():
			return admin{}, errors.Join(ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// complaint is what the engine said about a configuration that it does not start with, else all it said.
func complaint(said string) string {
	if _, fault, ok := strings.Cut(said, "*** FATAL CONFIG FILE ERROR"); ok {
		lines := strings.Split(strings.TrimSpace(fault), "\n")
		return strings.Join(lines[1:], " ")
	}
	return strings.TrimSpace(said)
}

// judge lets the engine say what it thinks of parameters and users, all faults at once, before any node is touched.
func (e *engine) judge(ctx context.Context, spec control.Cache) error {
	want := settings(spec)
	started := directives{}
	for _, name := range static {
		if value, ok := want[name]; ok {
			started[name] = value
			delete(want, name)
		}
	}
	var faults []error
	err := e.try(ctx, render(started), func(a admin) error {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if _, known := e.defaults[name]; !known {
				faults = append(faults, fmt.Errorf("parameter %s: ElastiCache has no such parameter", name))
			} else if err := a.set(ctx, directives{name: want[name]}); err != nil {
				faults = append(faults, fmt.Errorf("parameter %s: %w", parameterOf(name), err))
			}
		}
		all := rules(spec.Users)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if err := a.setUser(ctx, name, all[name]); err != nil {
				faults = append(faults, fmt.Errorf("user %s: access string: %w", name, err))
			}
		}
		return nil
	})
	return errors.Join(append(faults, err)...)
}

// parameterOf is the name under which a fault in a directive is the caller's.
func parameterOf(directive string) string {
	if directive == "maxmemory" {
		return reservedPercent
	}
	return directive
}
