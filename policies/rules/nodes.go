package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
)

const (
	nodeGroup      = "aws:eks/nodeGroup:NodeGroup"
	launchTemplate = "aws:ec2/launchTemplate:LaunchTemplate"

	poolLabel = "ragscale.io/pool"

	// loadPool is the nodes that load tests run on.
	loadPool = "loadtest"

	// leastSpotTypes is how many instance types a spot group names, so that one type's shortage does not stop it.
	leastSpotTypes = 3
)

var nodes = []Rule{
	{
		Name: "nodes-can-scale", Area: Nodes, Levels: onAWS,
		Says:   "Every node group can grow, and starts within its bounds.",
		Fix:    "Set min, desired and max of ragscale:cluster.nodeGroups so that min ≤ desired ≤ max and min < max.",
		Origin: "slo.hpa.maxReplicas needs nodes that are not there at rest",
		Types:  []string{nodeGroup}, Check: nodesCanScale,
	},
	{
		Name: "nodes-hold-full-scale", Area: Nodes, Levels: onAWS,
		Says:       "All pods of all autoscalers at their maximum fit the node groups at theirs, those of load tests apart.",
		Fix:        "Raise max of ragscale:cluster.nodeGroups, or lower ragscale:slo.hpa.maxReplicas.",
		Origin:     "throughputRPS is promised at full scale; requests against what the catalogue says a node can allocate",
		CheckStack: nodesHoldFullScale,
	},
	{
		Name: "autoscaler-owns-nodes", Area: Nodes, Levels: everywhere,
		Says:   "Updates leave the desired size of node groups to the cluster autoscaler.",
		Fix:    `Declare the node group with pulumi.IgnoreChanges([]string{"scalingConfig.desiredSize"}).`,
		Origin: "one owner per value",
		Types:  []string{nodeGroup}, Check: autoscalerOwnsNodes,
	},
	{
		Name: "node-type", Area: Nodes, Levels: production,
		Says:   "Nodes are of types in the catalogue, of one shape per group, and not burstable.",
		Fix:    "Choose other instanceTypes for the group in ragscale:cluster.nodeGroups.",
		Origin: "cpuPercent: a burstable node out of credits serves a fraction of it; sizing counts on one shape",
		Types:  []string{nodeGroup}, Check: nodeType,
	},
	{
		Name: "spot-has-choice", Area: Nodes, Levels: onAWS,
		Says:   fmt.Sprintf("Spot groups name at least %d instance types.", leastSpotTypes),
		Fix:    "Add types of the same vCPU, memory and architecture to the group's instanceTypes.",
		Origin: "throughputRPS: burst capacity must be there when it is asked for",
		Types:  []string{nodeGroup}, Check: spotHasChoice,
	},
	{
		Name: "base-on-demand", Area: Nodes, Levels: onAWS,
		Says:   "The nodes that must always be there are bought on demand.",
		Fix:    "Set capacityType ON_DEMAND for groups whose min is above 0.",
		Origin: "availabilityPercent: spot nodes go with two minutes' notice",
		Types:  []string{nodeGroup}, Check: baseOnDemand,
	},
	{
		Name: "loadtest-apart", Area: Nodes, Levels: everywhere,
		Says:   "Load generators have nodes of their own, which are not there between tests.",
		Fix:    "Give group loadtest the taint " + poolLabel + "=loadtest:NoSchedule and min 0.",
		Origin: "a generator on the API's nodes measures itself",
		Types:  []string{nodeGroup}, Check: loadtestApart,
	},
	{
		Name: "loadtest-pods-apart", Area: Nodes, Levels: onAWS,
		Says: "Load generators run on their own nodes only, and a test that failed is not run again by itself.",
		Fix: "Jobs that run k6: nodeSelector " + poolLabel +
			"=loadtest, a toleration of its taint, backoffLimit or backoffLimitPerIndex 0, restartPolicy Never.",
		Origin: "a generator on the API's nodes measures itself; a second run starts on what the first has left",
		Types:  []string{job, cronJob}, Check: loadtestPodsApart,
	},
	{
		Name: "loadtest-not-unattended", Area: Nodes, Levels: productions,
		Says: "No load test starts by itself in production, or without somebody who says that production is meant.",
		Fix: "Remove ragscale:loadTests.scenarios.<name>.schedule; to test production, make a run by hand: ragscale " +
			"load run.",
		Origin: "throughputRPS is the users'",
		Types:  []string{cronJob}, Check: loadtestNotUnattended,
	},
	{
		Name: "loadtest-thresholds", Area: Nodes, Levels: everywhere,
		Says: "A load test passes only within the objectives, and with no request left out.",
		Fix:  "Do not set thresholds in scenario.json: stacks derives them from ragscale:slo.",
		Origin: "slo.responseSeconds, complexSearchSeconds, uploadSecondsPerMB, availabilityPercent, recallPercent and " +
			"freshnessSeconds",
		Types: []string{configMap}, Check: loadtestThresholds,
	},
	{
		Name: "node-imdsv2", Area: Nodes, Levels: everywhere,
		Says:   "Nodes answer metadata requests with a session token only, and not to pods.",
		Fix:    "metadataOptions of the launch template: httpTokens required, httpPutResponseHopLimit 1.",
		Origin: "the node's role is not the pods' role",
		Types:  []string{launchTemplate}, Check: nodeIMDSv2,
	},
	{
		Name: "node-volume", Area: Nodes, Levels: everywhere,
		Says:   "Node volumes are encrypted gp3.",
		Fix:    "blockDeviceMappings.ebs of the launch template: encrypted true, volumeType gp3.",
		Origin: "encryption at rest; gp2 throttles when its credits are gone",
		Types:  []string{launchTemplate}, Check: nodeVolume,
	},
}

