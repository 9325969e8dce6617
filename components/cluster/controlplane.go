package cluster

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue"
)

// eksCluster declares the control plane with its key, log group and role.
func (d *declaration) eksCluster() (*eks.Cluster, error) {
	key, err := d.secretsKey()
	if err != nil {
		return nil, err
	}
	logs, err := d.logGroup("-control-plane", "/aws/eks/"+d.args.Name+"/cluster")
	if err != nil {
		return nil, err
	}
	role, granted, err := d.controlPlaneRole(key)
	if err != nil {
		return nil, err
	}
	cluster, err := eks.NewCluster(d.ctx, d.name, &eks.ClusterArgs{
		Name:      pulumi.String(d.args.Name),
		Version:   pulumi.String(d.args.Version),
		RoleArn:   role.Arn,
		VpcConfig: d.vpcConfig(),
		AccessConfig: &eks.ClusterAccessConfigArgs{
			AuthenticationMode: pulumi.String("API"),
			// The identity that runs Pulumi must be able to declare what is in the cluster. Changing it replaces
			// the cluster.
			BootstrapClusterCreatorAdminPermissions: pulumi.Bool(true),
		},
		// The add-ons below are the only source of vpc-cni, kube-proxy and coredns. Changing it replaces the cluster.
		BootstrapSelfManagedAddons: pulumi.Bool(false),
		EncryptionConfig: &eks.ClusterEncryptionConfigArgs{
			Provider:  &eks.ClusterEncryptionConfigProviderArgs{KeyArn: key.Arn},
			Resources: pulumi.ToStringArray([]string{"secrets"}),
		},
		EnabledClusterLogTypes: pulumi.ToStringArray([]string{"api", "audit", "authenticator", "controllerManager",
			"scheduler"}),
		// Extended support costs six times as much ($0.60 an hour for $0.10; https://aws.amazon.com/eks/pricing/ , read
		// 2026-11-23): let AWS upgrade at the end of standard support instead.
		UpgradePolicy: &eks.ClusterUpgradePolicyArgs{SupportType: pulumi.String("STANDARD")},
		// A failing zone can be taken out of the cluster's traffic.
		ZonalShiftConfig: &eks.ClusterZonalShiftConfigArgs{Enabled: pulumi.Bool(true)},
		Tags:             d.tags(""),
		// EKS would make the log group itself, without retention; and it needs the role's policies to clean up.
	}, d.parent, pulumi.Protect(d.args.DeletionProtection), pulumi.DependsOn(append(granted, logs)))
	if err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	return cluster, nil
}

func (d *declaration) vpcConfig() *eks.ClusterVpcConfigArgs {
	config := &eks.ClusterVpcConfigArgs{
		SubnetIds: d.args.PrivateSubnetIDs,
		// Nodes always use the private endpoint.
		EndpointPrivateAccess: pulumi.Bool(true),
		EndpointPublicAccess:  pulumi.Bool(len(d.args.PublicAccessCIDRs) > 0),
	}
	if len(d.args.PublicAccessCIDRs) > 0 {
		config.PublicAccessCidrs = pulumi.ToStringArray(d.args.PublicAccessCIDRs)
	}
	return config
}

// secretsKey encrypts Kubernetes Secrets in etcd. AWS's default key policy is kept: EKS uses the key through grants of
// whoever creates the cluster.
func (d *declaration) secretsKey() (*kms.Key, error) {
	const suffix = "-secrets"
	key, err := kms.NewKey(d.ctx, d.name+suffix, &kms.KeyArgs{
		Description:       pulumi.String("Kubernetes Secrets of cluster " + d.args.Name),
		EnableKeyRotation: pulumi.Bool(true),
		// The longest that KMS allows: without the key the cluster cannot start.
		DeletionWindowInDays: pulumi.Int(30),
		Tags:                 d.tags(suffix),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("secrets key: %w", err)
	}
	_, err = kms.NewAlias(d.ctx, d.name+suffix, &kms.AliasArgs{
		Name:        pulumi.String("alias/eks/" + d.args.Name + suffix),
		TargetKeyId: key.KeyId,
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("alias of the secrets key: %w", err)
	}
	return key, nil
}

// logGroup is one with the name that somebody else writes to and would make without retention.
func (d *declaration) logGroup(suffix, name string) (*cloudwatch.LogGroup, error) {
	group, err := cloudwatch.NewLogGroup(d.ctx, d.name+suffix, &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(name),
		RetentionInDays: pulumi.Int(d.args.LogRetentionDays),
		Tags:            d.tags(suffix),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("log group %s: %w", name, err)
	}
	return group, nil
}

// controlPlaneRole is EKS's own. It returns the grants too: nothing else names them.
func (d *declaration) controlPlaneRole(key *kms.Key) (*iam.Role, []pulumi.Resource, error) {
	const suffix = "-control-plane"
	role, granted, err := d.role(roleSpec{
		suffix:      suffix,
		description: "Control plane of cluster " + d.args.Name,
		trust:       trustService("eks.amazonaws.com", "sts:AssumeRole"),
		managed:     []string{catalogue.EKSClusterPolicy},
	})
	if err != nil {
		return nil, nil, err
	}
	useKey, err := iam.NewRolePolicy(d.ctx, d.name+suffix+"-key", &iam.RolePolicyArgs{
		Role: role.ID(),
		Policy: pulumi.JSONMarshal(allow(map[string]any{
			"Action":   []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"},
			"Resource": key.Arn,
		})),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("policy %s-key: %w", suffix, err)
	}
	return role, append(granted, useKey), nil
}
