package usage

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// Volume is a claim that a pod of a node has mounted.
type Volume struct {
	Namespace, Claim string
	Capacity, Used   int64 // bytes
}

// blockBytes is the unit in which a file's blocks are counted, whatever the file system's own is.
const blockBytes = 512

// Folder is what the files of a folder take of the disk, in bytes. What goes away meanwhile is left out.
func Folder(path string) int64 {
	var sum int64
	_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error { // it has no error of its own
		if err != nil {
			return nil //nolint:nilerr // gone since
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // gone since
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			sum += s.Blocks * blockBytes
		}
		return nil
	})
	return sum
}

// Kubelet is what a kubelet's /metrics serves, as far as it is measured here.
// Source: https://kubernetes.io/docs/reference/instrumentation/metrics/
func Kubelet(pods, containers int, volumes []Volume) []*dto.MetricFamily {
	runningPods := set(family("kubelet_running_pods", dto.MetricType_GAUGE), float64(pods), nil)
	state := []*dto.LabelPair{label("container_state", "running")}
	running := set(family("kubelet_running_containers", dto.MetricType_GAUGE), float64(containers), state)
	out := []*dto.MetricFamily{runningPods, running}
	if len(volumes) == 0 {
		return out
	}
	available := family("kubelet_volume_stats_available_bytes", dto.MetricType_GAUGE)
	capacity := family("kubelet_volume_stats_capacity_bytes", dto.MetricType_GAUGE)
	used := family("kubelet_volume_stats_used_bytes", dto.MetricType_GAUGE)
	for _, v := range volumes {
		labels := []*dto.LabelPair{label("namespace", v.Namespace), label("persistentvolumeclaim", v.Claim)}
		set(available, float64(max(v.Capacity-v.Used, 0)), labels)
		set(capacity, float64(v.Capacity), labels)
		set(used, float64(v.Used), labels)
	}
	return append(out, available, capacity, used)
}

// Containers is what a kubelet's /metrics/cadvisor serves, as far as it is measured here.
// Source: https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
func Containers(at time.Time, samples []Sample) []*dto.MetricFamily {
	if len(samples) == 0 {
		return nil
	}
	return Metrics(at, Usage{}, samples)[2:]
}

// set adds a gauge without a time of its own: Prometheus takes that of the scrape.
func set(f *dto.MetricFamily, value float64, labels []*dto.LabelPair) *dto.MetricFamily {
	f.Metric = append(f.Metric, &dto.Metric{Label: labels, Gauge: &dto.Gauge{Value: &value}})
	return f
}