func nodesCanScale(r Resource, _ Thresholds, p *Report) {
	size := r.At("scalingConfig")
	least, leastKnown := size.At("minSize").Number()
	most, mostKnown := size.At("maxSize").Number()
	desired, desiredKnown := size.At("desiredSize").Number()
	if leastKnown && mostKnown && most <= least {
		p.fault(r, size.At("maxSize"), fmt.Sprintf("more than minSize (%v)", least))
	}
	if leastKnown && mostKnown && desiredKnown && (desired < least || desired > most) {
		p.fault(r, size.At("desiredSize"), fmt.Sprintf("%v to %v", least, most))
	}
}

func autoscalerOwnsNodes(r Resource, _ Thresholds, p *Report) {
	if !slices.ContainsFunc(r.IgnoreChanges,
		func(path string) bool { return path == "scalingConfig" || path == "scalingConfig.desiredSize" }) {
		p.about(r, "scalingConfig.desiredSize", "declared", "ignored in changes")
	}
}

func nodeType(r Resource, _ Thresholds, p *Report) {
	types := r.At("instanceTypes")
	var shapes []ec2.InstanceType
	for _, n := range types.Each() {
		if n.Unknown() {
			continue
		}
		t, err := ec2.Lookup(n.Text())
		switch {
		case err != nil:
			p.fault(r, n, "a type in the catalogue")
		case t.Burstable:
			p.fault(r, n, "a type that is not burstable")
		default:
			shapes = append(shapes, t)
		}
	}
	if len(types.Each()) == 0 && !types.Unknown() {
		p.fault(r, types, "instance types")
	}
	if !ec2.SameShape(shapes) {
		p.fault(r, types, "types of the same vCPU, memory and architecture")
	}
}

func nodesHoldFullScale(s Stack, _ Thresholds, p *Report) {
	cpu, memory, known := allocatable(s)
	if !known {
		return
	}
	var cores, bytes float64
	for _, w := range scaled(s) {
		pods, counted := autoscalersOf(s, w)[0].At("spec", "maxReplicas").Number()
		for _, c := range podSpec(w).At("containers").Each() {
			podCPU, hasCPU := quantity(c.At("resources", "requests", "cpu"))
			podMemory, hasMemory := quantity(c.At("resources", "requests", "memory"))
			if !counted || !hasCPU || !hasMemory {
				return
			}
			cores, bytes = cores+pods*podCPU, bytes+pods*podMemory
		}
	}
	if cores > cpu || bytes > memory {
		is := fmt.Sprintf("room for %.1f CPU and %.1f GiB", cpu, memory/float64(catalogue.GiB))
		p.about(Resource{}, "the nodes at full scale", is,
			fmt.Sprintf("%.1f CPU and %.1f GiB, which the pods request", cores, bytes/float64(catalogue.GiB)))
	}
}

