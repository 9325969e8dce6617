package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// fabric is what makes a control plane a cluster: nodes that run pods and a network that reaches services.
type fabric struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	agent *nodeagent.Agent // an agent runs once; one that ended is followed by another
	nodes []nodeagent.Node // the latest wanted
}

// startFabric runs the node agent and the service network against the API server that client reaches.
func (d *daemon) startFabric(client *rest.Config) (*fabric, error) {
	agent, err := d.newAgent(client)
	if err != nil {
		return nil, fmt.Errorf("node agent: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &fabric{agent: agent, cancel: cancel}
	f.done.Go(func() {
		keepRunning(ctx, "node agent", d.log, func(ctx context.Context) error { return f.runAgent(ctx, d, client) })
	})
	f.done.Go(func() {
		keepRunning(ctx, "service network", d.log, func(ctx context.Context) error { return d.net.Run(ctx, client) })
	})
	return f, nil
}

// runAgent runs the present agent to its end and then, unless ctx ended, puts another one with the same nodes in its place.
func (f *fabric) runAgent(ctx context.Context, d *daemon, client *rest.Config) error {
	f.mu.Lock()
	agent := f.agent
	f.mu.Unlock()
	ended := agent.Run(ctx)
	if ctx.Err() != nil {
		return ended
	}
	next, err := d.newAgent(client)
	if err != nil {
		return errors.Join(ended, err)
	}
	f.mu.Lock()
	f.agent = next
	nodes := f.nodes
	f.mu.Unlock()
	f.done.Go(func() {
		if err := next.SetNodes(ctx, nodes); err != nil && ctx.Err() == nil {
			d.log.Error("the nodes could not be set up again", "error", err)
		}
	})
	return ended
}

// setNodes makes the cluster's nodes be these.
func (f *fabric) setNodes(ctx context.Context, nodes []nodeagent.Node) error {
	f.mu.Lock()
	f.nodes = nodes
	agent := f.agent
	f.mu.Unlock()
	return agent.SetNodes(ctx, nodes)
}

func (d *daemon) newAgent(client *rest.Config) (*nodeagent.Agent, error) {
	images := image.Table{}
	if d.images != "" {
		var err error
		if images, err = image.Load(d.images); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return nodeagent.New(nodeagent.Config{
		REST:     client,
		Dir:      filepath.Join(clusterState(d.layout), "nodes"),
		Self:     self,
		CAFile:   d.layout.CA(),
		CertFile: filepath.Join(d.layout.PKI(), pki.Kubelet+".crt"),
		KeyFile:  filepath.Join(d.layout.PKI(), pki.Kubelet+".key"),
		PodCIDR:  layout.PodCIDR,
		NodeCIDR: layout.NodeCIDR,
		Bridge:   layout.BridgeName,
		DNS:      layout.DNS.Addr(),
		Images:   images,
		Log:      d.log.With("part", "node agent"),
	})
}

// stop ends both and returns when every pod process is dead and no cluster IP is served, or says false after limit.
func (f *fabric) stop(limit time.Duration) bool {
	f.cancel()
	done := make(chan struct{})
	go func() { defer close(done); f.done.Wait() }()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// keepRunning runs part until ctx ends; one that ends before is an error and is run again.
func keepRunning(ctx context.Context, name string, log *slog.Logger, part func(context.Context) error) {
	for {
		err := part(ctx)
		if ctx.Err() != nil {
			return
		}
		log.Error("a part of the sandbox ended and is run again", "part", name, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}
