package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// evictEvery is the pause between attempts at an eviction that a disruption budget refuses.
const evictEvery = 500 * time.Millisecond

// SetNodes makes the agent be exactly these nodes. New ones are registered and Ready when it returns; those no longer
// wanted, also those of an earlier agent, are cordoned, drained and removed. It waits for Run to have seen the cluster.
func (a *Agent) SetNodes(ctx context.Context, want []Node) error {
	if err := validateNodes(want); err != nil {
		return err
	}
	select {
	case <-a.running:
	case <-a.over:
		return errors.New("node agent is not running, want Run to be active")
	case <-ctx.Done():
		return ctx.Err()
	}
	a.setting.Lock()
	defer a.setting.Unlock()
	known, err := a.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	var faults []error
	for _, spec := range want {
		if err := a.ensureNode(ctx, spec, known.Items); err != nil {
			faults = append(faults, fmt.Errorf("node %s: %w", spec.Name, err))
		}
	}
	return errors.Join(append(faults, a.dropOthers(ctx, want, known.Items))...)
}

func validateNodes(nodes []Node) error {
	var faults []error
	seen := map[string]bool{}
	for i, n := range nodes {
		if n.Name == "" || seen[n.Name] {
			faults = append(faults, fmt.Errorf("nodes[%d].Name is %q, want a name of its own", i, n.Name))
		}
		seen[n.Name] = true
		if n.CPUMilli <= 0 || n.MemoryBytes <= 0 || n.MaxPods <= 0 {
			faults = append(faults, fmt.Errorf("nodes[%d] %s has %d CPU (milli), %d bytes of memory and %d pods, want more than 0 of each", i, n.Name, n.CPUMilli, n.MemoryBytes, n.MaxPods))
		}
	}
	return errors.Join(faults...)
}

// ensureNode registers a node and takes up the pods that are bound to it already.
func (a *Agent) ensureNode(ctx context.Context, spec Node, known []corev1.Node) error {
	a.mu.Lock()
	have := a.nodes[spec.Name]
	agentCtx := a.ctx
	a.mu.Unlock()
	if have != nil {
		have.change(spec)
		return a.register(ctx, have)
	}
	ip := spec.Address
	if !ip.IsValid() {
		var err error
		if ip, err = a.nodeAddress(spec.Name, known); err != nil {
			return err
		}
	}
	n := &node{name: spec.Name, spec: spec, ip: ip, started: time.Now(), recorder: recorderFor(a.events, spec.Name)}
	if err := a.serve(n); err != nil {
		return err
	}
	if err := a.register(ctx, n); err != nil {
		return errors.Join(err, a.closeNode(n))
	}
	beat, stop := context.WithCancel(agentCtx)
	n.stop = stop
	a.mu.Lock()
	a.nodes[spec.Name] = n
	a.mu.Unlock()
	a.work.Go(func() { a.heartbeat(beat, n) })
	for _, o := range a.podCache.GetStore().List() {
		if p, ok := o.(*corev1.Pod); ok && p.Spec.NodeName == spec.Name {
			a.see(p)
		}
	}
	return nil
}

// nodeAddress is the address that the node had before, else the lowest that no node has.
func (a *Agent) nodeAddress(name string, known []corev1.Node) (netip.Addr, error) {
	used := map[netip.Addr]bool{}
	a.mu.Lock()
	for _, n := range a.nodes {
		used[n.ip] = true
	}
	a.mu.Unlock()
	for i := range known {
		ip, ok := internalIP(&known[i])
		switch {
		case !ok:
		case known[i].Name == name && a.cfg.NodeCIDR.Contains(ip) && !used[ip]:
			return ip, nil
		default:
			used[ip] = true
		}
	}
	for ip := nthAddr(a.cfg.NodeCIDR, firstNodeAddress); a.cfg.NodeCIDR.Contains(ip.Next()); ip = ip.Next() {
		if !used[ip] {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address of %s is left: %d nodes have one", a.cfg.NodeCIDR, len(used))
}

func internalIP(n *corev1.Node) (netip.Addr, bool) {
	for _, address := range n.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			ip, err := netip.ParseAddr(address.Address)
			return ip, err == nil
		}
	}
	return netip.Addr{}, false
}

