package stacks

import (
	"fmt"
	"slices"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/stacks/settings"
)

// nodeOverhead is what daemon sets take of every node. An estimate, on the safe side, of the add-ons' default requests:
// vpc-cni with its network policy agent 50m, kube-proxy 100m, EBS CSI node 30m and 120 MiB, CloudWatch agent 250m and
// 128 MiB, Fluent Bit 50m and 25 MiB, pod identity agent none; 2026-11. Compare with `kubectl describe node`.
var nodeOverhead = ec2.Capacity{CPUMilli: 500, MemoryBytes: 512 * catalogue.MiB, Pods: 8}

// workloadGroups are the node groups that the API and the worker may run on, in the order they fill.
var workloadGroups = []string{"api", "burst"}

// podsOf is a number of equal pods to place.
type podsOf struct {
	path  string // where their requests are configured
	noun  string
	count int
	each  Requests
	note  string // about the count
}

// surgeNote explains the pod that each deployment has above its replicas.
const surgeNote = " (one of them for a rolling update)"

// workloads are the pods at full scale. Each deployment has one more than its replicas: without room for a surge pod an
// update at full scale could not begin. Over-provisioning pods are not among them: they have an API pod's size and give
// way to any other.
func (c *Config) workloads() []podsOf {
	return []podsOf{
		{prefix + "api.requests", "API", c.SLO.HPA.MaxReplicas + 1, c.API.Requests, surgeNote},
		{prefix + "api.worker.requests", "worker", c.API.Worker.Max + 1, c.API.Worker.Requests, surgeNote},
		{prefix + "pgbouncer.requests", "PgBouncer", c.PgBouncer.Max + 1, c.PgBouncer.Requests, surgeNote},
		{prefix + "vectorStore.requests", "Chroma", 1, c.VectorStore.Requests, ""},
	}
}

// checkPlacement reports a pod that fits no node, and pods that do not fit the node groups at their maximum.
func (c *Config) checkPlacement(f *settings.Faults) {
	nodes := c.workloadNodes()
	for _, w := range c.workloads() {
		if empty := c.workloadNodes(); fits(w.each, empty) == 0 {
			f.Add(w.path, fmt.Sprintf("is cpu %s and memory %s, which fits no node of api or burst", w.each.CPU, w.each.Memory),
				"at most what their largest instance type can allocate: "+largest(empty))
			continue
		}
		if left := place(w, nodes); left > 0 {
			f.Add(prefix+"cluster.nodeGroups.api.max", fmt.Sprintf("is %d, where %d of %d %s pods%s find no place",
				c.Cluster.NodeGroups["api"].Max, left, w.count, w.noun, w.note),
				"more or larger nodes in api or burst, or fewer replicas")
		}
	}
}

// workloadNodes is the free capacity of every node that the API may run on, with its groups at their maximum.
func (c *Config) workloadNodes() []ec2.Capacity {
	var nodes []ec2.Capacity
	for _, name := range workloadGroups {
		if free, known := c.freeNode(name); known && !repels(c.Cluster.NodeGroups[name].Taints) {
			nodes = append(nodes, slices.Repeat([]ec2.Capacity{free}, c.Cluster.NodeGroups[name].Max)...)
		}
	}
	return nodes
}

// freeNode is what one node of a group has for pods beside the daemon sets. A group of several types counts with its
// first: all have the same shape. known = false if the group or its type is not declared, which is reported elsewhere.
func (c *Config) freeNode(group string) (free ec2.Capacity, known bool) {
	g, declared := c.Cluster.NodeGroups[group]
	if !declared || len(g.InstanceTypes) == 0 {
		return free, false
	}
	instance, err := ec2.Lookup(g.InstanceTypes[0])
	if err != nil {
		return free, false
	}
	free = instance.Allocatable()
	free.CPUMilli -= nodeOverhead.CPUMilli
	free.MemoryBytes -= nodeOverhead.MemoryBytes
	free.Pods -= nodeOverhead.Pods
	return free, true
}

func repels(taints []Taint) bool {
	for _, t := range taints {
		if t.Effect != "PreferNoSchedule" {
			return true
		}
	}
	return false
}

// place puts pods on the nodes, first fit, takes their capacity, and returns how many found no place.
func place(w podsOf, nodes []ec2.Capacity) int {
	left := w.count
	for i := range nodes {
		n := min(left, fits(w.each, nodes[i:i+1]))
		nodes[i].CPUMilli -= int64(n) * int64(w.each.CPU)
		nodes[i].MemoryBytes -= int64(n) * int64(w.each.Memory)
		nodes[i].Pods -= n
		left -= n
	}
	return left
}

// fits is the number of pods that fit the roomiest of the nodes.
func fits(each Requests, nodes []ec2.Capacity) int {
	most := 0
	for _, n := range nodes {
		byCPU := max(0, n.CPUMilli) / int64(each.CPU)
		byMemory := max(0, n.MemoryBytes) / int64(each.Memory)
		most = max(most, int(min(byCPU, byMemory, int64(n.Pods))))
	}
	return most
}

func largest(nodes []ec2.Capacity) string {
	var cpu, memory int64
	for _, n := range nodes {
		cpu, memory = max(cpu, n.CPUMilli), max(memory, n.MemoryBytes)
	}
	return fmt.Sprintf("cpu %dm and memory %dMi", cpu, memory/catalogue.MiB)
}
