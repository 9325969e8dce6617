package debroot

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// Process is a Command that was started. It is the first process of its PID namespace: when Done is closed, nothing is
// left of it or of what it started.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts cmd from a thread that lives as long as cmd does: the parent-death signal follows the thread.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() //nolint:errcheck // ProcessState tells
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, ExplainStart(err)
	}
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process's number outside.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exit says how the process ended; only after Done.
func (p *Process) Exit() string { return p.cmd.ProcessState.String() }

// Succeeded says whether the process ended with exit code 0; only after Done.
func (p *Process) Succeeded() bool { return p.cmd.ProcessState.Success() }

// Ended says whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Signal sends sig and says whether the process ended within wait. A cancelled context ends the wait early, but for
// SIGKILL: there is nothing harder to do, and it takes milliseconds.
func (p *Process) Signal(ctx context.Context, sig syscall.Signal, wait time.Duration) bool {
	if p.Ended() {
		return true
	}
	if err := p.cmd.Process.Signal(sig); err != nil { // it has ended meanwhile
		<-p.done
		return true
	}
	over := ctx.Done()
	if sig == syscall.SIGKILL {
		over = nil
	}
	select {
	case <-p.done:
		return true
	case <-over:
	case <-time.After(wait):
	}
	return false
}

// Memory is the memory of the process and its children, shared pages counted once (PSS), in bytes; 0 where the kernel
// does not tell.
func (p *Process) Memory() int64 {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, one := range all {
		if s, err := one.Stat(); err == nil && (s.PID == p.PID() || s.PPID == p.PID()) {
			total += proportional(one)
		}
	}
	return total
}

func proportional(p procfs.Proc) int64 {
	memory, err := p.ProcSMapsRollup()
	if err != nil {
		return 0
	}
	return int64(memory.Pss)
}
