package diagnose

import (
	"fmt"

	"github.com/ragscale/ragscale/perf/load"
)

// Limits that no objective implies, each with its source.
const (
	// slowPod is how many times the middle of the others' time a pod takes that is not like them: a choice of our own. The
	// load balancer gives all the same work, and a mean over two minutes is of hundreds of requests.
	slowPod = 2

	// collecting is the share of a process' processor time above which garbage collection no longer keeps up beside the
	// program: marking runs on a quarter of the processors while a collection lasts, so that more means one without end,
	// and work taken from requests. Source: gcBackgroundUtilization of Go's runtime (mgcpacer.go), and
	// https://go.dev/doc/gc-guide ; as remembered, 2026-11.
	collecting = 0.25

	// stretched is how much later than they meant to users may go on: as perf/load judges it.
	stretched = 0.05

	// tail is how many times its mean the 95th percentile of an exponential time is, ln 20: what takes a third of an
	// objective on average misses it by itself.
	tail       = 3
	tailSource = ", for the 95th percentile of an exponential time is three times its mean"

	// lackingPods is half a pod over the whole time: less is a rollout.
	lackingPods = 0.5
)

var loadCauses = []cause{{
	id: "generator", apart: true, tier: "load generators",
	says: text("the generators were what was slow: the stack was not asked for the declared load"),
	signs: func(x *situation) []Evidence {
		e := above(x.Stretch, "users went on later than they meant to", stretched, "what perf/load allows")
		for _, v := range x.run.Verdicts {
			e.Holds = e.Holds || v.Outcome == load.GeneratorBound
		}
		if e.Holds = e.Holds || x.Dropped.known && x.Dropped.Value > 0; e.Holds {
			e.Fact.known, e.Fact.Lacking = true, ""
		}
		return []Evidence{e}
	},
	share: func(*situation) float64 { return 1 }, bears: []Effect{Unloaded, Slow}, leads: []string{"outside"},
	section: "Load tests",
}}

// limitCPU is what a pod may take of the processors, cores; 0 for no limit.
func (x *situation) limitCPU() float64 { return float64(x.cfg.API.Limits.CPU) / 1000 }

// podCPU is what a pod of the API takes, the mean of those that are ready.
func (x *situation) podCPU() Fact { return x.CPU.per(x.Ready, cores) }

// scaled makes a fact of a share of another.
func (f Fact) scaled(by float64, unit, of string) Fact {
	if by <= 0 {
		return lacking(f.Series, of+" is not known")
	}
	f.Value, f.Unit, f.Series = f.Value/by, unit, f.Series+" over "+of
	return f
}

func (x *situation) overTarget() Evidence {
	request := float64(x.cfg.API.Requests.CPU) / 1000
	return above(x.podCPU().scaled(request, share, "api.requests.cpu"), "pods take more than the autoscaler's target",
		float64(x.cfg.SLO.HPA.CPUPercent)/100, "slo.hpa.cpuPercent")
}

// less is a fact less another.
func (f Fact) less(other Fact) Fact {
	switch {
	case !f.known:
		return f
	case !other.known:
		return other
	}
	f.Value, f.Series = f.Value-other.Value, f.Series+" less "+other.Series
	return f
}

