package servicenet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	idleTimeout = 60 * time.Second // of an application load balancer, its default
	closeLimit  = 5 * time.Second  // for requests in flight when a listener is deleted
)

// SetLoadBalancer declares the load balancer arn at addr inside the namespace, where its host name resolves to that.
func (n *Network) SetLoadBalancer(arn string, spec control.LoadBalancer, addr netip.Addr) error {
	n.names.Set(spec.Hostname, addr)
	return n.balancer.setLoadBalancer(arn, spec, addr)
}

// SetTargetGroup declares or changes the target group arn. Targets and their health stay.
func (n *Network) SetTargetGroup(arn string, spec control.TargetGroup) error {
	return n.balancer.setGroup(arn, spec)
}

// SetListener declares or changes the listener arn; its load balancer and target group must be declared. It listens
// at the load balancer's address, and for the host if the port is offered and no other listener has it.
func (n *Network) SetListener(arn string, spec control.Listener) error {
	return n.balancer.setListener(arn, spec)
}

// Delete removes the load balancer, target group or listener arn. What is not there is fine. A listener whose target group
// or load balancer goes answers 503 or not at all.
func (n *Network) Delete(arn string) {
	if hostname, ok := n.balancer.hostname(arn); ok {
		n.names.Delete(hostname)
	}
	n.balancer.remove(arn)
}

// TargetGroups are the counters and the targets' states of every target group, by ARN.
func (n *Network) TargetGroups() map[string]GroupStats { return n.balancer.stats() }

// Targets lists the targets of a target group.
func (n *Network) Targets(arn string) []TargetHealth { return n.balancer.targetHealth(arn) }

// Forwards are the load balancers whose listeners forward to a target group, by the group's ARN.
func (n *Network) Forwards() map[string]string { return n.balancer.forwards() }

type loadBalancer struct {
	spec control.LoadBalancer
	addr netip.Addr
}

// balancer holds everything of Elastic Load Balancing.
type balancer struct {
	log    *slog.Logger
	listen func(port int) (net.Listener, bool)

	mu            sync.Mutex
	loadBalancers map[string]loadBalancer
	groups        map[string]*group
	listeners     map[string]*listener
	targets       map[string][]target // as the cluster has them, declared group or not
	watcher       atomic.Pointer[func()]
}

func newBalancer(log *slog.Logger, listen func(int) (net.Listener, bool)) *balancer {
	return &balancer{log: log, listen: listen, loadBalancers: map[string]loadBalancer{}, groups: map[string]*group{}, listeners: map[string]*listener{}}
}

func (b *balancer) setLoadBalancer(arn string, spec control.LoadBalancer, addr netip.Addr) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := b.loadBalancers[arn]
	b.loadBalancers[arn] = loadBalancer{spec, addr}
	if !known || before.addr == addr {
		return nil
	}
	var faults []error
	for id, l := range b.listeners {
		if l.spec.LoadBalancerARN == arn {
			faults = append(faults, b.open(id, l.spec))
		}
	}
	return errors.Join(faults...)
}

// hostname of a load balancer; false where arn is none.
func (b *balancer) hostname(arn string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lb, ok := b.loadBalancers[arn]
	return lb.spec.Hostname, ok
}

