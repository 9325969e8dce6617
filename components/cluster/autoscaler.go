package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// autoscalerTags tags a node group's autoscaling group (tags of the node group do not reach it): the first two let
// cluster-autoscaler find it, the others describe a node while there is none to look at.
func (d *declaration) autoscalerTags(g NodeGroup, group *eks.NodeGroup) error {
	asg := autoscalingGroup(group)
	tags := scalingTags(d.args.Name, g)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		_, err := autoscaling.NewTag(d.ctx, fmt.Sprintf("%s-%s-%s", d.name, g.Name, tagName(key)), &autoscaling.TagArgs{
			AutoscalingGroupName: asg,
			Tag: &autoscaling.TagTagArgs{
				Key: pulumi.String(key), Value: pulumi.String(tags[key]),
				// Instances need none of them.
				PropagateAtLaunch: pulumi.Bool(false),
			},
		}, d.parent)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// autoscalingGroup is the name of the one group that EKS makes for a node group.
func autoscalingGroup(group *eks.NodeGroup) pulumi.StringOutput {
	return group.Resources.ApplyT(func(resources []eks.NodeGroupResource) (string, error) {
		for _, r := range resources {
			for _, asg := range r.AutoscalingGroups {
				if asg.Name != nil {
					return *asg.Name, nil
				}
			}
		}
		return "", fmt.Errorf("node group reports no autoscaling group, want one")
	}).(pulumi.StringOutput)
}

// scalingTags are what cluster-autoscaler reads. It takes CPU and memory from the instance type; it knows neither the
// disk nor what the kubelet will set.
// Source: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md ; read
// 2026-11-23.
func scalingTags(cluster string, g NodeGroup) map[string]string {
	const prefix = "k8s.io/cluster-autoscaler/"
	tags := map[string]string{
		// The values are those that EKS itself sets, so that neither undoes the other.
		prefix + "enabled": "true",
		prefix + cluster:   "owned",
		prefix + "node-template/resources/ephemeral-storage":          fmt.Sprintf("%dGi", g.DiskGiB),
		prefix + "node-template/label/eks.amazonaws.com/capacityType": g.CapacityType,
	}
	for key, value := range g.Labels {
		tags[prefix+"node-template/label/"+key] = value
	}
	for _, t := range g.Taints {
		tags[prefix+"node-template/taint/"+t.Key] = t.Value + ":" + taintEffects[t.Effect]
	}
	return tags
}

// tagName is the part of a tag's key that tells a group's tags apart.
func tagName(key string) string {
	key = strings.TrimPrefix(key, "k8s.io/cluster-autoscaler/")
	key = strings.TrimPrefix(key, "node-template/")
	return strings.ReplaceAll(key, "/", "-")
}
