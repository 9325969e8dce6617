package cluster

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue"
)

// nodeRole lets nodes join and pull images, and no more: pods have roles of their own, the network add-on included.
func (d *declaration) nodeRole() (*iam.Role, []pulumi.Resource, error) {
	return d.role(roleSpec{
		suffix:      "-node",
		description: "Nodes of cluster " + d.args.Name,
		trust:       trustService("ec2.amazonaws.com", "sts:AssumeRole"),
		managed:     []string{catalogue.EKSWorkerNodePolicy, catalogue.ECRPullPolicy},
	})
}

// nodeGroups declares the groups, after the resources without which their nodes would not become ready.
func (d *declaration) nodeGroups(role *iam.Role, after []pulumi.Resource) ([]pulumi.Resource, error) {
	var groups []pulumi.Resource
	for _, g := range d.args.NodeGroups {
		template, err := d.launchTemplate(g)
		if err != nil {
			return nil, fmt.Errorf("launch template of node group %s: %w", g.Name, err)
		}
		group, err := d.nodeGroup(g, role, template, after)
		if err != nil {
			return nil, fmt.Errorf("node group %s: %w", g.Name, err)
		}
		if err := d.autoscalerTags(g, group); err != nil {
			return nil, fmt.Errorf("autoscaler tags of node group %s: %w", g.Name, err)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

func (d *declaration) nodeGroup(g NodeGroup, role *iam.Role, template *ec2.LaunchTemplate,
	after []pulumi.Resource) (*eks.NodeGroup, error) {
	suffix := "-" + g.Name
	// Its autoscaling group rebalances zones (AZRebalance), ending nodes that are in use. No argument of a managed group
	// says otherwise (https://github.com/aws/containers-roadmap/issues/1453 ; read 2026-11-29): docs/first-up.md has the
	// command, and what holds without it.
	// The name is left to Pulumi: a change that replaces the group then makes the new one first.
	return eks.NewNodeGroup(d.ctx, d.name+suffix, &eks.NodeGroupArgs{
		ClusterName:   d.controlPlane.Name,
		NodeRoleArn:   role.Arn,
		SubnetIds:     d.args.PrivateSubnetIDs,
		AmiType:       pulumi.String(g.AMIType),
		CapacityType:  pulumi.String(g.CapacityType),
		InstanceTypes: pulumi.ToStringArray(g.InstanceTypes),
		Version:       d.controlPlane.Version,
		LaunchTemplate: &eks.NodeGroupLaunchTemplateArgs{
			Id: template.ID(),
			// $Latest would be a difference on every refresh.
			Version: template.LatestVersion.ApplyT(strconv.Itoa).(pulumi.StringOutput),
		},
		ScalingConfig: &eks.NodeGroupScalingConfigArgs{
			MinSize: pulumi.Int(g.Min), MaxSize: pulumi.Int(g.Max), DesiredSize: pulumi.Int(g.Desired),
		},
		// A third at a time: an update of 9 nodes takes 3 rounds and never costs more than the headroom.
		UpdateConfig:     &eks.NodeGroupUpdateConfigArgs{MaxUnavailablePercentage: pulumi.Int(33)},
		NodeRepairConfig: &eks.NodeGroupNodeRepairConfigArgs{Enabled: pulumi.Bool(true)},
		Labels:           pulumi.ToStringMap(g.Labels),
		Taints:           eksTaints(g.Taints),
		Tags:             d.tags(suffix),
	}, d.parent, pulumi.DependsOn(after),
		// The autoscaler owns it.
		pulumi.IgnoreChanges([]string{"scalingConfig.desiredSize"}))
}

func eksTaints(taints []Taint) eks.NodeGroupTaintArray {
	var list eks.NodeGroupTaintArray
	for _, t := range taints {
		list = append(list, &eks.NodeGroupTaintArgs{
			Key: pulumi.String(t.Key), Value: pulumi.String(t.Value), Effect: pulumi.String(t.Effect),
		})
	}
	return list
}

// launchTemplate declares what EKS leaves to its user: disks, metadata service and tags of instances.
func (d *declaration) launchTemplate(g NodeGroup) (*ec2.LaunchTemplate, error) {
	suffix := "-" + g.Name
	instanceTags := d.tags(suffix)
	var specifications ec2.LaunchTemplateTagSpecificationArray
	for _, kind := range []string{"instance", "network-interface", "volume"} {
		specifications = append(specifications, &ec2.LaunchTemplateTagSpecificationArgs{
			ResourceType: pulumi.String(kind), Tags: instanceTags,
		})
	}
	return ec2.NewLaunchTemplate(d.ctx, d.name+suffix, &ec2.LaunchTemplateArgs{
		Description: pulumi.String("Nodes of group " + g.Name + " of cluster " + d.args.Name),
		MetadataOptions: &ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"),
			HttpTokens:   pulumi.String("required"), // IMDSv2
			// 1 keeps pods from the node's role: an answer does not survive the hop into their network. Pods get roles
			// by pod identity, which is another address; agents that read metadata run in the node's network. The EBS driver's
			// node pods fall back to Kubernetes' own metadata, which counts interfaces and volumes roughly: `kubectl get
			// csinode` would show by how much.
			HttpPutResponseHopLimit: pulumi.Int(1),
		},
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{&ec2.LaunchTemplateBlockDeviceMappingArgs{
			DeviceName: pulumi.String(images[g.AMIType].dataDevice),
			Ebs: &ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				VolumeType: pulumi.String("gp3"),
				VolumeSize: pulumi.Int(g.DiskGiB),
				// With AWS's key for EBS: a key of our own would have to let the autoscaling service in.
				Encrypted:           pulumi.String("true"),
				DeleteOnTermination: pulumi.String("true"),
			},
		}},
		TagSpecifications:    specifications,
		UpdateDefaultVersion: pulumi.Bool(true),
		Tags:                 instanceTags,
	}, d.parent)
}
