package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/drain"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/network"
)

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
			a.podChanged(p)
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
	for ip := network.Nth(a.cfg.NodeCIDR, firstNodeAddress); a.cfg.NodeCIDR.Contains(ip.Next()); ip = ip.Next() {
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
	going := drain.Node{
		Client: a.client, Name: name, Grace: a.cfg.EvictionGrace,
		Runs: func(p *corev1.Pod) bool { return n != nil && a.sees(p, name) },
	}
	if err := going.Cordon(ctx); err != nil {
		return fmt.Errorf("cordon node %s: %w", name, err)
	}
	if err := going.Drain(ctx, func(p *corev1.Pod) bool { return !drain.OfDaemonSet(p) }); err != nil {
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
	if err := going.Drain(ctx, drain.OfDaemonSet); err != nil {
		return fmt.Errorf("daemon pods of node %s: %w", name, err)
	}
	if n == nil {
		return nil
	}
	return a.closeNode(n)
}

// sees tells whether the agent runs the pod, or will: it starts none on a node that it has given up.
func (a *Agent) sees(p *corev1.Pod, node string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live[p.UID] != nil || a.nodes[node] != nil
}

// register creates the node or brings it up to date. What others set stays: their labels, cordons and taints.
func (a *Agent) register(ctx context.Context, n *node) error {
	want := n.object(a.cfg.Region, metav1.Now())
	nodes := a.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, want, metav1.CreateOptions{})
	if err == nil || !apierrors.IsAlreadyExists(err) {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		have, err := nodes.Get(ctx, n.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		merge(have, want)
		updated, err := nodes.Update(ctx, have, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		updated.Status = mergeStatus(updated.Status, want.Status)
		_, err = nodes.UpdateStatus(ctx, updated, metav1.UpdateOptions{})
		return err
	})
}

// heartbeat keeps the node Ready: its lease often, its status from time to time. A node that someone deleted comes back.
func (a *Agent) heartbeat(ctx context.Context, n *node) {
	next := time.Now().Add(statusPeriod)
	for {
		err := a.renewLease(ctx, n)
		if err == nil && time.Now().After(next) {
			if err = a.register(ctx, n); err == nil {
				next = time.Now().Add(statusPeriod)
			}
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("heartbeat", "node", n.name, "error", err)
		}
		if !sleep(ctx, a.cfg.LeasePeriod) {
			return
		}
	}
}

func (a *Agent) renewLease(ctx context.Context, n *node) error {
	leases := a.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	seconds, now := int32(leaseSeconds), metav1.NewMicroTime(time.Now())
	lease, err := leases.Get(ctx, n.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: n.name}, Spec: coordinationv1.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds, RenewTime: &now}}
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &n.name, &seconds, &now
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

// unregister removes the node's objects.
func (a *Agent) unregister(ctx context.Context, name string) error {
	err := a.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	lease := a.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, name, metav1.DeleteOptions{})
	var faults []error
	for _, e := range []error{err, lease} {
		if e != nil && !apierrors.IsNotFound(e) {
			faults = append(faults, fmt.Errorf("remove node %s: %w", name, e))
		}
	}
	return errors.Join(faults...)
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
