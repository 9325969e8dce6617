package rules

import (
	"fmt"
	"slices"

	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/stacks"
)

const (
	hpaType           = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
	vpaType           = "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"
	budgetType        = "kubernetes:policy/v1:PodDisruptionBudget"
	networkPolicyType = "kubernetes:networking.k8s.io/v1:NetworkPolicy"

	// apiName is the Deployment whose autoscaler the objectives speak of.
	apiName = "agentic-rag-api"

	// leastDownSeconds is how long load must have been low before pods go: one period of the load's own noise.
	leastDownSeconds = 60
	// mostUpSeconds is how long the autoscaler may wait before it adds pods; ramp-up of the stress load is one minute.
	mostUpSeconds = 60
)

var scaling = []Rule{
	{
		Name: "api-autoscaled", Area: Scaling, Levels: everywhere,
		Says:   "A horizontal autoscaler scales the API.",
		Fix:    "Declare a HorizontalPodAutoscaler for the Deployment " + apiName + ".",
		Origin: "throughputRPS is promised at full scale", CheckStack: apiAutoscaled,
	},
	{
		Name: "hpa-bounds", Area: Scaling, Levels: everywhere,
		Says:   "The API's autoscaler has the objectives' bounds, every other one room to scale.",
		Fix:    "Set ragscale:slo.hpa.minReplicas and maxReplicas (worker: ragscale:api.worker.min and max).",
		Origin: "slo.hpa; the connection budget and the nodes count on maxReplicas",
		Types:  []string{hpaType}, Check: hpaBounds,
	},
	{
		Name: "hpa-targets", Area: Scaling, Levels: everywhere,
		Says:   "Autoscalers add pods at the objectives' CPU and memory targets or before.",
		Fix:    "Set ragscale:slo.hpa.cpuPercent and memoryPercent; every HPA needs a CPU target.",
		Origin: "slo.hpa",
		Types:  []string{hpaType}, Check: hpaTargets,
	},
	{
		Name: "hpa-below-alarm", Area: Scaling, Levels: everywhere,
		Says: "Where a pod may use no more than it requests, its autoscaler acts before the alarm: both measure the same " +
			"then.",
		Fix:        "Lower ragscale:slo.hpa.cpuPercent or memoryPercent, or give the pods limits above their requests.",
		Origin:     "slo.cpuPercent, slo.memoryPercent: a target at the alarm rings it whenever the autoscaler is right",
		CheckStack: hpaBelowAlarm,
	},
	{
		Name: "hpa-steady", Area: Scaling, Levels: onAWS,
		Says: fmt.Sprintf("Autoscalers add pods within %d s and wait at least %d s before they remove any.", mostUpSeconds,
			leastDownSeconds),
		Fix:    "Correct behavior.scaleUp and scaleDown.stabilizationWindowSeconds.",
		Origin: "the stress load ramps up in a minute; a pod that goes too early costs a cold start",
		Types:  []string{hpaType}, Check: hpaSteady,
	},
	{
		Name: "hpa-owns-replicas", Area: Scaling, Levels: everywhere,
		Says:   "A workload that an autoscaler scales does not set its replicas.",
		Fix:    "Remove spec.replicas: every update would undo the autoscaler.",
		Origin: "one owner per value", CheckStack: hpaOwnsReplicas,
	},
	{
		Name: "one-autoscaler-per-resource", Area: Scaling, Levels: everywhere,
		Says:       "No two autoscalers act on the same resource of a workload.",
		Fix:        `Set the VPA's updateMode to "Off", or its controlledResources to what the HPA does not measure.`,
		Origin:     "a VPA that raises requests lowers the utilisation that the HPA measures: they chase each other",
		CheckStack: oneAutoscaler,
	},
	{
		Name: "vector-store-alone", Area: Scaling, Levels: everywhere,
		Says: "The Chroma server runs once: it shares its files with no second one.",
		Fix: "Remove spec.replicas above 1 and any autoscaler that targets it; give it more with " +
			"ragscale:vectorStore.requests.",
		Origin:     "Chroma's server is single-node: two answer differently, and may spoil the volume",
		CheckStack: vectorStoreAlone,
	},
	{
		Name: "vpa-mode", Area: Scaling, Levels: everywhere,
		Says:   "Vertical autoscalers say how they act, and not by evicting pods.",
		Fix:    `Set updatePolicy.updateMode to "Off", "Initial" or "InPlaceOrRecreate".`,
		Origin: "Auto is deprecated and Recreate evicts pods under load",
		Types:  []string{vpaType}, Check: vpaMode,
	},
	{
		Name: "scaled-survives-drain", Area: Scaling, Levels: everywhere,
		Says:       "Whatever an autoscaler scales has one disruption budget, under which a drain makes progress.",
		Fix:        "Declare a PodDisruptionBudget with maxUnavailable of at least 1 that selects the pods.",
		Origin:     "availabilityPercent; minAvailable equal to the replicas hangs every node update",
		CheckStack: scaledSurvivesDrain,
	},
	{
		Name: "scaled-is-spread", Area: Scaling, Levels: everywhere,
		Says:   "Whatever an autoscaler scales is spread over zones and nodes.",
		Fix:    "Declare topologySpreadConstraints for topology.kubernetes.io/zone and kubernetes.io/hostname.",
		Origin: "availabilityPercent: a zone or a node may be lost", CheckStack: scaledIsSpread,
	},
	{
		Name: "connection-budget", Area: Scaling, Levels: everywhere,
		Says: "The pools of PgBouncer and of all pods beside it at full scale, a rolling update included, fit the " +
			"database's max_connections.",
		Fix: "Lower ragscale:pgbouncer.max or ragscale:api.worker.max, or choose a bigger " +
			"ragscale:database.instanceClass; max_connections is derived.",
		Origin: fmt.Sprintf("the pool chain (ragscale plan pools): pool_size, DATABASE_POOL_SIZE, pods with their surge "+
			"and %d connections in reserve", stacks.AdminReserve), CheckStack: connectionBudget,
	},
}

