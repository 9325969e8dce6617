package platform

import (
	"github.com/ragscale/ragscale/components/autoscaling"
	"github.com/ragscale/ragscale/components/cluster"
	"github.com/ragscale/ragscale/components/network"
)

func (p *platform) networkArgs() network.Args {
	cfg := p.cfg
	return network.Args{
		Region:               cfg.Region,
		CIDR:                 cfg.Network.CIDR,
		Zones:                cfg.ZoneNames(),
		NATGateways:          network.NATGateways(cfg.Network.NATGateways),
		ClusterName:          p.name,
		VPCEndpoints:         cfg.Network.VPCEndpoints,
		FlowLogRetentionDays: cfg.Network.FlowLogRetentionDays,
		Tags:                 cfg.ResourceTags(),
	}
}

func (p *platform) clusterArgs() cluster.Args {
	cfg := p.cfg
	return cluster.Args{
		Name:               p.name,
		Version:            cfg.Versions.Kubernetes,
		Region:             cfg.Region,
		VPCID:              p.network.VPCID,
		PrivateSubnetIDs:   p.network.PrivateSubnetIDs,
		PublicAccessCIDRs:  cfg.Cluster.PublicAccessCIDRs,
		PrivateAccessCIDRs: cfg.Cluster.PrivateAccessCIDRs,
		AdminPrincipalARNs: cfg.Cluster.AdminPrincipalARNs,
		LogRetentionDays:   cfg.Cluster.LogRetentionDays,
		DeletionProtection: cfg.Cluster.DeletionProtection,
		NodeGroups:         p.nodeGroups(),
		AddonVersions:      cfg.Versions.Addons,
		LoadBalancerController: cluster.LoadBalancerController{
			ChartVersion: cfg.Versions.Charts["aws-load-balancer-controller"],
		},
		Tags: cfg.ResourceTags(),
	}
}

// taintEffects translates Kubernetes' words, which the configuration uses, into EKS's.
var taintEffects = map[string]string{
	"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE",
}

func (p *platform) nodeGroups() []cluster.NodeGroup {
	var groups []cluster.NodeGroup
	for _, name := range p.cfg.NodeGroupNames() {
		g := p.cfg.Cluster.NodeGroups[name]
		var taints []cluster.Taint
		for _, t := range g.Taints {
			taints = append(taints, cluster.Taint{Key: t.Key, Value: t.Value, Effect: taintEffects[t.Effect]})
		}
		groups = append(groups, cluster.NodeGroup{
			Name: name, InstanceTypes: g.InstanceTypes, CapacityType: g.CapacityType,
			Min: g.Min, Max: g.Max, Desired: g.Desired, DiskGiB: g.DiskGiB, Labels: g.Labels, Taints: taints,
		})
	}
	return groups
}

func (p *platform) autoscalingArgs() autoscaling.Args {
	nodes := p.cfg.NodeScaling()
	pods, each := p.cfg.OverProvisioning()
	return autoscaling.Args{
		ClusterName: p.name,
		Region:      p.cfg.Region,
		DependsOn:   p.cluster.Ready,
		Nodes: autoscaling.Nodes{
			ChartVersion:                  p.cfg.Versions.Charts["cluster-autoscaler"],
			KubernetesVersion:             p.cfg.Versions.Kubernetes,
			ImageTag:                      p.cfg.Versions.Autoscaler,
			Priorities:                    nodes.Priorities,
			ScaleDownUnneededSeconds:      nodes.ScaleDownUnneededSeconds,
			ScaleDownDelayAfterAddSeconds: nodes.ScaleDownDelayAfterAddSeconds,
			ScaleDownUtilization:          nodes.ScaleDownUtilization,
			MaxNodeProvisionSeconds:       nodes.MaxNodeProvisionSeconds,
		},
		Vertical: autoscaling.Vertical{
			ChartVersion: p.cfg.Versions.Charts["vertical-pod-autoscaler"], Acts: p.cfg.VerticalActs(),
		},
		Headroom: autoscaling.Headroom{
			Pods: pods, CPU: each.CPU.String(), Memory: each.Memory.String(), Image: p.cfg.Versions.Images["pause"],
		},
		Tags: p.cfg.ResourceTags(),
	}
}
