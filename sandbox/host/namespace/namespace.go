//go:build linux

// Package namespace gives a sandbox a machine of its own inside the machine: user, network, mount and process
// namespaces, without privileges.
//
// Owns: the keeper (the process on the host that holds the lock, the offered ports and the namespace), the
// namespace's init (mounts, network, reaping), starting and stopping both, and the proof that nothing is left.
// Does not own: what runs inside, which is one command given to the keeper.
package namespace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	// startDeadline covers resuming a cluster and databases on a busy machine.
	startDeadline = 3 * time.Minute
	// stopDeadline is how long the inside may take to end in order; then its init is killed.
	stopDeadline = 30 * time.Second
	// stopGrace is how long the keeper may outlive stopDeadline before it is killed itself.
	stopGrace = 10 * time.Second
	poll      = 20 * time.Millisecond
	// logCap is the size at which the log of an earlier run is set aside.
	logCap = 10 << 20
)

// Options of Start and Keep.
type Options struct {
	Binary string // the sandbox binary; default layout.Tool("ragscale-sandbox")
	Images string // JSON file: image pattern to local command; "" for none
}

// Start brings up the sandbox of l in the background and returns when its control API answers. A sandbox that runs
// already is left as it is. An error carries the end of the sandbox's log.
func Start(ctx context.Context, l layout.Layout, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	exited := make(chan error, 1)
	logFile := sandboxLog(l)
	var from int64
	if _, ok := Running(l); !ok {
		var err error
		if from, err = spawn(l, o, exited); err != nil {
			return fmt.Errorf("sandbox %s: %w", l.Dir, err)
		}
	}
	client := control.NewClient(l.Socket())
	for {
		if _, err := client.Status(ctx); err == nil {
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("the sandbox in %s ended while starting (%w):\n%s", l.Dir, err, tail(logFile, from))
		case <-ctx.Done():
			return fmt.Errorf("the sandbox in %s does not answer: %w; its log %s ends with:\n%s", l.Dir, ctx.Err(), logFile, tail(logFile, from))
		case <-time.After(poll):
		}
	}
}

// spawn starts a detached keeper, says on exited when it ends, and returns where in the log its lines begin.
func spawn(l layout.Layout, o Options, exited chan<- error) (from int64, err error) {
	if err := makeFolders(l); err != nil {
		return 0, err
	}
	log, from, err := openLog(sandboxLog(l))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	cmd := exec.Command(o.binary(l), "run")
	if o.Images != "" {
		cmd.Args = append(cmd.Args, "--images", o.Images)
	}
	cmd.Env = environment(l)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // outlives the terminal
	if err := cmd.Start(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("%w: build it with `make tools`", err)
		}
		return 0, err
	}
	go func() {
		err := cmd.Wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		exited <- err
	}()
	return from, nil
}

// Running says whether a sandbox of l lives, and the pid of its keeper.
func Running(l layout.Layout) (pid int, ok bool) { return holder(l.Lock()) }

// Report says what End ended.
type Report struct {
	Ended []string // process names with counts, "postgres ×6"; empty when nothing ran
	Kept  string   // the folder whose state a later start resumes
}

// Stop is End for those who do not ask what ended.
func Stop(ctx context.Context, l layout.Layout) error {
	_, err := End(ctx, l)
	return err
}

// End ends the sandbox of l in order, by force where order takes too long, and returns when none of its processes
// is left. When none runs, the report is empty.
func End(ctx context.Context, l layout.Layout) (Report, error) {
	report := Report{Kept: l.State()}
	keeper, ok := Running(l)
	if !ok {
		return report, nil
	}
	before := descendants(keeper)
	if err := syscall.Kill(keeper, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return report, fmt.Errorf("ending sandbox process %d: %w", keeper, err)
	}
	if !waitReleased(ctx, l, stopDeadline+stopGrace) {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		// A keeper that does not end was stopped or is stuck; its death takes the namespace with it.
		if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return report, fmt.Errorf("killing sandbox process %d: %w", keeper, err)
		}
		waitReleased(ctx, l, stopGrace)
	}
	if left := waitGone(ctx, before, stopGrace); len(left) > 0 {
		return report, fmt.Errorf("the sandbox in %s was stopped and these processes are still there: %s", l.Dir, strings.Join(describe(left), ", "))
	}
	report.Ended = summary(before)
	return report, nil
}

func waitReleased(ctx context.Context, l layout.Layout, limit time.Duration) bool {
	return waitFor(ctx, limit, func() bool { _, held := Running(l); return !held })
}

func waitGone(ctx context.Context, ps []process, limit time.Duration) (left []process) {
	waitFor(ctx, limit, func() bool { left = alive(ps); return len(left) == 0 })
	return left
}

func waitFor(ctx context.Context, limit time.Duration, done func() bool) bool {
	end := time.After(limit)
	for !done() {
		select {
		case <-ctx.Done():
			return done()
		case <-end:
			return done()
		case <-time.After(poll):
		}
	}
	return true
}

func (o Options) binary(l layout.Layout) string {
	if o.Binary != "" {
		return o.Binary
	}
	return l.Tool("ragscale-sandbox")
}

func sandboxLog(l layout.Layout) string { return l.Log() + "/sandbox.log" }

func makeFolders(l layout.Layout) error {
	for _, dir := range []string{l.Run(), l.Log(), l.State(), l.PKI()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// openLog opens path for appending, setting an overlong one aside, and returns its present length.
func openLog(path string) (*os.File, int64, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logCap {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, 0, err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	at, err := f.Seek(0, io.SeekEnd)
	return f, at, err
}

// tail returns the last lines of a log that were written after offset from.
func tail(path string, from int64) string {
	const lines, span = 20, 16 << 10
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		from = max(from, info.Size()-span)
	}
	raw, err := io.ReadAll(io.NewSectionReader(f, from, span))
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// environment is what the sandbox inherits: where it is, and what every program expects. Nothing else, so that a
// secret in the caller's environment does not reach pods.
func environment(l layout.Layout) []string {
	env := []string{layout.EnvDir + "=" + l.Dir, layout.EnvBin + "=" + l.Bin, layout.EnvIP + "=" + l.HostIP()}
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
