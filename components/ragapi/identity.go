package ragapi

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const podTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`

// podIdentity is who the pods are in AWS.
type podIdentity struct {
	role *iam.Role
	// ready is what pods wait for: the identity is injected when a pod is created.
	ready []pulumi.Resource
}

// identity gives the pods' service account a role of its own by EKS Pod Identity. Without Args.Policies the role may do
// nothing, and pods still do not fall back to the node's role.
func (d *declaration) identity() (podIdentity, error) {
	account, err := corev1.NewServiceAccount(d.ctx, d.name, &corev1.ServiceAccountArgs{
		Metadata: d.metadata(serviceAccountName, ""),
		// The API does not call Kubernetes; Pod Identity mounts a token of its own.
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, d.parent)
	if err != nil {
		return podIdentity{}, fmt.Errorf("service account: %w", err)
	}
	role, err := iam.NewRole(d.ctx, d.name, &iam.RoleArgs{
		Description:      pulumi.String("Pods of the RAG API and its workers"),
		AssumeRolePolicy: pulumi.String(podTrust),
		Tags:             d.tags(""),
	}, d.parent)
	if err != nil {
		return podIdentity{}, fmt.Errorf("pod role: %w", err)
	}
	ready, err := d.rolePolicies(role)
	if err != nil {
		return podIdentity{}, err
	}
	association, err := eks.NewPodIdentityAssociation(d.ctx, d.name, &eks.PodIdentityAssociationArgs{
		ClusterName:    d.args.ClusterName.ToStringOutput(),
		Namespace:      d.namespace,
		ServiceAccount: pulumi.String(serviceAccountName),
		RoleArn:        role.Arn,
		Tags:           d.tags(""),
	}, d.parent)
	if err != nil {
		return podIdentity{}, fmt.Errorf("pod identity: %w", err)
	}
	return podIdentity{role: role, ready: append(ready, account, association)}, nil
}

func (d *declaration) rolePolicies(role *iam.Role) ([]pulumi.Resource, error) {
	var policies []pulumi.Resource
	for _, name := range slices.Sorted(maps.Keys(d.args.Policies)) {
		policy, err := iam.NewRolePolicy(d.ctx, d.name+"-"+name, &iam.RolePolicyArgs{
			Role:   role.Name,
			Policy: d.args.Policies[name].ToStringOutput(),
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("policy %q: %w", name, err)
		}
		policies = append(policies, policy)
	}
	return policies, nil
}
