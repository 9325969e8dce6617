// Package servicenet is the sandbox's service network: what kube-proxy, CoreDNS and Elastic Load Balancing do elsewhere.
//
// Owns: cluster IPs (TCP), the resolver of the namespace, application load balancers with their target groups, health
// checks and pod readiness gates. Does not own: addresses and interfaces (the namespace's), pods (the node agent's),
// what is declared (the daemon's).
package servicenet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"

	"k8s.io/client-go/rest"
)

// Config is what a Network needs to know.
type Config struct {
	Log *slog.Logger
	DNS netip.AddrPort // where the resolver answers, TCP and UDP; zero: nowhere
	// Listen returns the listener that the host reaches a load balancer's port at, if that port is offered. Closing it
	// must let a later call return another.
	Listen func(port int) (net.Listener, bool)
}

// Network is the service network of one sandbox. Its methods may be called concurrently.
type Network struct {
	log      *slog.Logger
	names    *Names
	cluster  atomic.Pointer[snapshot] // what the API server says; never nil
	balancer *balancer
	resolver *resolver // nil: no DNS
}

// New starts the resolver. Load balancers work at once; cluster IPs and targets need Run.
func New(cfg Config) (*Network, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Listen == nil {
		cfg.Listen = func(int) (net.Listener, bool) { return nil, false }
	}
	n := &Network{log: cfg.Log, names: newNames(), balancer: newBalancer(cfg.Log, cfg.Listen)}
	n.cluster.Store(&snapshot{})
	if !cfg.DNS.IsValid() {
		return n, nil
	}
	r, err := listenDNS(cfg.DNS, func(query []byte, limit int) []byte { return answer(query, limit, n.names, n.cluster.Load()) })
	if err != nil {
		return nil, fmt.Errorf("resolver at %s: %w", cfg.DNS, err)
	}
	n.resolver = r
	return n, nil
}

// Names are the resolver's records beside those of the cluster.
func (n *Network) Names() *Names { return n.names }

// Run serves the cluster that cfg reaches until ctx ends: cluster IPs, names, targets, readiness gates. When it returns,
// no cluster IP is served and every target group is empty. It may be called again, for another cluster.
func (n *Network) Run(ctx context.Context, cfg *rest.Config) error {
	w, err := newWatch(cfg)
	if err != nil {
		return err
	}
	ips := newClusterIPs(n.log, n.resolver.address())
	defer func() {
		ips.sync(&snapshot{})
		n.cluster.Store(&snapshot{})
		n.balancer.setTargets(nil)
	}()
	gates := newGates(n.log, w.clients)
	stop := n.balancer.onHealth(gates.wake)
	defer stop()
	go gates.run(ctx, n.cluster.Load, n.balancer.healthOf)
	return w.run(ctx, func(s *snapshot) {
		n.cluster.Store(s)
		ips.sync(s)
		n.balancer.setTargets(s.targets())
		gates.wake()
	})
}

// Close ends the resolver and every load balancer.
func (n *Network) Close() error {
	return errors.Join(n.resolver.close(), n.balancer.close())
}