func apiAutoscaled(s Stack, _ Thresholds, p *Report) {
	for _, d := range s.OfType(deployment) {
		if d.At("metadata", "name").Text() == apiName && len(autoscalersOf(s, d)) == 0 && !d.At("kind").Unknown() &&
			!anyTargetUnknown(s) {
			p.about(d, "", "without an autoscaler", "a HorizontalPodAutoscaler")
		}
	}
}

func anyTargetUnknown(s Stack) bool {
	return slices.ContainsFunc(s.OfType(hpaType), func(h Resource) bool {
		return h.At("spec", "scaleTargetRef").Undecided() || h.At("metadata", "namespace").Unknown()
	})
}

func hpaBounds(r Resource, t Thresholds, p *Report) {
	least, most := r.At("spec", "minReplicas"), r.At("spec", "maxReplicas")
	if r.At("spec", "scaleTargetRef", "name").Text() == apiName {
		p.is(r, least, t.SLO.HPA.MinReplicas, "ragscale:slo.hpa.minReplicas")
		p.is(r, most, t.SLO.HPA.MaxReplicas, "ragscale:slo.hpa.maxReplicas")
		return
	}
	low, lowKnown := least.Number()
	high, highKnown := most.Number()
	if lowKnown && highKnown && high <= low {
		p.fault(r, most, fmt.Sprintf("more than minReplicas (%v)", low))
	}
}

func (p *Report) is(r Resource, n Property, want int, origin string) {
	if v, _ := n.Number(); !n.Unknown() && v != float64(want) {
		p.fault(r, n, fmt.Sprintf("%d (%s)", want, origin))
	}
}

func hpaTargets(r Resource, t Thresholds, p *Report) {
	metrics := r.At("spec", "metrics")
	most := map[string]int{"cpu": t.SLO.HPA.CPUPercent, "memory": t.SLO.HPA.MemoryPercent}
	cpu := metrics.Undecided()
	for _, m := range metrics.Each() {
		name, target := m.At("resource", "name").Text(), m.At("resource", "target", "averageUtilization")
		cpu = cpu || name == "cpu"
		if v, ok := target.Number(); ok && most[name] > 0 && v > float64(most[name]) {
			p.fault(r, target, fmt.Sprintf("at most %d (ragscale:slo.hpa.%sPercent)", most[name], name))
		}
	}
	if !cpu {
		p.about(r, metrics.Path, "without CPU", "a target for CPU")
	}
}

func hpaBelowAlarm(s Stack, t Thresholds, p *Report) {
	objectives := map[string]float64{"cpu": t.SLO.CPUPercent, "memory": t.SLO.MemoryPercent}
	for _, w := range scaled(s) {
		hpa := autoscalersOf(s, w)[0]
		for _, m := range hpa.At("spec", "metrics").Each() {
			name, target := m.At("resource", "name").Text(), m.At("resource", "target", "averageUtilization")
			v, known := target.Number()
			if most := objectives[name]; known && most > 0 && v >= most && limitedToRequests(w, name) {
				p.fault(hpa, target, fmt.Sprintf("less than %v (ragscale:slo.%sPercent)", most, name))
			}
		}
	}
}

