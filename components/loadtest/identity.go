package loadtest

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	serviceAccountName = "load-generator"
	podTrust           = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
)

// identity lets generators add results, and nothing else: neither read nor list nor delete. It returns the role and
// what pods wait for, since their identity is injected when they are created.
func (d *declaration) identity(bucket *s3.BucketV2) (*iam.Role, []pulumi.Resource, error) {
	account, err := corev1.NewServiceAccount(d.ctx, d.name+"-load", &corev1.ServiceAccountArgs{
		Metadata: d.metadata(serviceAccountName),
		// k6 does not call Kubernetes; Pod Identity mounts a token of its own.
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("service account: %w", err)
	}
	role, err := iam.NewRole(d.ctx, d.name+"-load", &iam.RoleArgs{
		Description:      pulumi.String("Load generators: they add their results to a bucket"),
		AssumeRolePolicy: pulumi.String(podTrust),
		Tags:             d.tags("-load"),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("pod role: %w", err)
	}
	policy, err := iam.NewRolePolicy(d.ctx, d.name+"-load", &iam.RolePolicyArgs{
		Role: role.Name,
		Policy: pulumi.JSONMarshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Sid": "AddResults", "Effect": "Allow", "Action": "s3:PutObject",
			"Resource": pulumi.Sprintf("%s/%s/*", bucket.Arn, resultsPrefix),
		}}}),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("policy of the pod role: %w", err)
	}
	association, err := eks.NewPodIdentityAssociation(d.ctx, d.name+"-load", &eks.PodIdentityAssociationArgs{
		ClusterName:    d.args.ClusterName.ToStringOutput(),
		Namespace:      d.namespace,
		ServiceAccount: pulumi.String(serviceAccountName),
		RoleArn:        role.Arn,
		Tags:           d.tags("-load"),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("pod identity: %w", err)
	}
	return role, []pulumi.Resource{account, policy, association}, nil
}
