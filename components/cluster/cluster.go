// Package cluster declares the EKS cluster that the workloads run on.
//
// Owns: the control plane with its key, log group and role, who may log in, add-ons, node groups with their launch
// templates and the tags that let an autoscaler start them from zero, the Kubernetes provider, and the AWS Load
// Balancer Controller.
//
// Does not own: the network it stands in, the autoscaler itself, and everything that runs in namespaces of its own.
//
// Roles reach pods by pod identity: the cluster has no OIDC provider.
package cluster

import (
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:cluster:Cluster"

// Cluster is the declared cluster.
type Cluster struct {
	pulumi.ResourceState

	Name                 pulumi.StringOutput
	ARN, Endpoint        pulumi.StringOutput
	CertificateAuthority pulumi.StringOutput // base64 of PEM, as EKS gives it
	// Kubeconfig is secret. It holds no credentials: it has the reader's own AWS identity fetch a token.
	Kubeconfig pulumi.StringOutput
	// SecurityGroupID is the one that EKS makes and gives to nodes and pods.
	SecurityGroupID pulumi.StringOutput
	NodeRoleARN     pulumi.StringOutput
	// Provider talks to this cluster. Objects declared with it are applied server-side.
	Provider *kubernetes.Provider
	// Ready is what a workload must depend on: nodes to run on, DNS and metrics, and the load balancer controller.
	// It also keeps a destroy in order: workloads, controller, nodes, network.
	Ready []pulumi.Resource
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx          *pulumi.Context
	name         string
	args         Args
	parent       pulumi.ResourceOption
	controlPlane *eks.Cluster
}

// New declares the cluster. Faults of args are reported all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	args = args.withDefaults()
	if err := validate(name, args); err != nil {
		return nil, err
	}
	c := &Cluster{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(c)}
	return component.Declare(ctx, typeToken, name, c, opts, d.declare, (*Cluster).outputs)
}

func (c *Cluster) outputs() pulumi.Map {
	return pulumi.Map{
		"name":                 c.Name,
		"arn":                  c.ARN,
		"endpoint":             c.Endpoint,
		"certificateAuthority": c.CertificateAuthority,
		"kubeconfig":           c.Kubeconfig,
		"securityGroupId":      c.SecurityGroupID,
		"nodeRoleArn":          c.NodeRoleARN,
	}
}

func (d *declaration) declare(c *Cluster) error {
	var err error
	if d.controlPlane, err = d.eksCluster(); err != nil {
		return err
	}
	if err := d.accessEntries(); err != nil {
		return err
	}
	reachable, err := d.privateAccess()
	if err != nil {
		return err
	}
	before, err := d.addons(beforeNodes, nil)
	if err != nil {
		return err
	}
	role, granted, err := d.nodeRole()
	if err != nil {
		return err
	}
	nodes, err := d.nodeGroups(role, slices.Concat(granted, before))
	if err != nil {
		return err
	}
	after, err := d.addons(afterNodes, nodes)
	if err != nil {
		return err
	}
	running := slices.Concat(nodes, after)
	d.outputs(c)
	c.NodeRoleARN = role.Arn
	if c.Provider, err = d.provider(c.Kubeconfig, reachable); err != nil {
		return err
	}
	controller, err := d.loadBalancerController(c.Provider, running)
	if err != nil {
		return err
	}
	c.Ready = slices.Concat(running, []pulumi.Resource{controller})
	return nil
}

func (d *declaration) outputs(c *Cluster) {
	c.Name = d.controlPlane.Name
	c.ARN, c.Endpoint = d.controlPlane.Arn, d.controlPlane.Endpoint
	c.CertificateAuthority = d.controlPlane.CertificateAuthority.Data().Elem()
	c.SecurityGroupID = d.controlPlane.VpcConfig.ClusterSecurityGroupId().Elem()
	c.Kubeconfig = kubeconfig(d.args.Region, c.Name, c.Endpoint, c.CertificateAuthority)
}

// tags of one resource: the caller's, what it belongs to and its name.
func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "cluster", d.name+suffix)
}
