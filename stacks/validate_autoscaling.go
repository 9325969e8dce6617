package stacks

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/stacks/settings"
)

// checkVertical refuses a vertical autoscaler that acts where a horizontal one does: more pods lower the use that the
// one sees, smaller pods raise the use that the other sees, and neither comes to rest.
func (c *Config) checkVertical(f *settings.Faults) {
	vertical := c.Autoscaling.Vertical.byName()
	for _, name := range slices.Sorted(maps.Keys(vertical)) {
		v, path := vertical[name], settings.At(prefix+"autoscaling.vertical", name)
		for i, resource := range v.Resources {
			if slices.Contains(v.Resources[:i], resource) {
				f.Add(fmt.Sprintf("%s.resources[%d]", path, i), settings.Show(resource)+" again", "each resource once")
			}
			if v.Mode != kubernetes.VPAOff && slices.Contains(c.horizontal(name), resource) {
				f.Add(path+".mode", fmt.Sprintf("is %q for %s, which the horizontal autoscaler acts on", v.Mode, resource),
					c.remedy(name))
			}
		}
	}
}

// remedy says what a workload with a horizontal autoscaler may have.
func (c *Config) remedy(workload string) string {
	if slices.Contains(c.horizontal(workload), "memory") {
		return "Off, or resources [memory] with slo.hpa.memoryPercent 0"
	}
	return "Off, or resources [memory]"
}

// checkNodeTargets keeps the horizontal autoscaler's targets below the alarms on nodes. The targets are percent of
// requests and the alarms percent of a node, so they are compared on the node that API pods fill most: with every pod
// at its target, and all else on the node no fuller than that,
//
//	use = target × (pods × request + daemon sets + what the kubelet keeps) / capacity
//
// A target whose use is at the alarm raises it on every busy day.
func (c *Config) checkNodeTargets(f *settings.Faults) {
	var nodes []packedNode
	for _, name := range workloadGroups {
		if packed, known := c.packedNode(name); known {
			nodes = append(nodes, packed)
		}
	}
	if len(nodes) == 0 {
		return // reported where the groups are configured
	}
	cpu := slices.MaxFunc(nodes, func(a, b packedNode) int { return cmp.Compare(a.cpuShare, b.cpuShare) })
	cpu.compare(f, "cpu", c.SLO.HPA.CPUPercent, c.SLO.CPUPercent, cpu.cpuShare)
	memory := slices.MaxFunc(nodes, func(a, b packedNode) int { return cmp.Compare(a.memoryShare, b.memoryShare) })
	memory.compare(f, "memory", c.SLO.HPA.MemoryPercent, c.SLO.MemoryPercent, memory.memoryShare)
}

// packedNode is a node as full of API pods as the scheduler makes it: the share of its capacity that requests hold,
// with what daemon sets and the kubelet keep.
type packedNode struct {
	group                 string
	pods                  int
	cpuShare, memoryShare float64
}

func (c *Config) packedNode(group string) (packedNode, bool) {
	free, known := c.freeNode(group)
	if !known {
		return packedNode{}, false
	}
	instance, err := ec2.Lookup(c.Cluster.NodeGroups[group].InstanceTypes[0])
	pods := fits(c.API.Requests, []ec2.Capacity{free})
	if err != nil || pods == 0 {
		return packedNode{}, false // reported where it is configured, or by checkPlacement
	}
	capacity := instance.Capacity()
	share := func(request, free, capacity int64) float64 {
		return float64(int64(pods)*request+capacity-free) / float64(capacity)
	}
	return packedNode{
		group: group, pods: pods,
		cpuShare:    share(int64(c.API.Requests.CPU), free.CPUMilli, capacity.CPUMilli),
		memoryShare: share(int64(c.API.Requests.Memory), free.MemoryBytes, capacity.MemoryBytes),
	}, true
}

func (p packedNode) compare(f *settings.Faults, resource string, target int, alarm, share float64) {
	if float64(target)*share < alarm {
		return
	}
	most := int(math.Ceil(alarm/share)) - 1
	f.Add(prefix+"slo.hpa."+resource+"Percent", settings.Show(target),
		fmt.Sprintf("at most %d: with %d API pods at that target a node of %s is at %.0f %% of its %s, and the alarm is at "+
			"slo.%sPercent, %v",
			most, p.pods, p.group, float64(target)*share, resource, resource, alarm))
}
