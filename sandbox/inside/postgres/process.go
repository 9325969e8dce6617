package postgres

import (
	"net/netip"

	"github.com/ragscale/ragscale/sandbox/control"
)

// runs says whether the server is wanted, once nobody changes the database.
func (i *instance) runs() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.life.Running() != nil
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
