package nodeagent

import (
	"context"
	"syscall"
	"time"

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
