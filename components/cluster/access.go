package cluster

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
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

// principalKey is unique for each principal: "123456789012-role-admins" of arn:aws:iam::123456789012:role/admins.
func principalKey(arn string) string {
	_, principal, _ := strings.Cut(arn, ":iam::")
	return strings.NewReplacer(":", "-", "/", "-").Replace(principal)
}