// dropOthers drains and removes this agent's nodes that are not wanted any more, all at a time.
func (a *Agent) dropOthers(ctx context.Context, want []Node, known []corev1.Node) error {
	var drops sync.WaitGroup
	faults := make(chan error, len(known))
	for i := range known {
		name := known[i].Name
		wanted := slices.ContainsFunc(want, func(n Node) bool { return n.Name == name })
		if wanted || known[i].Annotations[agentAnnotation] == "" {
			continue
		}
		drops.Go(func() { faults <- a.dropNode(ctx, name) })
	}
	drops.Wait()
	close(faults)
	var all []error
	for err := range faults {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// dropNode drains the node and removes it. DaemonSets' pods, which tolerate a cordon and would come back, go when the node
// has gone.
func (a *Agent) dropNode(ctx context.Context, name string) error {
	a.mu.Lock()
	n := a.nodes[name]
	a.mu.Unlock()
	if err := a.cordon(ctx, name); err != nil {
		return fmt.Errorf("cordon node %s: %w", name, err)
	}
	if err := a.drain(ctx, name, n != nil, func(p *corev1.Pod) bool { return !ofDaemonSet(p) }); err != nil {
		return fmt.Errorf("drain node %s: %w", name, err)
	}
	if n != nil {
		a.mu.Lock()
		delete(a.nodes, name)
		a.mu.Unlock()
		n.stop()
	}
	if err := a.unregister(ctx, name); err != nil {
		return err
	}
	if err := a.drain(ctx, name, n != nil, ofDaemonSet); err != nil {
		return fmt.Errorf("daemon pods of node %s: %w", name, err)
	}
	if n == nil {
		return nil
	}
	return a.closeNode(n)
}

func ofDaemonSet(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	return owner != nil && owner.Kind == "DaemonSet"
}

func (a *Agent) cordon(ctx context.Context, name string) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		n, err := a.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil || n.Spec.Unschedulable {
			return ignoreNotFound(err)
		}
		n.Spec.Unschedulable = true
		_, err = a.client.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{})
		return ignoreNotFound(err)
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// drain evicts those of the node's pods that are meant and waits until they are gone. After EvictionGrace disruption budgets
// are overruled, as happens to a node that is terminated. Pods that nobody runs are removed at once.
func (a *Agent) drain(ctx context.Context, node string, runs bool, meant func(*corev1.Pod) bool) error {
	until := time.Now().Add(a.cfg.EvictionGrace)
	for {
		pods, err := a.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
		if err != nil {
			return err
		}
		left := 0
		for i := range pods.Items {
			p := &pods.Items[i]
			if p.Spec.NodeName != node || !meant(p) { // a fake API server may not know field selectors
				continue
			}
			left++
			if err := a.drainPod(ctx, p, runs && a.sees(p, node), time.Now().After(until)); err != nil {
				return err
			}
		}
		if left == 0 {
			return nil
		}
		if !sleep(ctx, evictEvery) {
			return ctx.Err()
		}
	}
}

// sees tells whether the agent runs the pod, or will: it starts none on a node that it has given up.
func (a *Agent) sees(p *corev1.Pod, node string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live[p.UID] != nil || a.nodes[node] != nil
}

func (a *Agent) drainPod(ctx context.Context, p *corev1.Pod, runs, force bool) error {
	if p.DeletionTimestamp != nil && runs {
		return nil
	}
	own := &metav1.Preconditions{UID: &p.UID}
	pods := a.client.CoreV1().Pods(p.Namespace)
	var err error
	switch {
	case !runs:
		err = pods.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: own})
	case force || ofDaemonSet(p):
		err = pods.Delete(ctx, p.Name, metav1.DeleteOptions{Preconditions: own})
	default:
		err = pods.EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}, DeleteOptions: &metav1.DeleteOptions{Preconditions: own}})
		if apierrors.IsTooManyRequests(err) {
			err = nil // a disruption budget: asked again
		}
	}
	if apierrors.IsConflict(err) {
		return nil // another pod of that name
	}
	return ignoreNotFound(err)
}

// closeNodes ends the HTTP servers of all nodes.
func (a *Agent) closeNodes() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var faults []error
	for _, n := range a.nodes {
		n.stop()
		faults = append(faults, a.closeNode(n))
	}
	return errors.Join(faults...)
}

// closeNode ends the node's HTTP server and takes its address away.
func (a *Agent) closeNode(n *node) error {
	return errors.Join(n.server.Close(), a.runtime.Unlisten(n.ip))
}
