package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent"
)

// nodesDeadline covers registering nodes and, on shrinking, moving their pods.
const nodesDeadline = 2 * time.Minute

// nodeGroups are the managed node groups of the cluster.
type nodeGroups struct {
	d         *daemon
	addresses *addressBook // a node's name comes from its address

	mu     sync.Mutex
	groups map[string]control.NodeGroup
}

func (g *nodeGroups) names() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.groups))
}

// put makes the group's nodes as many and such as spec says, and waits until they are Ready.
func (g *nodeGroups) put(ctx context.Context, id string, spec control.NodeGroup) (any, error) {
	if spec.DesiredSize < 0 || len(spec.Zones) == 0 {
		return nil, control.Invalid("node group %s: %d nodes in zones %v, want 0 or more nodes and at least one zone", id, spec.DesiredSize, spec.Zones)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	before, existed := g.groups[id]
	g.groups[id] = spec
	names, err := g.settle(ctx, spec.Cluster, id)
	if err != nil {
		if delete(g.groups, id); existed {
			g.groups[id] = before
		}
		return nil, fmt.Errorf("node group %s: %w", id, err)
	}
	return control.NodeGroupInfo{Nodes: names}, g.releaseFrom(id, spec.DesiredSize, before.DesiredSize)
}

// remove takes the group's nodes away, their pods first.
func (g *nodeGroups) remove(ctx context.Context, id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	spec, ok := g.groups[id]
	if !ok {
		return nil
	}
	delete(g.groups, id)
	if _, err := g.settle(ctx, spec.Cluster, id); err != nil {
		g.groups[id] = spec
		return fmt.Errorf("node group %s: %w", id, err)
	}
	return g.releaseFrom(id, 0, spec.DesiredSize)
}

// settle gives the agent the nodes of every group and waits for those of group id, whose names it returns.
func (g *nodeGroups) settle(ctx context.Context, clusterName, id string) ([]string, error) {
	client, fabric, err := g.d.cluster.reach(clusterName)
	if err != nil {
		return nil, err
	}
	all, names, err := g.expand(id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, nodesDeadline)
	defer cancel()
	if err := fabric.setNodes(ctx, all); err != nil {
		return nil, err
	}
	kube, err := kubernetes.NewForConfig(client)
	if err != nil {
		return nil, err
	}
	return names, awaitNodes(ctx, kube, names)
}

// expand lists the nodes of all groups, and the names of those of group id.
func (g *nodeGroups) expand(id string) (all []nodeagent.Node, names []string, err error) {
	for _, group := range slices.Sorted(maps.Keys(g.groups)) {
		for i := range g.groups[group].DesiredSize {
			n, err := g.node(group, i)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, n)
			if group == id {
				names = append(names, n.Name)
			}
		}
	}
	return all, names, nil
}

// node is the i-th node of group: nodes take the group's zones in turn.
func (g *nodeGroups) node(group string, i int) (nodeagent.Node, error) {
	spec := g.groups[group]
	address, err := g.addresses.take(nodeKey(group, i))
	if err != nil {
		return nodeagent.Node{}, err
	}
	zone := spec.Zones[i%len(spec.Zones)]
	var taints []corev1.Taint
	for _, t := range spec.Taints {
		taints = append(taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
	}
	return nodeagent.Node{
		Name:         nodeName(address.String(), zone),
		Address:      address,
		CPUMilli:     spec.CPUMilli,
		MemoryBytes:  spec.MemoryBytes,
		MaxPods:      spec.MaxPods,
		Labels:       spec.Labels,
		Taints:       taints,
		Zone:         zone,
		InstanceType: spec.InstanceType,
		NodeGroup:    group,
		CapacityType: spec.CapacityType,
	}, nil
}

func nodeKey(group string, i int) string { return fmt.Sprintf("%s/%d", group, i) }

// nodeName is the private DNS name that EC2 gives an instance with that address.
func nodeName(address, zone string) string {
	region := strings.TrimRight(zone, "abcdef")
	return "ip-" + strings.ReplaceAll(address, ".", "-") + "." + region + ".compute.internal"
}

// releaseFrom frees the addresses of the group's nodes kept to had.
func (g *nodeGroups) releaseFrom(group string, kept, had int) error {
	for i := kept; i < had; i++ {
		if err := g.addresses.release(nodeKey(group, i)); err != nil {
			return err
		}
	}
	return nil
}

func awaitNodes(ctx context.Context, kube kubernetes.Interface, names []string) error {
	for {
		waiting, err := notReady(ctx, kube, names)
		if err == nil && len(waiting) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nodes %v are not Ready (%w)", waiting, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func notReady(ctx context.Context, kube kubernetes.Interface, names []string) ([]string, error) {
	list, err := kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return names, err
	}
	ready := map[string]bool{}
	for _, n := range list.Items {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady {
				ready[n.Name] = c.Status == corev1.ConditionTrue
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return ready[n] }), nil
}
