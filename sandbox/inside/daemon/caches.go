package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"github.com/ragscale/ragscale/sandbox/control"
)

// caches are the ElastiCache replication groups: an engine and an address for each node, a name for the primary and
// one for the replicas.
type caches struct {
	d *daemon

	mu   sync.Mutex
	seen map[string]control.Cache
}

func (m *caches) put(ctx context.Context, id string, spec control.Cache) (any, error) {
	addrs, err := m.addresses(id, spec)
	if err != nil {
		return nil, err
	}
	info, err := m.d.cacheEngines.Ensure(ctx, id, spec, addrs)
	if err != nil {
		return nil, err
	}
	names := m.d.net.Names()
	names.Set(spec.PrimaryHost, addrs[0])
	names.Set(spec.ReaderHost, addrs[min(1, len(addrs)-1):]...) // the primary where there is no replica, as on AWS
	return info, m.forgetBeyond(id, spec)
}

// addresses gives each node one. A cache that is new is noted before it works, so that removing it frees them.
func (m *caches) addresses(id string, spec control.Cache) ([]netip.Addr, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seen[id]; !ok {
		m.seen[id] = spec
	}
	var addrs []netip.Addr
	for n := range spec.Nodes {
		addr, err := m.d.cloud.take(cacheKey(id, n))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// forgetBeyond notes spec and frees the addresses of nodes that a former one had.
func (m *caches) forgetBeyond(id string, spec control.Cache) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := spec.Nodes; n < m.seen[id].Nodes; n++ {
		if err := m.d.cloud.release(cacheKey(id, n)); err != nil {
			return err
		}
	}
	m.seen[id] = spec
	return nil
}

func (m *caches) remove(ctx context.Context, id string) error {
	if err := m.d.cacheEngines.Remove(ctx, id); err != nil {
		return err
	}
	m.mu.Lock()
	was, ok := m.seen[id]
	m.mu.Unlock()
	if !ok {
		return nil
	}
	m.d.net.Names().Delete(was.PrimaryHost)
	m.d.net.Names().Delete(was.ReaderHost)
	if err := m.forgetBeyond(id, control.Cache{}); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, id)
	return nil
}

func cacheKey(id string, node int) string {
	return fmt.Sprintf("%s/%s/%d", control.KindCache, id, node)
}
