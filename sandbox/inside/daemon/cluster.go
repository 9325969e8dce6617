package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// fabricStop covers ending every pod, which the node agent hurries when it ends itself.
const fabricStop = 8 * time.Second

// cluster is the EKS cluster: a sandbox has none or one.
type cluster struct {
	d    *daemon
	work sync.Mutex // held while the cluster comes, changes or goes

	mu     sync.Mutex // guards what others ask for meanwhile
	name   string     // "" when there is none
	client *rest.Config
	fabric *fabric
}

// put brings the cluster up, or changes who may enter it.
func (c *cluster) put(ctx context.Context, name string, spec control.Cluster) (any, error) {
	c.work.Lock()
	defer c.work.Unlock()
	if present := c.currentName(); present != "" && present != name {
		return nil, control.Conflict("cluster %s: this sandbox holds one cluster and that is %s; delete it first", name, present)
	}
	c.d.webhook.admit(name, spec.AccessEntries)
	if c.currentName() == "" {
		if err := c.bringUp(ctx, name); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
	}
	return c.info(name)
}

func (c *cluster) bringUp(ctx context.Context, name string) error {
	client, err := c.d.startControlPlane(ctx)
	if err != nil {
		c.d.programs.Stop(controlPlaneName)
		return err
	}
	f, err := c.d.startFabric(client)
	if err != nil {
		c.d.programs.Stop(controlPlaneName)
		return err
	}
	c.set(name, client, f)
	c.d.offers[layout.PortAPIServer].forward(fmt.Sprintf("%s:%d", layout.Bridge.Addr(), layout.PortAPIServer))
	return nil
}

func (c *cluster) set(name string, client *rest.Config, f *fabric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name, c.client, c.fabric = name, client, f
}

func (c *cluster) info(name string) (control.ClusterInfo, error) {
	client, _, err := c.reach(name)
	if err != nil {
		return control.ClusterInfo{}, err
	}
	ca, err := os.ReadFile(c.d.layout.CA())
	if err != nil {
		return control.ClusterInfo{}, err
	}
	disco, err := discovery.NewDiscoveryClientForConfig(client)
	if err != nil {
		return control.ClusterInfo{}, err
	}
	version, err := disco.ServerVersion()
	if err != nil {
		return control.ClusterInfo{}, fmt.Errorf("cluster %s: its version: %w", name, err)
	}
	return control.ClusterInfo{
		Endpoint: "https://" + c.d.layout.HostAddr(layout.PortAPIServer),
		CAPEM:    string(ca),
		Version:  version.GitVersion,
	}, nil
}

// remove stops the control plane and wipes its data.
func (c *cluster) remove(_ context.Context, name string) error {
	c.work.Lock()
	defer c.work.Unlock()
	if c.currentName() != name {
		return nil
	}
	if groups := c.d.groups.names(); len(groups) > 0 {
		return control.Conflict("cluster %s has node groups %v: delete them first", name, groups)
	}
	c.takeDown()
	if err := os.RemoveAll(clusterState(c.d.layout)); err != nil {
		return fmt.Errorf("cluster %s: its data: %w", name, err)
	}
	return nil
}

// takeDown stops everything that runs for the cluster and keeps its data.
func (c *cluster) takeDown() {
	c.d.offers[layout.PortAPIServer].withdraw()
	c.mu.Lock()
	f := c.fabric
	c.mu.Unlock()
	if f != nil && !f.stop(fabricStop) {
		c.d.log.Error("pods or service addresses are still ending; what is left dies with the sandbox", "after", fabricStop)
	}
	c.d.programs.Stop(metricsServerName)
	c.d.programs.Stop(controlPlaneName)
	c.d.webhook.admit("", nil)
	c.set("", nil, nil)
}

// stop takes the cluster down with the sandbox; it is resumed with the next one.
func (c *cluster) stop() {
	c.work.Lock()
	defer c.work.Unlock()
	c.takeDown()
}

var errNoCluster = errors.New("there is no cluster")

// reach returns the clients of cluster name.
func (c *cluster) reach(name string) (*rest.Config, *fabric, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		return nil, nil, errNoCluster
	}
	if c.name != name {
		return nil, nil, fmt.Errorf("there is no cluster %s, only %s", name, c.name)
	}
	return c.client, c.fabric, nil
}

func (c *cluster) currentName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.name
}
