package hpa

import (
	"errors"
	"testing"
)

// A pod is written as its CPU in thousandths of a core with marks of what it is.
type pod struct {
	used    int64 // -1: no metric
	request int64 // 0 is 1,000
	unready bool
	pending bool
	gone    bool
	hot     bool // within its initialization, ready, its metric from before that
}

// at is the time of the cases; pods are 10 min old unless they are hot.
const at = 10_000.0

func podsOf(pods []pod) []Pod {
	var all []Pod
	for _, p := range pods {
		seen := Pod{Gone: p.gone, Pending: p.pending, Ready: !p.unready, Started: at - 600, ChangedAt: at - 600,
			Requests: map[string]int64{CPU: p.request}, Usage: map[string]Usage{}}
		if p.request == 0 {
			seen.Requests[CPU] = 1000
		}
		if p.hot {
			seen.Started, seen.ChangedAt = at-120, at-30
		}
		if p.used >= 0 {
			seen.Usage[CPU] = Usage{Value: float64(p.used), At: at, Window: 60}
		}
		all = append(all, seen)
	}
	return all
}

// TestProposalsAreKubernetes holds proposals to cases of Kubernetes' own tests: inputs and results of
// TestReplicaCalcResourceScale, …Tolerance and …MissingMetrics (pkg/controller/podautoscaler/replica_calculator_test.go,
// v1.37.2), written as one container a pod.
func TestProposalsAreKubernetes(t *testing.T) {
	unready := func(used int64) pod { return pod{used: used, unready: true} }
	hot := func(used int64) pod { return pod{used: used, hot: true} }
	gone := pod{used: -1, gone: true}
	of := func(used ...int64) (all []pod) {
		for _, u := range used {
			all = append(all, pod{used: u})
		}
		return all
	}
	requests := func(all []pod, requests ...int64) []pod {
		for i := range all {
			all[i].request = requests[i]
		}
		return all
	}
	for _, c := range []struct {
		name              string
		current, target   int
		pods              []pod
		replicas, percent int
		up, down          float64
	}{
		{"up", 3, 30, of(300, 500, 700), 5, 50, .1, .1},
		{"up, an unready pod counts as idle", 3, 30, append(of(500, 700), unready(300)), 4, 60, .1, .1},
		{"up, a pod whose metric is from before it was ready counts as idle", 3, 30, append(of(500, 700), hot(300)), 4, 60, .1, .1},
		{"no change, unready pods would turn it around", 3, 30, append(of(400), unready(500), unready(700)), 3, 40, .1, .1},
		{"up, pods that go do not count", 2, 30, append(of(500, 700), gone, gone), 4, 60, .1, .1},
		{"down", 5, 50, of(100, 300, 500, 250, 250), 3, 28, .1, .1},
		{"down, unready pods do not count", 5, 50, append(of(100, 300, 500), unready(250), unready(250)), 2, 30, .1, .1},
		{"down, pods that are not scheduled do not count", 5, 50, append(of(100), pod{pending: true, used: -1},
			pod{pending: true, used: -1}, pod{pending: true, used: -1}, pod{pending: true, used: -1}), 1, 10, .1, .1},
		{"down, pods that start do not count", 5, 50, append(of(100, 300, 500), hot(250), hot(250)), 2, 30, .1, .1},
		{"within tolerance", 3, 100, requests(of(1010, 1030, 1020), 900, 1000, 1100), 3, 102, .1, .1},
		{"no tolerance", 3, 100, requests(of(909, 1010, 1111), 900, 1000, 1100), 4, 101, 0, 0},
		{"a tolerance of 200 % up", 3, 100, requests(of(1890, 1910, 1900), 900, 1000, 1100), 3, 190, 2, .1},
		{"beyond a tolerance of 8 % up", 3, 100, requests(of(1100, 1080, 1090), 900, 1000, 1100), 4, 109, .08, 2},
		{"a tolerance of 36 % down", 3, 100, requests(of(660, 640, 650), 900, 1000, 1100), 3, 65, .1, .36},
		{"beyond a tolerance of 34 % down", 3, 100, requests(of(660, 640, 650), 900, 1000, 1100), 2, 65, .1, .34},
		{"missing metrics count as busy on the way down", 4, 100, of(400, 95, -1, -1), 3, 24, .1, .1},
		{"missing, at the target", 2, 100, of(1000, -1), 2, 100, .1, .1},
		{"missing, above the target: counted as idle, no change", 2, 100, of(1900, -1), 2, 190, .1, .1},
		{"missing, below the target", 2, 100, of(600, -1), 2, 60, .1, .1},
		{"missing and unready, no change", 3, 50, append(of(450, -1), unready(100)), 3, 45, .1, .1},
		{"missing and unready, up", 3, 50, append(of(2000, -1), unready(100)), 4, 200, .1, .1},
		{"missing and unready, down", 4, 50, append(of(100, 100, -1), unready(100)), 3, 10, .1, .1},
		{"a target above 100 %", 4, 300, append(requests(of(100, 100, -1), 1000, 2000, 2000), pod{used: 200, unready: true}), 2, 6, .1, .1},
		{"a rolling update's pod has no metric yet", 2, 50, of(100, 100, -1), 2, 10, .1, .1},
	} {
		t.Run(c.name, func(t *testing.T) {
			replicas, percent, err := Defaults().Propose(Target{CPU, c.target}, c.current, podsOf(c.pods), c.up, c.down, at)
			if replicas != c.replicas || percent != c.percent || err != nil {
				t.Errorf("%d replicas at %d %%, %v; want %d at %d %%", replicas, percent, err, c.replicas, c.percent)
			}
		})
	}
}

func TestProposalWithoutMetricsFails(t *testing.T) {
	pods := podsOf([]pod{{used: -1}, {used: 900, unready: true}})
	if _, _, err := Defaults().Propose(Target{CPU, 50}, 2, pods, .1, .1, at); !errors.Is(err, ErrNoMetrics) {
		t.Errorf("%v, want %v", err, ErrNoMetrics)
	}
}

// TestReadinessOfYoungPods follows groupPods: an unready pod is idle until it was ready once, and so is a ready one until
// a whole window of its metric is from after that.
func TestReadinessOfYoungPods(t *testing.T) {
	for _, c := range []struct {
		name                     string
		ready                    bool
		age, changed, metric     float64 // s ago
		young                    bool
		initialization, readyLag float64
	}{
		{"starts", false, 20, 20, 5, true, 300, 30},
		{"ready, but its metric is older than a window since", true, 60, 20, 5, true, 300, 30},
		{"ready for a window", true, 60, 40, 5, false, 300, 30},
		{"lost readiness within its initialization", false, 200, 10, 5, true, 300, 30},
		{"lost readiness later", false, 400, 10, 5, false, 300, 30},
		{"never ready", false, 400, 390, 5, true, 300, 30},
		{"as long as the sandbox waits", true, 12, 5, 1, false, 10, 5},
	} {
		s := Settings{CPUInitializationSeconds: c.initialization, InitialReadinessSeconds: c.readyLag}
		p := Pod{Ready: c.ready, Started: at - c.age, ChangedAt: at - c.changed}
		if got := s.young(p, Usage{At: at - c.metric, Window: 30}, at); got != c.young {
			t.Errorf("%s: %t, want %t", c.name, got, c.young)
		}
	}
}
