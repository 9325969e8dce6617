package cluster

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args says what the cluster is. Everything plain is checked before anything is declared.
type Args struct {
	// Name of the EKS cluster: the one that subnets are tagged with. Changing it replaces the cluster.
	Name string
	// Version is the Kubernetes minor, "1.36". It can be raised by one at a time, never lowered.
	Version string
	// Region is the AWS region of the provider.
	Region string
	// VPCID and PrivateSubnetIDs hold control plane interfaces, nodes and pods: two subnets or more.
	VPCID            pulumi.StringInput
	PrivateSubnetIDs pulumi.StringArray

	// PublicAccessCIDRs may reach the API server from the internet. Empty: only the VPC can.
	PublicAccessCIDRs []string
	// PrivateAccessCIDRs may reach the API server's private endpoint: the VPC's own range, networks that are peered with
	// it or come through a VPN. Empty: only nodes and pods can. Port 443 of the cluster's security group opens for them,
	// which nodes and pods have too.
	PrivateAccessCIDRs []string
	// AdminPrincipalARNs are IAM roles and users who administer the cluster, besides whoever creates it: the creator
	// has that right by itself and must not be listed (AWS answers 409).
	AdminPrincipalARNs []string
	// LogRetentionDays of the logs of control plane, nodes and pods, one of CloudWatch's periods.
	LogRetentionDays int
	// DeletionProtection protects cluster and key in Pulumi: EKS objects are data.
	DeletionProtection bool

	// NodeGroups are at least one; one of them without taints and with nodes at all times.
	NodeGroups []NodeGroup
	// AddonVersions pins every add-on ("coredns" -> "v1.13.2-eksbuild.1"): exactly those that AddonNames lists.
	AddonVersions map[string]string
	// LoadBalancerController binds pods to target groups.
	LoadBalancerController LoadBalancerController

	Tags map[string]string
}

// NodeGroup is a managed group of like nodes. Changing types, disk or capacity makes new nodes first, then drains the
// old.
type NodeGroup struct {
	// Name is short, lower-case and unique: "system", "api".
	Name string
	// InstanceTypes are of one architecture. Spot groups should name several: more pools, fewer interruptions.
	InstanceTypes []string
	// CapacityType is ON_DEMAND (default) or SPOT.
	CapacityType string
	// Min and Max bound the autoscaler, which owns the size: Desired counts at creation only.
	Min, Max, Desired int
	// DiskGiB of the encrypted gp3 volume for images, logs and emptyDir: 20 to 65536.
	DiskGiB int
	Labels  map[string]string
	Taints  []Taint
	// AMIType is EKS's, of the instance types' architecture. Default: Amazon Linux 2023.
	AMIType string
}

// Taint keeps pods off a group's nodes unless they tolerate it.
type Taint struct {
	Key, Value string
	// Effect as EKS spells it: NO_SCHEDULE, PREFER_NO_SCHEDULE or NO_EXECUTE.
	Effect string
}

// LoadBalancerController is the AWS Load Balancer Controller's Helm release.
type LoadBalancerController struct {
	// ChartVersion of aws-load-balancer-controller in https://aws.github.io/eks-charts, "1.14.0".
	ChartVersion string
	// Replicas of the controller, of which one works and the others wait. Default 2.
	Replicas int
}

func (a Args) withDefaults() Args {
	a.NodeGroups = slices.Clone(a.NodeGroups)
	for i := range a.NodeGroups {
		g := &a.NodeGroups[i]
		if g.CapacityType == "" {
			g.CapacityType = onDemand
		}
		if g.AMIType == "" && len(g.InstanceTypes) > 0 {
			g.AMIType = defaultAMITypes[architecture(g.InstanceTypes[0])]
		}
	}
	if a.LoadBalancerController.Replicas == 0 {
		a.LoadBalancerController.Replicas = 2
	}
	return a
}
