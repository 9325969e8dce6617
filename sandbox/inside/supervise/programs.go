package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	firstBackoff = 250 * time.Millisecond
	lastBackoff  = 10 * time.Second
	// steadyAfter is the uptime that makes the next failure a first one.
	steadyAfter = 30 * time.Second
	// drainPipes bounds the wait for output that a dead process's children still hold open.
	drainPipes = time.Second
)

// Process states as control.Process shows them.
const (
	stateRunning    = "running"
	stateRestarting = "restarting"
	stateStopped    = "stopped"
)

// Program is a process that is kept running.
type Program struct {
	Name      string
	Path      string
	Args      []string
	Env       []string
	StopAfter time.Duration // from SIGTERM to SIGKILL
}

// Programs keeps programs running, with growing pauses between failures, and ends them without leaving any.
//
// It sets no parent-death signal: that follows the forking thread, and threads of this process end. Init ends
// everything when this process does.
type Programs struct {
	logs string // folder
	log  *slog.Logger
	mu   sync.Mutex
	all  map[string]*supervised
}

// NewPrograms runs none yet. Each has its log in the folder logs.
func NewPrograms(logs string, log *slog.Logger) *Programs {
	return &Programs{logs: logs, log: log, all: map[string]*supervised{}}
}

// supervised is one program's life.
type supervised struct {
	Program
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	status control.Process
}

// Start runs p until stop; an error means that it could not be run even once.
func (s *Programs) Start(p Program) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.all[p.Name]; ok {
		return nil
	}
	out, err := openCapped(filepath.Join(s.logs, p.Name+".log"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	life := &supervised{Program: p, cancel: cancel, done: make(chan struct{}), status: control.Process{Name: p.Name}}
	cmd, err := life.launch(out)
	if err != nil {
		cancel()
		return errors.Join(fmt.Errorf("%s: %w", p.Name, err), out.Close())
	}
	s.all[p.Name] = life
	go func() {
		defer close(life.done)
		life.keep(ctx, cmd, out, s.log)
		if err := out.Close(); err != nil {
			s.log.Warn("closing a log", "process", p.Name, "error", err)
		}
	}()
	return nil
}

// Stop ends program name and returns when it and its process group are dead.
func (s *Programs) Stop(name string) {
	s.mu.Lock()
	life, ok := s.all[name]
	s.mu.Unlock()
	if !ok {
		return
	}
	life.cancel()
	<-life.done
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, name)
}

// StopAll ends every program.
func (s *Programs) StopAll() {
	var wg sync.WaitGroup
	for _, p := range s.List() {
		wg.Go(func() { s.Stop(p.Name) })
	}
	wg.Wait()
}

// List shows every program, by name.
func (s *Programs) List() []control.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []control.Process{}
	for _, life := range s.all {
		out = append(out, life.snapshot())
	}
	slices.SortFunc(out, func(a, b control.Process) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// LastExit words how program name ended last, "" if it runs or never ended.
func (s *Programs) LastExit(name string) string {
	for _, p := range s.List() {
		if p.Name == name && p.State != stateRunning {
			return p.LastExit
		}
	}
	return ""
}

func (l *supervised) launch(out *cappedLog) (*exec.Cmd, error) {
	cmd := exec.Command(l.Path, l.Args...)
	cmd.Env = l.Env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = drainPipes
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children die with it, see end
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.update(func(p *control.Process) { p.State, p.PID, p.Since = stateRunning, cmd.Process.Pid, time.Now() })
	return cmd, nil
}

// keep waits for cmd and starts it again, until ctx ends.
func (l *supervised) keep(ctx context.Context, cmd *exec.Cmd, out *cappedLog, log *slog.Logger) {
	backoff := firstBackoff
	for {
		began := time.Now()
		exit := l.end(ctx, cmd)
		l.update(func(p *control.Process) { p.State, p.PID, p.Since, p.LastExit = stateStopped, 0, time.Now(), exit })
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			backoff = firstBackoff
		}
		log.Warn("a process ended and is started again", "process", l.Name, "exit", exit, "after", backoff)
		l.update(func(p *control.Process) { p.State = stateRestarting; p.Restarts++ })
		var again bool
		if cmd, again = l.relaunch(ctx, out, &backoff, log); !again {
			return
		}
	}
}

func (l *supervised) relaunch(ctx context.Context, out *cappedLog, backoff *time.Duration, log *slog.Logger) (*exec.Cmd, bool) {
	for {
		select {
		case <-ctx.Done():
			return nil, false
		case <-time.After(*backoff):
		}
		*backoff = min(2**backoff, lastBackoff)
		cmd, err := l.launch(out)
		if err == nil {
			return cmd, true
		}
		log.Error("a process cannot be started", "process", l.Name, "error", err)
	}
}

// end returns when cmd and its process group are dead: by itself, or by SIGTERM and then SIGKILL once ctx ends.
func (l *supervised) end(ctx context.Context, cmd *exec.Cmd) (exit string) {
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	var err error
	select {
	case err = <-exited:
	case <-ctx.Done():
		signalGroup(cmd.Process.Pid, syscall.SIGTERM)
		select {
		case err = <-exited:
		case <-time.After(l.StopAfter):
			signalGroup(cmd.Process.Pid, syscall.SIGKILL)
			err = <-exited
		}
	}
	signalGroup(cmd.Process.Pid, syscall.SIGKILL) // children it left behind
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// signalGroup signals a process group; one that is gone is what was wanted.
func signalGroup(pid int, sig syscall.Signal) {
	_ = syscall.Kill(-pid, sig)
}

func (l *supervised) update(change func(*control.Process)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.status)
}

func (l *supervised) snapshot() control.Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.status
	if p.PID > 0 {
		p.RSSBytes = ResidentBytes(p.PID)
	}
	return p
}

// ResidentBytes is the resident memory of a process; 0 for one that is gone.
func ResidentBytes(pid int) int64 {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	memory, err := p.Statm()
	if err != nil {
		return 0
	}
	return int64(memory.Resident) * int64(os.Getpagesize())
}