func (b *balancer) setGroup(arn string, spec control.TargetGroup) error {
	if err := checkGroup(spec); err != nil {
		return fmt.Errorf("target group %s: %w", spec.Name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.groups[arn]; g != nil {
		g.setSpec(spec)
		return nil
	}
	g := newGroup(spec, b.log, b.healthChanged)
	b.groups[arn] = g
	g.setTargets(b.targets[arn])
	return nil
}

func checkGroup(s control.TargetGroup) error {
	var faults []error
	if s.Algorithm != roundRobin && s.Algorithm != leastOutstanding {
		faults = append(faults, fmt.Errorf("algorithm is %q, want %s or %s", s.Algorithm, roundRobin, leastOutstanding))
	}
	if s.HealthInterval <= 0 || s.HealthTimeout <= 0 || s.HealthTimeout >= s.HealthInterval {
		faults = append(faults, fmt.Errorf("health check timeout is %v and interval %v, want 0 < timeout < interval", s.HealthTimeout, s.HealthInterval))
	}
	if s.HealthyThreshold < 1 || s.UnhealthyThreshold < 1 {
		faults = append(faults, fmt.Errorf("health check thresholds are %d and %d, want 1 or more", s.HealthyThreshold, s.UnhealthyThreshold))
	}
	if s.HealthPath == "" || s.HealthPath[0] != '/' {
		faults = append(faults, fmt.Errorf("health check path is %q, want it to begin with /", s.HealthPath))
	}
	return errors.Join(faults...)
}

func (b *balancer) setListener(arn string, spec control.Listener) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if spec.Protocol != "HTTP" {
		return fmt.Errorf("listener on port %d: protocol is %q, want HTTP: a sandbox has no certificate for others", spec.Port, spec.Protocol)
	}
	if _, ok := b.loadBalancers[spec.LoadBalancerARN]; !ok {
		return fmt.Errorf("listener on port %d: there is no load balancer %s", spec.Port, spec.LoadBalancerARN)
	}
	if b.groups[spec.TargetGroupARN] == nil {
		return fmt.Errorf("listener on port %d: there is no target group %s", spec.Port, spec.TargetGroupARN)
	}
	if l := b.listeners[arn]; l != nil && l.spec.LoadBalancerARN == spec.LoadBalancerARN && l.spec.Port == spec.Port {
		l.spec = spec
		l.group.Store(b.groups[spec.TargetGroupARN])
		return nil
	}
	return b.open(arn, spec)
}

// open listens as spec says, in place of the listener arn if there is one.
func (b *balancer) open(arn string, spec control.Listener) error {
	if old := b.listeners[arn]; old != nil {
		delete(b.listeners, arn)
		old.close()
	}
	at := netip.AddrPortFrom(b.loadBalancers[spec.LoadBalancerARN].addr, uint16(spec.Port))
	inside, err := net.Listen("tcp4", at.String())
	if err != nil {
		return fmt.Errorf("listener on port %d: %w", spec.Port, err)
	}
	l := newListener(spec, b.groups[spec.TargetGroupARN], b.log)
	go l.serve(inside)
	if !b.portTaken(spec.Port) {
		if outside, ok := b.listen(spec.Port); ok {
			l.onHost = true
			go l.serve(outside)
		}
	}
	b.listeners[arn] = l
	return nil
}

func (b *balancer) portTaken(port int) bool {
	for _, l := range b.listeners {
		if l.onHost && l.spec.Port == port {
			b.log.Warn("the host reaches another load balancer at this port", "port", port)
			return true
		}
	}
	return false
}

func (b *balancer) remove(arn string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.listeners[arn]; l != nil {
		delete(b.listeners, arn)
		l.close()
	}
	if g := b.groups[arn]; g != nil {
		delete(b.groups, arn)
		g.close()
	}
	if _, ok := b.loadBalancers[arn]; !ok {
		return
	}
	delete(b.loadBalancers, arn)
	for id, l := range b.listeners {
		if l.spec.LoadBalancerARN == arn {
			delete(b.listeners, id)
			l.close()
		}
	}
}

func (b *balancer) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.listeners {
		l.close()
	}
	for _, g := range b.groups {
		g.close()
	}
	clear(b.listeners)
	clear(b.groups)
	return nil
}

// setTargets registers and deregisters targets so that each group holds those given for it.
func (b *balancer) setTargets(targets map[string][]target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = targets
	for arn, g := range b.groups {
		g.setTargets(targets[arn])
	}
}

// onHealth has f called after each change of a target's health, until stop is called.
func (b *balancer) onHealth(f func()) (stop func()) {
	b.watcher.Store(&f)
	return func() { b.watcher.Store(nil) }
}

func (b *balancer) healthChanged() {
	if f := b.watcher.Load(); f != nil {
		(*f)()
	}
}

// healthOf is the state of pod in the target group arn; false if it is not registered.
func (b *balancer) healthOf(arn string, pod objectName) (healthState, bool) {
	b.mu.Lock()
	g := b.groups[arn]
	b.mu.Unlock()
	if g == nil {
		return "", false
	}
	return g.healthOf(pod)
}

func (b *balancer) targetHealth(arn string) []TargetHealth {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.groups[arn]; g != nil {
		return g.targets()
	}
	return nil
}

func (b *balancer) stats() map[string]GroupStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]GroupStats, len(b.groups))
	for arn, g := range b.groups {
		out[arn] = g.snapshot()
	}
	for _, l := range b.listeners {
		if s, known := out[l.spec.TargetGroupARN]; known {
			s.Connections += int(l.clients.Load())
			out[l.spec.TargetGroupARN] = s
		}
	}
	return out
}

func (b *balancer) forwards() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]string, len(b.listeners))
	for _, l := range b.listeners {
		out[l.spec.TargetGroupARN] = l.spec.LoadBalancerARN
	}
	return out
}

// listener is a port of a load balancer.
type listener struct {
	spec   control.Listener
	group  atomic.Pointer[group]
	port   []string // the port as a header's value
	server *http.Server
	onHost bool
	log    *slog.Logger

	clients atomic.Int64 // connections of clients
}

func newListener(spec control.Listener, g *group, log *slog.Logger) *listener {
	l := &listener{spec: spec, port: []string{strconv.Itoa(spec.Port)}, log: log}
	l.group.Store(g)
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: idleTimeout, IdleTimeout: idleTimeout, ConnState: l.count,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that go away
	}
	return l
}

// count counts connections as they come and go.
func (l *listener) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.clients.Add(1)
	case http.StateClosed, http.StateHijacked:
		l.clients.Add(-1)
	}
}

func (l *listener) serve(at net.Listener) {
	if err := l.server.Serve(at); !errors.Is(err, http.ErrServerClosed) {
		l.log.Error("a listener ended", "address", at.Addr(), "error", err)
	}
}

// close stops listening, lets requests in flight end for a moment, and cuts the rest.
func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if err := l.server.Shutdown(ctx); err != nil {
		l.server.Close() //nolint:errcheck // nothing can be done for them
	}
}

// ServeHTTP forwards a request to a target of the listener's group.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header["X-Forwarded-Port"] = l.port
	l.group.Load().ServeHTTP(w, r)
}
