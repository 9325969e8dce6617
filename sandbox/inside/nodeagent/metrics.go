package nodeagent

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	corev1 "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
)

func (p *pod) samples(table *usage.Table) []usage.Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []usage.Sample
	for name, c := range p.containers {
		if c.process != nil {
			out = append(out, usage.Sample{
				Namespace: p.object.Namespace, Pod: p.object.Name, Container: name, UID: string(p.uid),
				Start: c.runStart, Usage: c.measure(table),
			})
		}
	}
	return out
}

// measure never reports less CPU time than before: what a process leaves behind that nobody waits for is lost to /proc.
func (c *container) measure(table *usage.Table) usage.Usage {
	u := table.Tree(c.process.PID())
	u.CPU = max(u.CPU, c.peak.CPU)
	c.peak = u
	return u
}

// guardMemory ends containers that use more memory than their limit.
func (a *Agent) guardMemory(ctx context.Context) {
	for sleep(ctx, time.Second) {
		table, err := a.processes.Read()
		if err != nil {
			a.log.Error("read the process table", "error", err)
			continue
		}
		for _, p := range a.livePods(func(*pod) bool { return true }) {
			p.guardMemory(table)
		}
	}
}

// guardMemory ends the pod's containers that are above their memory limit.
func (p *pod) guardMemory(table *usage.Table) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.object.Spec.Containers {
		spec := &p.object.Spec.Containers[i]
		limit, ok := spec.Resources.Limits[corev1.ResourceMemory]
		c := p.containers[spec.Name]
		if !ok || c == nil || c.process == nil || c.killed != "" || table.Tree(c.process.PID()).Memory <= limit.Value() {
			continue
		}
		c.killed = reasonOOM
		c.signal(c.process, syscall.SIGKILL)
	}
}

// exposition serves metrics in Prometheus' form.
func (a *Agent) exposition(measure func(context.Context) ([]*dto.MetricFamily, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		families, err := measure(r.Context())
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		format := expfmt.Negotiate(r.Header)
		rw.Header().Set("Content-Type", string(format))
		encoder := expfmt.NewEncoder(rw, format)
		for _, f := range families {
			if err := encoder.Encode(f); err != nil {
				a.log.Debug("kubelet API", "error", err)
				return
			}
		}
	}
}

// containerMetrics are those of /metrics/cadvisor.
func (n *node) containerMetrics(a *Agent) func(context.Context) ([]*dto.MetricFamily, error) {
	return func(context.Context) ([]*dto.MetricFamily, error) {
		table, err := a.processes.Read()
		if err != nil {
			return nil, err
		}
		return usage.Containers(table.At, a.samples(n, table)), nil
	}
}

// NodeUsage is what a node's containers have used: CPU time that never goes back, and memory.
type NodeUsage struct {
	Node
	usage.Usage
}

// Usages are those of all nodes, at the time of the table.
func (a *Agent) Usages(table *usage.Table) []NodeUsage {
	a.mu.Lock()
	nodes := slices.Collect(maps.Values(a.nodes))
	a.mu.Unlock()
	var out []NodeUsage
	for _, n := range nodes {
		out = append(out, NodeUsage{n.desired(), n.used.Count(a.samples(n, table))})
	}
	return out
}

// kubeletMetrics are those of /metrics.
func (n *node) kubeletMetrics(a *Agent) func(context.Context) ([]*dto.MetricFamily, error) {
	return func(ctx context.Context) ([]*dto.MetricFamily, error) {
		table, err := a.processes.Read()
		if err != nil {
			return nil, err
		}
		pods := a.livePods(func(p *pod) bool { return p.node == n })
		return usage.Kubelet(len(pods), len(a.samples(n, table)), a.volumes(ctx, pods)), nil
	}
}

// volumes are the claims that pods have mounted. One that cannot be read now is left out, as a kubelet does.
func (a *Agent) volumes(ctx context.Context, pods []*pod) []usage.Volume {
	var out []usage.Volume
	for _, p := range pods {
		object := p.current()
		for _, v := range object.Spec.Volumes {
			if v.PersistentVolumeClaim == nil {
				continue
			}
			claim := v.PersistentVolumeClaim.ClaimName
			folder, capacity, err := a.objects.ClaimVolume(ctx, object.Namespace, claim)
			if err != nil {
				a.log.Debug("volume", "claim", object.Namespace+"/"+claim, "error", err)
				continue
			}
			out = append(out, usage.Volume{Namespace: object.Namespace, Claim: claim, Capacity: capacity, Used: usage.Folder(folder)})
		}
	}
	return out
}
