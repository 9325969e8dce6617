package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/sandbox/host/namespace"
	"github.com/ragscale/ragscale/sandbox/host/pulumi"
)

func downCommand(c console) *cobra.Command {
	var force bool
	cmd := stackCommand("down", "Destroy the stack, stop the sandbox, delete its state",
		func(ctx context.Context, p project, stack string) error {
			return p.down(ctx, c, stack, force)
		})
	cmd.Flags().BoolVar(&force, "force", false,
		"do not destroy resource by resource: end the processes and delete the state")
	return interruptible(cmd, "what was removed is recorded: `ragscale down` goes on from there")
}

func (p project) down(ctx context.Context, c console, stack string, force bool) error {
	if _, err := os.Stat(p.layout.Pulumi()); errors.Is(err, fs.ErrNotExist) && !p.running() {
		c.note("there is no sandbox in %s: nothing to remove", p.layout.Dir)
		return nil
	}
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	if !force {
		if err := p.destroy(ctx, c, stack); err != nil {
			return fmt.Errorf("%w; `ragscale down --force` ends the processes and deletes the state without asking the engine",
				err)
		}
	}
	report, err := namespace.End(ctx, p.layout)
	if err != nil {
		return err
	}
	for _, d := range []string{p.layout.State(), p.layout.PKI(), p.layout.Pulumi()} {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	if len(report.Ended) > 0 {
		c.note("ended: %s", strings.Join(report.Ended, ", "))
	}
	fmt.Fprintf(c.out, "down: stack %s is gone and no process of the sandbox is left; built tools stay in %s, logs in "+
		"%s\n", stack, p.layout.Bin, p.layout.Log())
	return nil
}

func (p project) running() bool {
	_, ok := namespace.Running(p.layout)
	return ok
}

// destroy needs the sandbox: what is removed is real. A stopped one is started for it.
func (p project) destroy(ctx context.Context, c console, stack string) error {
	e, err := pulumi.New(p.layout)
	if err != nil {
		return err
	}
	if !e.Exists(projectName, stack) {
		return nil
	}
	s, err := p.openRunning(ctx, c, stack)
	if err != nil {
		return err
	}
	if _, err := s.Destroy(ctx, optdestroy.ProgressStreams(c.out), optdestroy.ErrorProgressStreams(c.notes),
		optdestroy.Color(colour()), optdestroy.SuppressProgress()); err != nil {
		return engineError("destroy", err)
	}
	return nil
}
