package cluster

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	helm "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/kinds"
)

// The controller's name in the cluster; its service account has the same.
const (
	controllerName      = "aws-load-balancer-controller"
	controllerNamespace = "kube-system"
)

// loadBalancerController declares the controller that registers pods with target groups. Load balancers and listeners
// are declared by Pulumi, so it watches TargetGroupBindings alone, and its role can do no more.
func (d *declaration) loadBalancerController(provider *kubernetes.Provider,
	after []pulumi.Resource) (pulumi.Resource, error) {
	const suffix = "-load-balancer-controller"
	identity, granted, err := d.controllerIdentity(suffix)
	if err != nil {
		return nil, err
	}
	definitions, err := d.controllerKinds(suffix, provider)
	if err != nil {
		return nil, err
	}
	release, err := helm.NewRelease(d.ctx, d.name+suffix, &helm.ReleaseArgs{
		Name:           pulumi.String(controllerName),
		Namespace:      pulumi.String(controllerNamespace),
		Chart:          pulumi.String(controllerName),
		Version:        pulumi.String(d.args.LoadBalancerController.ChartVersion),
		RepositoryOpts: &helm.RepositoryOptsArgs{Repo: pulumi.String("https://aws.github.io/eks-charts")},
		// A release that fails is rolled back, so that the next update starts from something whole.
		Atomic: pulumi.Bool(true),
		// Seconds: images are pulled and webhooks come up.
		Timeout: pulumi.Int(600),
		Values:  d.controllerValues(),
		// They are declared apart, so that they are raised with the chart.
		SkipCrds: pulumi.Bool(true),
		// Its pods need nodes, DNS, and their role at the time they start.
	}, d.parent, pulumi.Provider(provider),
		pulumi.DependsOn(slices.Concat([]pulumi.Resource{identity, granted}, definitions, after)))
	if err != nil {
		return nil, fmt.Errorf("load balancer controller: %w", err)
	}
	return release, nil
}

// controllerKinds are the two files of the chart's crds folder, from the tag of its version: the chart of a version and
// the controller of it are released together.
func (d *declaration) controllerKinds(suffix string, provider *kubernetes.Provider) ([]pulumi.Resource, error) {
	folder := "https://raw.githubusercontent.com/kubernetes-sigs/aws-load-balancer-controller/v" +
		d.args.LoadBalancerController.ChartVersion +
		"/helm/aws-load-balancer-controller/crds/"
	return kinds.Declare(d.ctx, d.name+suffix,
		map[string]string{"-kinds": folder + "crds.yaml", "-gateway-kinds": folder + "gateway-crds.yaml"},
		d.parent, pulumi.Providers(provider))
}

func (d *declaration) controllerValues() pulumi.Map {
	return pulumi.Map{
		"clusterName": d.controlPlane.Name,
		// Given, because pods cannot ask the instance metadata service.
		"region":       pulumi.String(d.args.Region),
		"vpcId":        d.args.VPCID,
		"replicaCount": pulumi.Int(d.args.LoadBalancerController.Replicas),
		"serviceAccount": pulumi.Map{
			"create": pulumi.Bool(true),
			"name":   pulumi.String(controllerName),
		},
		// Ingress and Service objects make no load balancers here.
		"createIngressClassResource":  pulumi.Bool(false),
		"enableServiceMutatorWebhook": pulumi.Bool(false),
		"enableShield":                pulumi.Bool(false),
		"enableWaf":                   pulumi.Bool(false),
		"enableWafv2":                 pulumi.Bool(false),
		// Its pod webhook fails open (failurePolicy Ignore, in the chart): a pod that is made while both replicas are away
		// has no readiness gate, and is sent requests as soon as it is ready. The budget keeps one of the two there.
		"podDisruptionBudget": pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		// The chart's own contexts say the rest: no root, no escalation, a root file system that is read only (values.yaml of
		// chart 3.5.0; read 2026-11-30).
		"podSecurityContext": pulumi.Map{"seccompProfile": pulumi.Map{"type": pulumi.String("RuntimeDefault")}},
		"securityContext":    pulumi.Map{"capabilities": pulumi.Map{"drop": pulumi.ToStringArray([]string{"ALL"})}},
		"resources": pulumi.Map{
			"requests": pulumi.Map{"cpu": pulumi.String("50m"), "memory": pulumi.String("128Mi")},
			"limits":   pulumi.Map{"memory": pulumi.String("256Mi")},
		},
	}
}

// controllerIdentity gives the controller's service account a role.
func (d *declaration) controllerIdentity(suffix string) (*eks.PodIdentityAssociation, *iam.RolePolicy, error) {
	role, _, err := d.role(roleSpec{
		suffix:      suffix,
		description: "Registers pods of cluster " + d.args.Name + " with target groups",
		trust:       podIdentity,
	})
	if err != nil {
		return nil, nil, err
	}
	granted, err := iam.NewRolePolicy(d.ctx, d.name+suffix, &iam.RolePolicyArgs{
		Role:   role.ID(),
		Policy: pulumi.JSONMarshal(controllerPolicy(d.args.Region, d.args.Name)),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("policy %s: %w", suffix, err)
	}
	identity, err := eks.NewPodIdentityAssociation(d.ctx, d.name+suffix, &eks.PodIdentityAssociationArgs{
		ClusterName:    d.controlPlane.Name,
		Namespace:      pulumi.String(controllerNamespace),
		ServiceAccount: pulumi.String(controllerName),
		RoleArn:        role.Arn,
		Tags:           d.tags(suffix),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("pod identity %s: %w", suffix, err)
	}
	return identity, granted, nil
}

// controllerPolicy is what reconciling a TargetGroupBinding calls: look up where pods are and what the target group is,
// register and deregister addresses, and open the cluster's security group to the load balancer if a binding asks so.
func controllerPolicy(region, cluster string) map[string]any {
	return allow(
		map[string]any{
			"Sid": "Look", // these actions know no narrower resource
			"Action": []string{
				"ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces",
				"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
				"elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
				"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
			},
			"Resource": "*",
		},
		map[string]any{
			"Sid":      "Register",
			"Action":   []string{"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"},
			"Resource": "arn:aws:elasticloadbalancing:" + region + ":*:targetgroup/*",
		},
		map[string]any{
			"Sid":      "OpenClusterGroup",
			"Action":   []string{"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"},
			"Resource": "arn:aws:ec2:" + region + ":*:security-group/*",
			// EKS tags its security group so.
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:ResourceTag/kubernetes.io/cluster/" + cluster: "owned"},
			},
		},
	)
}
