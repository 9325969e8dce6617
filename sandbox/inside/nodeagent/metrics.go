package nodeagent

import (
	"context"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// containerSample is what a running container uses at a moment.
type containerSample struct {
	namespace, pod, container string
	uid                       string
	start                     time.Time
	usage
}

// samples are the usages of a node's running containers.
func (a *Agent) samples(n *node, table *processTable) []containerSample {
	var out []containerSample
	for _, p := range a.livePods(func(p *pod) bool { return p.node == n }) {
		out = append(out, p.samples(table)...)
	}
	return out
}

func (p *pod) samples(table *processTable) []containerSample {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []containerSample
	for name, c := range p.containers {
		if c.process != nil {
			out = append(out, containerSample{namespace: p.object.Namespace, pod: p.object.Name, container: name, uid: string(p.uid), start: c.runStart, usage: c.measure(table)})
		}
	}
	return out
}

// measure never reports less CPU time than before: what a process leaves behind that nobody waits for is lost to /proc.
func (c *container) measure(table *processTable) usage {
	u := table.tree(c.process.PID())
	u.cpu = max(u.cpu, c.peak.cpu)
	c.peak = u
	return u
}

// guardMemory ends the pod's containers that are above their memory limit.
func (p *pod) guardMemory(table *processTable) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.object.Spec.Containers {
		spec := &p.object.Spec.Containers[i]
		limit, ok := spec.Resources.Limits[corev1.ResourceMemory]
		c := p.containers[spec.Name]
		if !ok || c == nil || c.process == nil || c.killed != "" || table.tree(c.process.PID()).memory <= limit.Value() {
			continue
		}
		c.killed = reasonOOM
		c.signal(c.process, syscall.SIGKILL)
	}
}

// runKey names one run of a container.
type runKey struct {
	uid, container string
	start          time.Time
}

// count is the node's usage: that of its containers and nothing else. Its CPU time never goes back, as it also counts
// what ended containers have used.
func (n *node) count(samples []containerSample) usage {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := make(map[runKey]time.Duration, len(samples))
	total := usage{}
	for _, s := range samples {
		key := runKey{s.uid, s.container, s.start}
		n.cpu += max(s.cpu-n.counted[key], 0)
		seen[key] = s.cpu
		total.memory += s.memory
	}
	n.counted = seen
	total.cpu = n.cpu
	return total
}

// metrics serves /metrics/resource, from which metrics-server reads.
func (a *Agent) metrics(n *node) api.PodMetricsResourceHandlerFunc {
	return func(context.Context) ([]*dto.MetricFamily, error) {
		table, err := a.processes.read()
		if err != nil {
			return nil, err
		}
		samples := a.samples(n, table)
		total := n.count(samples)
		at := table.at.UnixMilli()
		cpu := family("container_cpu_usage_seconds_total", dto.MetricType_COUNTER)
		memory := family("container_memory_working_set_bytes", dto.MetricType_GAUGE)
		start := family("container_start_time_seconds", dto.MetricType_GAUGE)
		for _, s := range samples {
			labels := []*dto.LabelPair{label("container", s.container), label("namespace", s.namespace), label("pod", s.pod)}
			add(cpu, s.cpu.Seconds(), at, labels)
			add(memory, float64(s.memory), at, labels)
			add(start, float64(s.start.UnixMilli())/1000, at, labels)
		}
		nodeCPU := add(family("node_cpu_usage_seconds_total", dto.MetricType_COUNTER), total.cpu.Seconds(), at, nil)
		nodeMemory := add(family("node_memory_working_set_bytes", dto.MetricType_GAUGE), float64(total.memory), at, nil)
		return []*dto.MetricFamily{nodeCPU, nodeMemory, cpu, memory, start}, nil
	}
}

func family(name string, kind dto.MetricType) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Type: &kind}
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func add(f *dto.MetricFamily, value float64, at int64, labels []*dto.LabelPair) *dto.MetricFamily {
	m := &dto.Metric{Label: labels, TimestampMs: &at}
	if f.GetType() == dto.MetricType_COUNTER {
		m.Counter = &dto.Counter{Value: &value}
	} else {
		m.Gauge = &dto.Gauge{Value: &value}
	}
	f.Metric = append(f.Metric, m)
	return f
}

// summary serves /stats/summary.
func (a *Agent) summary(n *node) api.PodStatsSummaryHandlerFunc {
	return func(context.Context) (*stats.Summary, error) {
		table, err := a.processes.read()
		if err != nil {
			return nil, err
		}
		at := metav1.NewTime(table.at)
		samples := a.samples(n, table)
		total := n.count(samples)
		out := &stats.Summary{Node: stats.NodeStats{NodeName: n.name, StartTime: metav1.NewTime(n.started), CPU: cpuStats(at, total), Memory: memoryStats(at, total)}}
		byPod := map[string]int{}
		for _, s := range samples {
			i, ok := byPod[s.uid]
			if !ok {
				i = len(out.Pods)
				byPod[s.uid] = i
				out.Pods = append(out.Pods, stats.PodStats{PodRef: stats.PodReference{Name: s.pod, Namespace: s.namespace, UID: s.uid}, StartTime: metav1.NewTime(s.start), CPU: cpuStats(at, usage{}), Memory: memoryStats(at, usage{})})
			}
			p := &out.Pods[i]
			*p.CPU.UsageCoreNanoSeconds += uint64(s.cpu)
			*p.Memory.WorkingSetBytes += uint64(s.memory)
			p.Containers = append(p.Containers, stats.ContainerStats{Name: s.container, StartTime: metav1.NewTime(s.start), CPU: cpuStats(at, s.usage), Memory: memoryStats(at, s.usage)})
		}
		return out, nil
	}
}

func cpuStats(at metav1.Time, u usage) *stats.CPUStats {
	n := uint64(u.cpu)
	return &stats.CPUStats{Time: at, UsageCoreNanoSeconds: &n}
}

func memoryStats(at metav1.Time, u usage) *stats.MemoryStats {
	n := uint64(u.memory)
	return &stats.MemoryStats{Time: at, WorkingSetBytes: &n}
}