// allocatable is what the pods of a stack may have on its node groups at their maximum: of the first type, since all of
// a group have one shape. known = false if there are none, or something of them is not known.
func allocatable(s Stack) (cpu, memory float64, known bool) {
	for _, group := range s.OfType(nodeGroup) {
		if group.At("labels", poolLabel).Text() == loadPool {
			continue
		}
		most, sized := group.At("scalingConfig", "maxSize").Number()
		types := group.At("instanceTypes").Each()
		if !sized || len(types) == 0 {
			return 0, 0, false
		}
		typ, err := ec2.Lookup(types[0].Text())
		if err != nil { // node-type names it
			return 0, 0, false
		}
		each := typ.Allocatable()
		cpu, memory, known = cpu+most*float64(each.CPUMilli)/1000, memory+most*float64(each.MemoryBytes), true
	}
	return cpu, memory, known
}

func isSpot(r Resource) bool { return r.At("capacityType").Text() == "SPOT" }

func spotHasChoice(r Resource, _ Thresholds, p *Report) {
	if types := r.At("instanceTypes"); isSpot(r) && !types.Unknown() && len(types.Each()) < leastSpotTypes {
		p.fault(r, types, fmt.Sprintf("at least %d types", leastSpotTypes))
	}
}

func baseOnDemand(r Resource, _ Thresholds, p *Report) {
	if least, known := r.At("scalingConfig", "minSize").Number(); isSpot(r) && known && least > 0 {
		p.fault(r, r.At("capacityType"), fmt.Sprintf("ON_DEMAND where minSize is above 0 (%v)", least))
	}
}

func loadtestApart(r Resource, _ Thresholds, p *Report) {
	if r.At("labels", poolLabel).Text() != loadPool {
		return
	}
	if least := r.At("scalingConfig", "minSize"); !least.Absent() {
		p.is(r, least, 0, "no node between tests")
	}
	taints := r.At("taints")
	if taints.Undecided() {
		return
	}
	for _, t := range taints.Each() {
		if t.At("effect").Text() == "NO_SCHEDULE" && strings.HasPrefix(t.At("key").Text(), "ragscale.io/") {
			return
		}
	}
	p.fault(r, taints, "a NO_SCHEDULE taint")
}

// loadtestPodsApart looks at what runs k6. A Job of several generators ends no other when one fails, and so says 0 for
// each index instead.
func loadtestPodsApart(r Resource, _ Thresholds, p *Report) {
	if !slices.ContainsFunc(containers(r), func(c Property) bool { return program(c) == "k6" }) {
		return
	}
	run := r.At("spec")
	if r.Type == cronJob {
		run = r.At("spec", "jobTemplate", "spec")
	}
	again := run.At("backoffLimit") // 6 unless said
	if each := run.At("backoffLimitPerIndex"); !each.Absent() {
		again = each
	}
	if n, said := again.Number(); !again.Unknown() && (!said || n != 0) {
		p.fault(r, again, "0")
	}
	p.isOneOf(r, podSpec(r).At("restartPolicy"), "Never")
	p.isOneOf(r, podSpec(r).At("nodeSelector", poolLabel), loadPool)
	tolerations := podSpec(r).At("tolerations")
	tolerated := func(t Property) bool { return t.At("key").Text() == poolLabel }
	if !tolerations.Undecided() && !slices.ContainsFunc(tolerations.Each(), tolerated) {
		p.fault(r, tolerations, "a toleration of "+poolLabel)
	}
}

func nodeIMDSv2(r Resource, _ Thresholds, p *Report) {
	options := r.At("metadataOptions")
	p.isOneOf(r, options.At("httpTokens"), "required")
	if hops := options.At("httpPutResponseHopLimit"); !hops.Absent() {
		p.is(r, hops, 1, "a pod is one hop further")
	}
}

func nodeVolume(r Resource, _ Thresholds, p *Report) {
	mappings := r.At("blockDeviceMappings")
	p.isSet(r, mappings, "an encrypted gp3 volume")
	for _, m := range mappings.Each() {
		p.isTrue(r, m.At("ebs", "encrypted"))
		p.isOneOf(r, m.At("ebs", "volumeType"), "gp3")
	}
}
