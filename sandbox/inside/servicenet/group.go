package servicenet

import (
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

// Algorithms by which a target group selects a target.
const (
	roundRobin       = "round_robin"
	leastOutstanding = "least_outstanding_requests"
)

// group is a target group: registered targets, of which some take requests.
type group struct {
	log     *slog.Logger
	changed func() // after a target's health changed

	spec     atomic.Pointer[control.TargetGroup]
	routable atomic.Pointer[[]*member]
	next     atomic.Uint64
	counters counters

	mu       sync.Mutex
	members  map[netip.AddrPort]*member
	draining map[*member]bool
}

func newGroup(spec control.TargetGroup, log *slog.Logger, changed func()) *group {
	g := &group{log: log.With("targetGroup", spec.Name), changed: changed, members: map[netip.AddrPort]*member{}, draining: map[*member]bool{}}
	g.spec.Store(&spec)
	g.routable.Store(&[]*member{})
	return g
}

func (g *group) setSpec(spec control.TargetGroup) { g.spec.Store(&spec) }

// setTargets registers those of targets that are new and deregisters members that are not among them.
func (g *group) setTargets(targets []target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wanted := make(map[netip.AddrPort]bool, len(targets))
	for _, t := range targets {
		wanted[t.addr] = true
		if m := g.members[t.addr]; m != nil && m.target == t {
			continue
		} else if m != nil { // another pod has the address now
			g.deregister(m)
		}
		m := newMember(g, t)
		g.members[t.addr] = m
		go m.check(m.probe)
	}
	for addr, m := range g.members {
		if !wanted[addr] {
			g.deregister(m)
		}
	}
	g.route()
}

// deregister takes m out of rotation; requests in flight have the deregistration delay to end. Call with mu held.
func (g *group) deregister(m *member) {
	delete(g.members, m.target.addr)
	g.draining[m] = true
	m.stopChecks()
	m.health.state = draining
	time.AfterFunc(g.spec.Load().DeregistrationDelay, func() {
		m.cut()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.draining, m)
	})
}

// route recomputes which members take requests: the healthy ones, or, when there is none, all unhealthy ones (a load
// balancer fails open). Call with mu held.
func (g *group) route() {
	var healthyOnes, unhealthyOnes []*member
	for _, m := range g.members {
		switch m.health.state {
		case healthy:
			healthyOnes = append(healthyOnes, m)
		case unhealthy:
			unhealthyOnes = append(unhealthyOnes, m)
		}
	}
	if len(healthyOnes) == 0 {
		healthyOnes = unhealthyOnes
	}
	g.routable.Store(&healthyOnes)
}

// observe notes the result of a health check of m.
func (g *group) observe(m *member, err error) {
	g.mu.Lock()
	spec := g.spec.Load()
	changed := g.members[m.target.addr] == m && m.health.observe(err == nil, spec.HealthyThreshold, spec.UnhealthyThreshold)
	if changed {
		g.route()
	}
	state := m.health.state
	g.mu.Unlock()
	if changed {
		g.log.Info("target health", "target", m.target.addr, "state", state, "error", err)
		g.changed()
	}
}

// pick selects a target for a request; nil if there is none.
func (g *group) pick() *member {
	list := *g.routable.Load()
	if len(list) == 0 {
		return nil
	}
	n := uint64(len(list))
	start := g.next.Add(1) % n
	if g.spec.Load().Algorithm == roundRobin {
		return list[start]
	}
	best, least := list[start], int64(math.MaxInt64)
	for i := range n {
		m := list[(start+i)%n] // the turning start spreads ties
		if o := m.outstanding.Load(); o < least {
			best, least = m, o
		}
	}
	return best
}

// ServeHTTP forwards a request to a target.
func (g *group) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.counters.requests.Add(1)
	m := g.pick()
	if m == nil {
		g.counters.refuse(w, http.StatusServiceUnavailable)
		return
	}
	m.outstanding.Add(1)
	defer m.outstanding.Add(-1)
	m.ServeHTTP(w, r)
}

func (g *group) healthOf(pod objectName) (healthState, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if m.target.pod == pod {
			return m.health.state, true
		}
	}
	return "", false
}

func (g *group) snapshot() GroupStats {
	s := g.counters.read()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		s.Targets[string(m.health.state)]++
		s.Connections += m.connections()
	}
	for m := range g.draining {
		s.Connections += m.connections()
	}
	if len(g.draining) > 0 {
		s.Targets[string(draining)] = len(g.draining)
	}
	return s
}

// close ends checks and connections.
func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		m.stopChecks()
		m.cut()
	}
	for m := range g.draining {
		m.cut()
	}
	clear(g.members)
	g.route()
}
