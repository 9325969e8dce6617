package stacks

import (
	"maps"
	"slices"

	"github.com/ragscale/ragscale/catalogue/ec2"
)

// Places is what a node group offers the API's pods.
type Places struct {
	Group   string
	Node    NodeGroup
	VCPU    int
	EachFit int // pods of the API's size that find place on one node, beside the daemon sets
}

// Places are the node groups that the API runs on, in the order in which the cluster autoscaler asks them for more
// nodes. A group whose type is not known, or that repels the API, is left out.
func (c *Config) Places() []Places {
	var all []Places
	byName := map[string]Places{}
	for _, name := range workloadGroups {
		free, known := c.freeNode(name)
		group := c.Cluster.NodeGroups[name]
		if !known || repels(group.Taints) {
			continue
		}
		instance, err := ec2.Lookup(group.InstanceTypes[0])
		if err != nil {
			continue // freeNode knows it
		}
		byName[name] = Places{Group: name, Node: group, VCPU: instance.VCPU,
			EachFit: fits(c.API.Requests, []ec2.Capacity{free})}
	}
	priorities := c.NodeScaling().Priorities
	for _, priority := range slices.Backward(slices.Sorted(maps.Keys(priorities))) {
		for _, name := range priorities[priority] {
			if p, known := byName[name]; known {
				all = append(all, p)
			}
		}
	}
	return all
}
