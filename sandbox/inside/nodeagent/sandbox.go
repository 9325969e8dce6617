package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/downward"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/network"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/status"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/volume"
)

const (
	retryEvery   = time.Second      // between attempts at what a pod waits for: volumes, images, configuration
	defaultGrace = 30 * time.Second // of a pod that names none
)

// podSandbox is what the containers of a pod live in: its object, its network, its volumes and its folder.
type podSandbox struct {
	*machine
	node *node
	log  *slog.Logger
	uid  types.UID
	dir  string

	changed   chan struct{} // holds one element when the status may have changed
	stopping  chan struct{} // closed when the pod is to end
	graceOver chan struct{} // closed when the grace period is over

	volumeMu sync.Mutex
	volumes  *volume.Set

	mu       sync.Mutex // guards everything below
	object   *corev1.Pod
	deadline time.Time // of the end, once stopping
	ip       netip.Addr
	network  process.Network
	state    status.Pod // without containers
}

// prepare makes the network and the volumes; what is missing is waited for.
func (p *podSandbox) prepare(ctx context.Context) bool {
	p.markChanged()
	for {
		err := p.prepareOnce(ctx)
		if err == nil {
			p.markChanged()
			return true
		}
		p.event(corev1.EventTypeWarning, "FailedMount", err.Error())
		p.log.Warn("pod is waiting", "error", err)
		if !p.wait(ctx, retryEvery) {
			return false
		}
	}
}

func (p *podSandbox) prepareOnce(ctx context.Context) error {
	for _, d := range []string{"volumes", "logs"} {
		if err := os.MkdirAll(filepath.Join(p.dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := p.connect(); err != nil {
		return err
	}
	return p.refreshVolumes(ctx)
}

// connect gives the pod its network and the files that describe it.
func (p *podSandbox) connect() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.NetworkReady {
		return nil
	}
	if p.object.Spec.HostNetwork {
		p.state.PodIP = p.node.ip.String()
	} else {
		ip, err := p.addresses.Take(p.object.Status.PodIP)
		if err != nil {
			return err
		}
		if p.network, err = p.runtime.NewNetwork(ip); err != nil {
			p.addresses.Release(ip)
			return fmt.Errorf("network of address %s: %w", ip, err)
		}
		p.ip, p.state.PodIP = ip, ip.String()
	}
	p.state.NetworkReady = true
	v := p.viewLocked()
	for name, content := range map[string]string{
		"hosts":       network.Hosts(v),
		"hostname":    v.Hostname() + "\n",
		"resolv.conf": network.Resolv(p.object, p.cfg.DNS, p.hostResolv),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// refreshVolumes brings the volumes up to date with the objects they show.
func (p *podSandbox) refreshVolumes(ctx context.Context) error {
	v := p.view()
	p.volumeMu.Lock()
	defer p.volumeMu.Unlock()
	return p.volumes.Prepare(ctx, v)
}

// release gives back what the pod held.
func (p *podSandbox) release() error {
	p.volumeMu.Lock()
	err := p.volumes.Release()
	p.volumeMu.Unlock()
	p.mu.Lock()
	held, ip := p.network, p.ip
	p.network, p.ip = nil, netip.Addr{}
	p.mu.Unlock()
	if held != nil {
		err = errors.Join(err, held.Close())
		p.addresses.Release(ip)
	}
	return err
}

// grace is how long the pod may take to end when nobody says otherwise.
func (p *podSandbox) grace() time.Duration {
	if s := p.current().Spec.TerminationGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return defaultGrace
}

// timeLeft is what remains of the pod's grace period; a container that ends on its own account has all of it.
func (p *podSandbox) timeLeft() time.Duration {
	p.mu.Lock()
	deadline := p.deadline
	p.mu.Unlock()
	if deadline.IsZero() {
		return p.grace()
	}
	return max(time.Until(deadline), 0)
}

// wait waits for d; false means that the pod or the agent is to end.
func (p *podSandbox) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.stopping:
	case <-ctx.Done():
	}
	return false
}

func (p *podSandbox) current() *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.object
}

func (p *podSandbox) view() downward.View {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.viewLocked()
}

func (p *podSandbox) viewLocked() downward.View {
	return downward.View{Pod: p.object, PodIP: p.state.PodIP, HostIP: p.node.ip.String(), Allocatable: p.node.allocatable()}
}

func (p *podSandbox) markChanged() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *podSandbox) event(kind, reason, message string) {
	p.node.recorder.Event(p.current(), kind, reason, message)
}

func (p *podSandbox) logPath(container string, restarts int32) string {
	return filepath.Join(p.dir, "logs", fmt.Sprintf("%s.%d.log", container, restarts))
}