// limitedToRequests tells whether no container of a workload may use more of a resource than it requests.
func limitedToRequests(w Resource, name string) bool {
	above := func(c Property) bool {
		request, requested := quantity(c.At("resources", "requests", name))
		limit, limited := quantity(c.At("resources", "limits", name))
		return !requested || !limited || limit > request
	}
	all := podSpec(w).At("containers").Each()
	return len(all) > 0 && !slices.ContainsFunc(all, above)
}

// hpaSteady counts Kubernetes' defaults: 0 s up, 300 s down.
func hpaSteady(r Resource, _ Thresholds, p *Report) {
	up := r.At("spec", "behavior", "scaleUp", "stabilizationWindowSeconds")
	if v, ok := up.Number(); ok && v > mostUpSeconds {
		p.fault(r, up, fmt.Sprintf("at most %d", mostUpSeconds))
	}
	down := r.At("spec", "behavior", "scaleDown", "stabilizationWindowSeconds")
	if v, ok := down.Number(); ok && v < leastDownSeconds {
		p.fault(r, down, fmt.Sprintf("at least %d", leastDownSeconds))
	}
}

func hpaOwnsReplicas(s Stack, _ Thresholds, p *Report) {
	for _, w := range scaled(s) {
		if replicas := w.At("spec", "replicas"); !replicas.Absent() && !replicas.Unknown() {
			p.fault(w, replicas, "nothing: an autoscaler owns it")
		}
	}
}

func vpaMode(r Resource, _ Thresholds, p *Report) {
	p.isOneOf(r, r.At("spec", "updatePolicy", "updateMode"), kubernetes.VPAModes...)
}

func oneAutoscaler(s Stack, _ Thresholds, p *Report) {
	for _, w := range scaled(s) {
		hpas := autoscalersOf(s, w)
		if len(hpas) > 1 {
			p.about(hpas[1], "spec.scaleTargetRef", "the target of another autoscaler too", "one autoscaler per workload")
		}
		for _, vpa := range s.OfType(vpaType) {
			if targets(vpa, vpa.At("spec", "targetRef"), w) {
				sharedResources(vpa, hpas[0], p)
			}
		}
	}
}

func vectorStoreAlone(s Stack, _ Thresholds, p *Report) {
	for _, w := range s.OfType(servers...) {
		if !slices.ContainsFunc(containers(w), func(c Property) bool { return program(c) == "chroma" }) {
			continue
		}
		if n, known := w.At("spec", "replicas").Number(); known && n > 1 {
			p.fault(w, w.At("spec", "replicas"), "1")
		}
		for _, hpa := range autoscalersOf(s, w) {
			p.about(hpa, "spec.scaleTargetRef", "the Chroma server", "a workload that may run twice")
		}
	}
}

// sharedResources reports what both autoscalers act on. A VPA controls CPU and memory unless it says less.
func sharedResources(vpa, hpa Resource, p *Report) {
	mode := vpa.At("spec", "updatePolicy", "updateMode")
	if mode.Unknown() || mode.Text() == kubernetes.VPAOff || vpa.At("spec", "resourcePolicy").Undecided() {
		return
	}
	var measured []string
	for _, m := range hpa.At("spec", "metrics").Each() {
		measured = append(measured, m.At("resource", "name").Text())
	}
	for _, c := range vpa.At("spec", "resourcePolicy", "containerPolicies").Each() {
		controlled := c.At("controlledResources")
		if controlled.Absent() || slices.ContainsFunc(controlled.texts(),
			func(r string) bool { return slices.Contains(measured, r) }) {
			p.fault(vpa, controlled, "resources that the HPA does not measure, or updateMode Off")
		}
	}
	if len(vpa.At("spec", "resourcePolicy", "containerPolicies").Each()) == 0 {
		p.fault(vpa, mode, "Off: the HPA measures what it controls")
	}
}

func scaledIsSpread(s Stack, _ Thresholds, p *Report) {
	for _, w := range scaled(s) {
		spread := podSpec(w).At("topologySpreadConstraints")
		if spread.Undecided() {
			continue
		}
		var keys []string
		for _, c := range spread.Each() {
			keys = append(keys, c.At("topologyKey").Text())
		}
		for _, want := range []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"} {
			if !slices.Contains(keys, want) {
				p.about(w, spread.Path, "without "+want, "a constraint for it")
			}
		}
	}
}
