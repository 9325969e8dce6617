package usage

import (
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Sample is what a running container uses at a moment.
type Sample struct {
	Namespace, Pod, Container string
	UID                       string
	Start                     time.Time
	Usage
}

// run names one run of a container.
type run struct {
	uid, container string
	start          time.Time
}

// Node sums what the containers of a node use.
type Node struct {
	mu      sync.Mutex            // guards everything below
	cpu     time.Duration         // used by all containers so far
	counted map[run]time.Duration // the part of cpu that is from containers that still run
}

// Count is the node's usage: that of its containers and nothing else. Its CPU time never goes back, as it also counts
// what ended containers have used.
func (n *Node) Count(samples []Sample) Usage {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := make(map[run]time.Duration, len(samples))
	total := Usage{}
	for _, s := range samples {
		key := run{s.UID, s.Container, s.Start}
		n.cpu += max(s.CPU-n.counted[key], 0)
		seen[key] = s.CPU
		total.Memory += s.Memory
	}
	n.counted = seen
	total.CPU = n.cpu
	return total
}

// Metrics is what /metrics/resource serves, from which metrics-server reads.
func Metrics(at time.Time, total Usage, samples []Sample) []*dto.MetricFamily {
	millis := at.UnixMilli()
	cpu := family("container_cpu_usage_seconds_total", dto.MetricType_COUNTER)
	memory := family("container_memory_working_set_bytes", dto.MetricType_GAUGE)
	start := family("container_start_time_seconds", dto.MetricType_GAUGE)
	for _, s := range samples {
		labels := []*dto.LabelPair{label("container", s.Container), label("namespace", s.Namespace), label("pod", s.Pod)}
		add(cpu, s.CPU.Seconds(), millis, labels)
		add(memory, float64(s.Memory), millis, labels)
		add(start, float64(s.Start.UnixMilli())/1000, millis, labels)
	}
	nodeCPU := add(family("node_cpu_usage_seconds_total", dto.MetricType_COUNTER), total.CPU.Seconds(), millis, nil)
	nodeMemory := add(family("node_memory_working_set_bytes", dto.MetricType_GAUGE), float64(total.Memory), millis, nil)
	return []*dto.MetricFamily{nodeCPU, nodeMemory, cpu, memory, start}
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

// Summary is what /stats/summary serves of the pods.
func Summary(when time.Time, total Usage, samples []Sample) *stats.Summary {
	at := metav1.NewTime(when)
	out := &stats.Summary{Node: stats.NodeStats{CPU: cpuStats(at, total), Memory: memoryStats(at, total)}}
	byPod := map[string]int{}
	for _, s := range samples {
		i, ok := byPod[s.UID]
		if !ok {
			i = len(out.Pods)
			byPod[s.UID] = i
			out.Pods = append(out.Pods, stats.PodStats{
				PodRef:    stats.PodReference{Name: s.Pod, Namespace: s.Namespace, UID: s.UID},
				StartTime: metav1.NewTime(s.Start), CPU: cpuStats(at, Usage{}), Memory: memoryStats(at, Usage{}),
			})
		}
		p := &out.Pods[i]
		*p.CPU.UsageCoreNanoSeconds += uint64(s.CPU)
		*p.Memory.WorkingSetBytes += uint64(s.Memory)
		p.Containers = append(p.Containers, stats.ContainerStats{
			Name: s.Container, StartTime: metav1.NewTime(s.Start), CPU: cpuStats(at, s.Usage), Memory: memoryStats(at, s.Usage),
		})
	}
	return out
}

func cpuStats(at metav1.Time, u Usage) *stats.CPUStats {
	n := uint64(u.CPU)
	return &stats.CPUStats{Time: at, UsageCoreNanoSeconds: &n}
}

func memoryStats(at metav1.Time, u Usage) *stats.MemoryStats {
	n := uint64(u.Memory)
	return &stats.MemoryStats{Time: at, WorkingSetBytes: &n}
}
