package cluster

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const clusterAdminPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

// accessEntries let the administrators in. The creator has no entry here, and neither have the nodes: EKS makes theirs.
func (d *declaration) accessEntries() error {
	for _, arn := range d.args.AdminPrincipalARNs {
		suffix := "-admin-" + principalKey(arn)
		entry, err := eks.NewAccessEntry(d.ctx, d.name+suffix, &eks.AccessEntryArgs{
			ClusterName:  d.controlPlane.Name,
			PrincipalArn: pulumi.String(arn),
			Type:         pulumi.String("STANDARD"),
			Tags:         d.tags(suffix),
		}, d.parent)
		if err != nil {
			return fmt.Errorf("access entry of %s: %w", arn, err)
		}
		_, err = eks.NewAccessPolicyAssociation(d.ctx, d.name+suffix, &eks.AccessPolicyAssociationArgs{
			ClusterName:  d.controlPlane.Name,
			PrincipalArn: entry.PrincipalArn,
			PolicyArn:    pulumi.String(clusterAdminPolicy),
			AccessScope:  &eks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
		}, d.parent)
		if err != nil {
			return fmt.Errorf("access policy of %s: %w", arn, err)
		}
	}
	return nil
}

// privateAccess opens the private endpoint. EKS's own rule lets in the cluster's security group alone, so that a
// bastion, a runner in the VPC or a network behind a VPN waits in vain without it.
// Source: https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html#private-access ; read 2026-11-29.
func (d *declaration) privateAccess() ([]pulumi.Resource, error) {
	var rules []pulumi.Resource
	for _, cidr := range d.args.PrivateAccessCIDRs {
		suffix := "-api-server-from-" + strings.ReplaceAll(cidr, "/", "-")
		rule, err := vpc.NewSecurityGroupIngressRule(d.ctx, d.name+suffix, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: d.controlPlane.VpcConfig.ClusterSecurityGroupId().Elem(),
			Description:     pulumi.String("Kubernetes API from " + cidr),
			CidrIpv4:        pulumi.String(cidr),
			IpProtocol:      pulumi.String("tcp"),
			FromPort:        pulumi.Int(443),
			ToPort:          pulumi.Int(443),
			Tags:            d.tags(suffix),
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("access from %s: %w", cidr, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// principalKey is unique for each principal: "123456789012-role-admins" of arn:aws:iam::123456789012:role/admins.
func principalKey(arn string) string {
	_, principal, _ := strings.Cut(arn, ":iam::")
	return strings.NewReplacer(":", "-", "/", "-").Replace(principal)
}
