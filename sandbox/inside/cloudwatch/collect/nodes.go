package collect

import "github.com/ragscale/ragscale/catalogue/ec2"

// insights is the add-on without which Container Insights has no metrics.
const insights = "amazon-cloudwatch-observability"

// nodes measures the cluster's nodes as Container Insights does: a value of each node, whose statistics over the cluster
// are asked for. What a node uses is what its containers do: there is nothing else on it. Its disk is no other's than
// the machine's, and is not measured.
func (m measurement) nodes() (faults []error) {
	if _, watched := m.owner("aws:eks/addon:Addon", insights); !watched || m.cfg.Cluster == nil {
		return nil
	}
	cluster, nodes := m.cfg.Cluster(m.table)
	r, known := m.owner("aws:eks/cluster:Cluster", cluster)
	if !known {
		return nil
	}
	s := subject{m, r.Region, "ContainerInsights", [][]string{{"ClusterName", cluster}}, &faults}
	if m.firstOfMinute() {
		count, failed, err := m.cfg.Nodes(m.ctx)
		if err == nil {
			s.put("cluster_node_count", float64(count))
			s.put("cluster_failed_node_count", float64(failed))
		}
		faults = append(faults, err)
	}
	for _, n := range nodes {
		kind, err := ec2.Lookup(n.InstanceType)
		if err != nil {
			continue
		}
		s.cpu("node_cpu_utilization", n.Name, n.CPU, kind.VCPU)
		s.put("node_memory_utilization", min(100*float64(n.Memory)/float64(kind.Capacity().MemoryBytes), 100))
	}
	return faults
}
