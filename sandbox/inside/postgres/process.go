package postgres

import (
	"net/netip"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
)

// running returns the server's process, nil if none is wanted.
func (i *instance) running() *debroot.Process {
	i.state.Lock()
	defer i.state.Unlock()
	return i.proc
}

// runs says whether the server is wanted, once nobody changes the database.
func (i *instance) runs() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.running() != nil
}

func (i *instance) setProcess(p *debroot.Process) {
	i.state.Lock()
	defer i.state.Unlock()
	i.proc, i.since = p, time.Now()
}

func (i *instance) noteExit(p *debroot.Process) {
	i.state.Lock()
	defer i.state.Unlock()
	i.restarts++
	i.lastExit = p.Exit()
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
	if i.proc.Ended() {
		p.State = "restarting"
	} else {
		p.State, p.PID, p.RSSBytes = "running", i.proc.PID(), i.proc.Memory()
	}
	return p
}
