// Package supervise keeps processes running.
//
// Owns: which are wanted, starting them again when they end by themselves, ending them, what status shows of them, their logs.
// Does not own: what they are. Programs are started here; an engine of databases is started by its own package, which knows
// when it is ready, in a root file system of its own (debroot): here is its Life.
package supervise

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
)

const (
	firstPause = 100 * time.Millisecond // before an engine that ended is started again; doubled each time
	lastPause  = time.Minute
)

// Life is one engine's, over all its processes.
type Life struct {
	Name  string                                // as status and messages have it: "postgres-rag"
	Lock  sync.Locker                           // is held by whoever starts or stops the engine
	Start func(context.Context) error           // starts a process and calls Began
	Logf  func(format string, arguments ...any) // one line

	mu       sync.Mutex // guards what follows
	proc     *debroot.Process
	since    time.Time
	restarts int
	lastExit string
}

// Running is the engine's process, which may just have ended; nil if none is wanted.
func (l *Life) Running() *debroot.Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proc
}

// Began notes the process that is now the engine's.
func (l *Life) Began(p *debroot.Process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proc, l.since = p, time.Now()
}

// Watch starts the engine again if the process ends without having been told to, with growing pauses. It returns when another
// process, or none, is wanted.
func (l *Life) Watch(p *debroot.Process) {
	<-p.Done()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		time.Sleep(pause)
		if l.revive(p) {
			return
		}
	}
}

// revive starts the engine anew, unless it is not p any more that is wanted; false: it did not start.
func (l *Life) revive(p *debroot.Process) bool {
	l.Lock.Lock()
	defer l.Lock.Unlock()
	if l.Running() != p {
		return true
	}
	l.mu.Lock()
	l.restarts++
	l.lastExit = p.Exit()
	l.mu.Unlock()
	l.Logf("%s: the engine ended (%s), starting it again", l.Name, p.Exit())
	err := l.Again(context.Background(), p)
	if err != nil {
		l.Logf("%s: %v", l.Name, err)
	}
	return err == nil
}

// Again starts an engine whose process p has ended. If that does not succeed it is still wanted, and watched.
func (l *Life) Again(ctx context.Context, p *debroot.Process) error {
	err := l.Start(ctx)
	if err != nil {
		l.Began(p)
	}
	return err
}

// Step is one way to ask for the end, and how long it may take.
type Step struct {
	Signal syscall.Signal
	Wait   time.Duration
}

// Stop ends the engine, by one step after the other, and returns when nothing of it is left.
func (l *Life) Stop(ctx context.Context, steps ...Step) error {
	p := l.Running()
	l.Began(nil)
	if p == nil {
		return nil
	}
	for _, s := range steps {
		if p.Signal(ctx, s.Signal, s.Wait) {
			return nil
		}
		l.Logf("%s: the engine is still there after %v", l.Name, s.Signal)
	}
	return fmt.Errorf("%s: the engine (pid %d) does not end, even after %v", l.Name, p.PID(), steps[len(steps)-1].Signal)
}

// Process describes the engine for the sandbox's status.
func (l *Life) Process() control.Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := control.Process{Name: l.Name, State: stateStopped, Restarts: l.restarts, Since: l.since, LastExit: l.lastExit}
	switch {
	case l.proc == nil:
	case l.proc.Ended():
		out.State = stateRestarting
	default:
		out.State, out.PID, out.RSSBytes = stateRunning, l.proc.PID(), l.proc.Memory()
	}
	return out
}
