package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/policies/pack"
	"github.com/ragscale/ragscale/sandbox/host/pulumi"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/stacks"
)

const (
	projectName = "ragscale"
	localStack  = "local"
)

// project is the checkout the command works on.
type project struct {
	dir    string
	layout layout.Layout
}

// openProject finds the checkout at or above the working folder.
func openProject() (project, error) {
	dir, err := os.Getwd()
	if err != nil {
		return project{}, err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "Pulumi.yaml")); err == nil {
			l, err := layout.New(d)
			return project{dir: d, layout: l}, err
		}
		if d == filepath.Dir(d) {
			return project{}, fmt.Errorf("no Pulumi.yaml at or above %s: run ragscale inside its checkout", dir)
		}
	}
}

// revision is the checkout's commit, with -dirty where files differ from it; "" where git does not say.
func (p project) revision(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "git", "-C", p.dir, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func (p project) stackFile(stack string) string {
	return filepath.Join(p.dir, "Pulumi."+stack+".yaml")
}

// stackNames lists the stacks that have a configuration file.
func (p project) stackNames() string {
	files, err := filepath.Glob(p.stackFile("*"))
	if err != nil {
		return ""
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "Pulumi."), ".yaml"))
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// config reads and checks a stack's configuration: all its faults come back in one error, before anything is started.
func (p project) config(stack string) (*stacks.Config, error) {
	values, err := stacks.ReadFile(p.stackFile(stack))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("stack is %q, want one of: %s (each has a Pulumi.<stack>.yaml)", stack, p.stackNames())
	}
	if err != nil {
		return nil, err
	}
	return stacks.Parse(stack, values)
}

// stack is a stack of the sandbox's engine, selected.
type stack struct {
	auto.Stack
	engine *pulumi.Engine
}

// open selects a stack, with its configuration file and generated secrets.
func (p project) open(ctx context.Context, name string) (stack, error) {
	e, err := pulumi.New(p.layout)
	if err != nil {
		return stack{}, err
	}
	if err := pack.Install(e.Home(), p.layout.Tool("ragscale-policies")); err != nil {
		return stack{}, err
	}
	cfg, err := pulumi.ReadConfig(p.stackFile(name))
	if err != nil {
		return stack{}, err
	}
	s, err := e.Open(ctx, projectName, name, platform.Declare, cfg, map[string]func() (string, error){
		stacks.DatabasePasswordKey: func() (string, error) { return rand.Text(), nil },
		stacks.CachePasswordKey:    func() (string, error) { return rand.Text(), nil },
	})
	return stack{Stack: s, engine: e}, err
}

// policies is the folder of the policy pack, which every update and preview runs.
func (p project) policies() string { return filepath.Join(p.dir, "policies") }

// openRunning starts the sandbox, selects the stack, and repairs what a killed run left.
func (p project) openRunning(ctx context.Context, c console, name string) (stack, error) {
	if err := p.startSandbox(ctx, c); err != nil {
		return stack{}, err
	}
	s, err := p.open(ctx, name)
	if err != nil {
		return stack{}, err
	}
	return s, s.engine.Recover(ctx, s.Stack, projectName)
}

// lock keeps two commands off one sandbox. It is released with the process, however that ends, so none is ever stale.
func (p project) lock() (release func(), err error) {
	if err := os.MkdirAll(p.layout.Run(), 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(p.layout.Run(), "stack.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another ragscale command works on %s: wait for it or end it", p.layout.Dir)
	}
	return func() { f.Close() }, nil
}
