package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

// process is a started server. It is the first process of its PID namespace: when done is closed, nothing is left of
// it or of what it started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// startProcess starts cmd from a thread that lives as long as cmd does: the parent-death signal follows the thread.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
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
	return p, <-started
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// exit says how the process ended; only after done.
func (p *process) exit() string { return p.cmd.ProcessState.String() }

// signal sends sig and says whether the process ended within wait. A cancelled context ends the wait early.
func (p *process) signal(ctx context.Context, sig syscall.Signal, wait time.Duration) bool {
	if p.ended() {
		return true
	}
	if err := p.cmd.Process.Signal(sig); err != nil { // it has ended meanwhile
		<-p.done
		return true
	}
	over := ctx.Done()
	if sig == syscall.SIGKILL {
		over = nil // there is nothing harder to do, and it takes milliseconds
	}
	select {
	case <-p.done:
		return true
	case <-over:
	case <-time.After(wait):
	}
	return false
}

// running returns the server's process, nil if none is wanted.
func (i *instance) running() *process {
	i.state.Lock()
	defer i.state.Unlock()
	return i.proc
}

func (i *instance) setProcess(p *process) {
	i.state.Lock()
	defer i.state.Unlock()
	i.proc, i.since = p, time.Now()
}

func (i *instance) noteExit(p *process) {
	i.state.Lock()
	defer i.state.Unlock()
	i.restarts++
	i.lastExit = p.exit()
}

// declare notes what is wanted and says whether the server must listen elsewhere.
func (i *instance) declare(spec control.Database, addr netip.Addr) (moved bool) {
	i.state.Lock()
	defer i.state.Unlock()
	moved = i.spec.Port != spec.Port || i.addr != addr
	i.spec, i.addr = spec, addr
	return moved
}

func (i *instance) declared() control.Database {
	i.state.Lock()
	defer i.state.Unlock()
	return i.spec
}

func (i *instance) hostURL() string {
	spec := i.declared()
	return hostURL(i.server.cfg.HostAddr, spec)
}

func (i *instance) process() control.Process {
	i.state.Lock()
	defer i.state.Unlock()
	p := control.Process{Name: "postgres-" + i.id, State: "stopped", Restarts: i.restarts, Since: i.since, LastExit: i.lastExit}
	if i.proc == nil {
		return p
	}
	if i.proc.ended() {
		p.State = "restarting"
	} else {
		p.State, p.PID, p.RSSBytes = "running", i.proc.pid(), memoryOf(i.proc.pid())
	}
	return p
}

// memoryOf is the memory of pid and its children, shared pages counted once (PSS), in bytes; 0 where the kernel does
// not tell.
func memoryOf(pid int) int64 {
	total := proportional(pid)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return total
	}
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			total += proportional(n)
		}
	}
	return total
}

func proportional(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
