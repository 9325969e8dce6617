package daemon

import (
	"context"
	"fmt"
	"sync"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// balancing is the elastic load balancing part of the cloud: load balancers, target groups and listeners, served by
// the service network.
type balancing struct {
	d *daemon

	mu    sync.Mutex
	ports map[string]int // of listeners, by ARN
}

func (b *balancing) putLoadBalancer(_ context.Context, arn string, spec control.LoadBalancer) (any, error) {
	addr, err := b.d.cloud.take(control.KindLoadBalancer + "/" + arn)
	if err != nil {
		return nil, err
	}
	if err := b.d.net.SetLoadBalancer(arn, spec, addr); err != nil {
		return nil, fmt.Errorf("load balancer %s: %w", spec.Name, err)
	}
	return nil, nil
}

func (b *balancing) removeLoadBalancer(_ context.Context, arn string) error {
	b.d.net.Delete(arn)
	return b.d.cloud.release(control.KindLoadBalancer + "/" + arn)
}

func (b *balancing) putTargetGroup(_ context.Context, arn string, spec control.TargetGroup) (any, error) {
	return nil, b.d.net.SetTargetGroup(arn, spec)
}

func (b *balancing) removeTargetGroup(_ context.Context, arn string) error {
	b.d.net.Delete(arn)
	return nil
}

func (b *balancing) putListener(_ context.Context, arn string, spec control.Listener) (any, error) {
	if err := b.d.net.SetListener(arn, spec); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ports[arn] = spec.Port
	return nil, nil
}

func (b *balancing) removeListener(_ context.Context, arn string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ports, arn)
	b.d.net.Delete(arn)
	return nil
}

// reachable lists the addresses at which the host reaches a listener.
func (b *balancing) reachable() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []string{}
	for _, port := range b.ports {
		if port == layout.PortLoadBalancer && len(out) == 0 {
			out = append(out, b.d.layout.HostAddr(port))
		}
	}
	return out
}
