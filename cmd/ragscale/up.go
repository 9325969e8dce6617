package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/host/namespace"
	"github.com/ragscale/ragscale/sandbox/inside/chroma"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/postgres"
	"github.com/ragscale/ragscale/sandbox/inside/redis"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/stacks"
)

func upCommand(c console) *cobra.Command {
	return interruptible(stackCommand("up", "Bring the stack up in the sandbox and wait until it answers",
		func(ctx context.Context, p project, stack string) error {
			return p.up(ctx, c, stack)
		}), "what was done is recorded: `ragscale up` goes on from there, `ragscale down` removes it")
}

func (p project) up(ctx context.Context, c console, stack string) error {
	cfg, err := p.config(stack)
	if err != nil {
		return err
	}
	if cfg.Environment != stacks.Local {
		return fmt.Errorf("stack %s is for AWS: `ragscale preview --stack %s` plans it here, `pulumi up --stack %s` "+
			"deploys it", stack, stack, stack)
	}
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	s, err := p.openRunning(ctx, c, stack)
	if err != nil {
		return err
	}
	res, err := s.Up(ctx, optup.ProgressStreams(c.out), optup.ErrorProgressStreams(c.notes), optup.Color(colour()),
		optup.SuppressProgress(), optup.SuppressOutputs(), optup.PolicyPacks(p.policies()))
	if err != nil {
		return engineError("up", err)
	}
	inside, ok := res.Outputs["apiUrl"].Value.(string)
	if !ok {
		return fmt.Errorf("stack output apiUrl is %v, want a URL", res.Outputs["apiUrl"].Value)
	}
	st, err := control.NewClient(p.layout.Socket()).Status(ctx)
	if err != nil {
		return err
	}
	if len(st.Listeners) == 0 {
		return fmt.Errorf("nothing reaches %s from this machine, want ragscale:api.listenerPort %d", inside,
			layout.PortLoadBalancer)
	}
	url := "http://" + st.Listeners[0]
	c.note("\nwaiting for %s to answer", url)
	if err := waitReady(ctx, url); err != nil {
		return err
	}
	printAddress(c, url, inside)
	return nil
}

// startSandbox makes sure that the engines are there and that the sandbox answers; both are no work when they are.
func (p project) startSandbox(ctx context.Context, c console) error {
	if err := p.prepare(ctx, c); err != nil {
		return err
	}
	if err := checkSpace(p.layout.Dir); err != nil {
		return err
	}
	images := filepath.Join(p.layout.Dir, "images.json")
	if err := p.writeImages(images); err != nil {
		return err
	}
	if pid, ok := namespace.Running(p.layout); ok {
		c.note("the sandbox runs (pid %d, %s)", pid, p.layout.HostIP())
		return nil
	}
	c.note("starting the sandbox at %s", p.layout.HostIP())
	return namespace.Start(ctx, p.layout, namespace.Options{Images: images})
}

// leastSpace is what a sandbox's state grows to in a working day, with room: etcd, PostgreSQL's data and its log of
// changes (up to max_wal_size), logs of processes. A first up writes 170 MB (measured 2026-11-23).
const leastSpace = 1 << 30 // bytes

// checkSpace refuses a disk on which the engines would fail one by one, each in words of its own.
func checkSpace(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	free := fs.Bavail * uint64(fs.Bsize)
	if free < leastSpace {
		return fmt.Errorf("%s has %d MB free, want %d: make room, or name another folder in %s", dir, free>>20,
			leastSpace>>20, layout.EnvDir)
	}
	return nil
}

// prepare fetches the engines.
func (p project) prepare(ctx context.Context, c console) error {
	packages := slices.Concat(postgres.Packages(), redis.Packages(), chroma.Packages(), imagePackages())
	if err := debroot.Ensure(ctx, p.layout.Root(), packages, c.notes); err != nil {
		return err
	}
	return chroma.Ensure(ctx, p.layout.Tool("chroma"), c.notes)
}

// waitReady asks the API until it is ready to serve, for a minute at most.
func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := ready(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; `ragscale status` and `ragscale logs` show why", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ready asks once.
func ready(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/readyz answers %s", url, res.Status)
	}
	return nil
}

func printAddress(c console, url, inside string) {
	fmt.Fprintf(c.out, `
The API answers at %[1]s; pods call it %[2]s. Try:

  curl -s %[1]s/v1/documents -H 'Content-Type: application/json' \
       -d '{"title":"Autoscaling","text":"The HPA adds replicas when CPU use passes its target."}'
  curl -s '%[1]s/v1/search?q=replicas'
  bin/ragscale status
`, url, inside)
}

// colour follows where the output goes: codes for a terminal, none for a file.
func colour() string {
	if st, err := os.Stdout.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" {
		return "always"
	}
	return "never"
}

// engineError keeps of the engine's error what its printed report does not say already.
func engineError(step string, err error) error {
	return fmt.Errorf("%s ended with errors: see the report above (%w)", step, firstLine{err})
}

// firstLine shows one line of an error which carries whole transcripts.
type firstLine struct{ error }

func (f firstLine) Error() string {
	for i, r := range f.error.Error() {
		if r == '\n' {
			return f.error.Error()[:i]
		}
	}
	return f.error.Error()
}

func (f firstLine) Unwrap() error { return f.error }