var apiCauses = []cause{
	{
		id: "slow-pod", apart: true, tier: "API",
		says: func(x *situation) string { return "one pod of many is slow: " + x.SlowPodIs.Series },
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.SlowPod, "a pod takes longer than the others", slowPod,
				"a choice of our own: all pods get the same work"),
				below(x.OthersTake, "the others would keep the objective", x.cfg.SLO.ResponseSeconds/tail,
					"slo.responseSeconds over 3"+tailSource)}
		},
		share: func(x *situation) float64 { return 1 - 1/x.SlowPod.or(1) }, bears: served,
		leads: []string{"cpu-limit", "hpa-maximum", "api-pool", "garbage"}, section: "API latency",
	},
	{
		id: "unschedulable", tier: "nodes", says: text("pods of the API find no node"),
		signs: func(x *situation) []Evidence {
			return []Evidence{lasting(x.FitNone, "pods fit no node"),
				above(x.Wanted.less(x.Ready), "fewer pods are ready than the autoscaler wants", lackingPods,
					"half a pod, all the time")}
		},
		share: (*situation).computing, bears: served,
		leads: []string{"replicas-lacking", "hpa-maximum", "cpu-limit", "nodes", "api-pool"}, section: "Pods unschedulable",
	},
	{
		id: "replicas-lacking", tier: "API", says: text("pods that the autoscaler wants do not get ready"),
		signs: func(x *situation) []Evidence {
			return []Evidence{
				above(x.Wanted.less(x.Ready), "fewer pods are ready than the autoscaler wants", lackingPods,
					"half a pod, all the time"),
				x.overTarget()}
		},
		share: (*situation).computing, bears: served, leads: []string{"hpa-maximum", "cpu-limit"},
		section: "Replicas lacking",
	},
	{
		id: "hpa-maximum", tier: "API", says: text("the autoscaler is at its maximum, and its pods are at work all the time"),
		signs: func(x *situation) []Evidence {
			return []Evidence{
				below(x.Most.less(x.Wanted), "the autoscaler wants as many pods as it may", lackingPods, "slo.hpa.maxReplicas"),
				x.overTarget()}
		},
		share: (*situation).computing, bears: served, leads: []string{}, section: "HPA at maximum",
	},
	{
		id: "cpu-limit", tier: "API", says: text("pods of the API reach their CPU limit"),
		signs: func(x *situation) []Evidence {
			if x.limitCPU() == 0 {
				return []Evidence{above(Fact{Series: "api.limits.cpu", known: true}, "pods have a limit", 1, "none is declared")}
			}
			return []Evidence{above(x.podCPU().scaled(x.limitCPU(), share, "api.limits.cpu"), "pods take their limit",
				x.cfg.SLO.CPUPercent/100, "slo.cpuPercent")}
		},
		share: (*situation).computing, bears: served, leads: []string{"hpa-maximum"}, section: "Request drift",
	},
	{
		id: "nodes", tier: "nodes", says: text("the nodes' processors are taken"),
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.NodeCPU, "CPU of the nodes", x.cfg.SLO.CPUPercent/100, "slo.cpuPercent")}
		},
		share: func(x *situation) float64 { return x.computing() + x.portion(partOutside) }, bears: served,
		leads: []string{"hpa-maximum", "cpu-limit", "outside"}, section: "Node CPU",
	},
	{
		id: "garbage", tier: "API",
		says: func(x *situation) string {
			return fmt.Sprintf("garbage collection takes %s of the API's processors", percentOf(x.GC.per(x.CPU, share).Value))
		},
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.GC.per(x.CPU, share), "garbage collection of all processor time", collecting,
				"a quarter is what a collection without end takes")}
		},
		share: (*situation).computing, bears: served, leads: []string{"hpa-maximum", "cpu-limit", "nodes"},
		section: "Goroutine leak",
	},
	{
		id: "api-memory", apart: true, tier: "API", says: text("containers of the API are killed and begin anew"),
		signs: func(x *situation) []Evidence { return []Evidence{lasting(x.Restarts, "containers began anew")} },
		share: func(*situation) float64 { return 1 }, bears: []Effect{Faulty, Slow},
		leads: []string{"replicas-lacking"}, section: "Pods restarting",
	},
}

var otherCauses = []cause{
	{
		id: "outside", tier: "way in",
		says: text("most of the time is between the generators and the API: load balancer or network"),
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.Client.less(x.Busy.per(x.Rate, seconds)), "time that is not at the API",
				x.cfg.SLO.ResponseSeconds/tail, "slo.responseSeconds over 3"+tailSource)}
		},
		share: func(x *situation) float64 { return x.portion(partOutside) }, bears: served, section: "API latency",
	},
	{
		id: "workers", apart: true, tier: "upload workers", says: text("uploads wait: the workers are at their maximum"),
		signs: func(x *situation) []Evidence {
			const atOnceEach = 2
			return []Evidence{
				above(x.Jobs.scaled(atOnceEach*max(1, x.Workers.or(float64(x.cfg.API.Worker.Max))), "", "two jobs of each worker"),
					"jobs wait beside those at work", 1, "a worker does two at once"),
				below(x.WorkerMost.less(x.Workers), "workers are as many as they may be", lackingPods, "api.worker.max")}
		},
		share: func(*situation) float64 { return 1 }, bears: []Effect{LateReady}, section: "Queue backlog",
	},
	{
		id: "vectors", tier: "vector store", says: text("the vector store is what searches wait for"),
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.asked(), "time of a question to it",
				x.cfg.SLO.ComplexSearchSeconds/tail, "slo.complexSearchSeconds over 3"+tailSource)}
		},
		share: func(x *situation) float64 { return x.vectorShare().Value }, bears: append(served, LateReady),
		section: "Vector store", leads: []string{"api-pool"},
	},
	{
		id: "vectors-gone", apart: true, tier: "vector store", says: text("searches did without the vector store"),
		signs: func(x *situation) []Evidence {
			return []Evidence{above(x.NoVectors.per(x.ComplexRate, share), "complex searches without vectors",
				max(x.cfg.LoadThresholds().DegradedRatio, 1e-9), "what the load tests allow, from slo.availabilityPercent")}
		},
		share:   func(x *situation) float64 { return x.without(x.vectorShare().Value) },
		bears:   append([]Effect{Degraded}, served...),
		section: "Reads degraded",
	},
}

// asked is how long the vector store takes for a question; where those were not counted, for a complex search, of which
// caches answer some.
func (x *situation) asked() Fact {
	if x.VectorRate.known {
		return x.Vectors.per(x.VectorRate, seconds)
	}
	return x.Vectors.per(x.ComplexRate, seconds)
}

// vectorShare is which part of complex searches is the vector store's, or of all requests where that is more.
func (x *situation) vectorShare() Fact {
	ofComplex := x.Vectors.per(x.Complex, share)
	ofAll := x.Vectors.per(x.Busy, share)
	if ofComplex.known && ofComplex.Value >= ofAll.or(0) {
		return ofComplex
	}
	return ofAll
}
