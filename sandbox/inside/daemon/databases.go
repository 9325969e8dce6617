package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"sync"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// databases are the RDS instances, primaries and replicas: an engine, an address and a name each.
type databases struct {
	d *daemon

	mu   sync.Mutex
	seen map[string]endpoint
}

type endpoint struct {
	host    string
	addr    netip.AddrPort
	replica bool
}

// sourcesFirst is the order in which databases can be resumed.
func sourcesFirst(a, b declaration) int { return cmp.Compare(sourceOf(a), sourceOf(b)) }

// sourceOf is the source of a declared replica, "" for a primary. What cannot be read is refused when it is resumed.
func sourceOf(d declaration) string {
	var spec control.Database
	if err := json.Unmarshal(d.Spec, &spec); err != nil {
		return ""
	}
	return spec.SourceID
}

func (m *databases) put(ctx context.Context, id string, spec control.Database) (any, error) {
	addr, err := m.d.cloud.take(control.KindDatabase + "/" + id)
	if err != nil {
		return nil, err
	}
	info, err := m.d.engines.Ensure(ctx, id, spec, addr)
	if err != nil {
		return nil, err
	}
	m.d.net.Names().Set(spec.Hostname, addr)
	m.change(func() {
		m.seen[id] = endpoint{host: spec.Hostname, addr: netip.AddrPortFrom(addr, uint16(spec.Port)), replica: spec.SourceID != ""}
	})
	return info, nil
}

func (m *databases) remove(ctx context.Context, id string) error {
	if err := m.d.engines.Remove(ctx, id); err != nil {
		return err
	}
	m.change(func() {
		if e, ok := m.seen[id]; ok {
			m.d.net.Names().Delete(e.host)
		}
		delete(m.seen, id)
	})
	return m.d.cloud.release(control.KindDatabase + "/" + id)
}

// change changes what is seen and points the host's port at the first primary: the one with the lowest address.
func (m *databases) change(edit func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	edit()
	var all []netip.AddrPort
	for _, e := range m.seen {
		if !e.replica {
			all = append(all, e.addr)
		}
	}
	if len(all) == 0 {
		m.d.offers[layout.PortDatabase].withdraw()
		return
	}
	first := slices.MinFunc(all, netip.AddrPort.Compare)
	m.d.offers[layout.PortDatabase].forward(first.String())
}
