package cluster

import (
	"encoding/json"
	"fmt"
	"path"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const policyVersion = "2012-10-17"

// roleSpec is a role and the AWS managed policies it has.
type roleSpec struct {
	suffix      string
	description string
	trust       map[string]any
	managed     []string // ARNs
}

// podIdentity lets EKS hand a role to pods. TagSession carries cluster, namespace and service account into CloudTrail
// and into policy conditions.
var podIdentity = trustService("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")

func trustService(service string, actions ...string) map[string]any {
	return allow(map[string]any{"Principal": map[string]any{"Service": service}, "Action": actions})
}

// allow is a policy document that allows each of the statements.
func allow(statements ...map[string]any) map[string]any {
	for _, s := range statements {
		s["Effect"] = "Allow"
	}
	return map[string]any{"Version": policyVersion, "Statement": statements}
}

// role declares a role. It returns the attachments too: what uses the role must wait for them, and nothing names them.
func (d *declaration) role(spec roleSpec) (*iam.Role, []pulumi.Resource, error) {
	trust, err := json.Marshal(spec.trust)
	if err != nil {
		return nil, nil, fmt.Errorf("trust policy of role %s: %w", spec.suffix, err)
	}
	role, err := iam.NewRole(d.ctx, d.name+spec.suffix, &iam.RoleArgs{
		Description:      pulumi.String(spec.description),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             d.tags(spec.suffix),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("role %s: %w", spec.suffix, err)
	}
	var granted []pulumi.Resource
	for _, policy := range spec.managed {
		attachment, err := iam.NewRolePolicyAttachment(d.ctx, d.name+spec.suffix+"-"+path.Base(policy),
			&iam.RolePolicyAttachmentArgs{
				Role:      role.Name,
				PolicyArn: pulumi.String(policy),
			}, d.parent)
		if err != nil {
			return nil, nil, fmt.Errorf("policy %s of role %s: %w", policy, spec.suffix, err)
		}
		granted = append(granted, attachment)
	}
	return role, granted, nil
}
