package autoscaling

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	helm "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Both charts come from the autoscaler project's repository.
const (
	chartRepository = "https://kubernetes.github.io/autoscaler"
	systemNamespace = "kube-system"

	clusterAutoscaler = "cluster-autoscaler" // release, chart and service account

	// chartTimeoutSeconds is for images to be pulled and hooks to run.
	chartTimeoutSeconds = 600
)

// clusterAutoscaler declares the release and the role that its pod has.
func (d *declaration) clusterAutoscaler() error {
	ready, err := d.autoscalerIdentity()
	if err != nil {
		return err
	}
	_, err = helm.NewRelease(d.ctx, d.name+"-cluster-autoscaler", &helm.ReleaseArgs{
		Name:           pulumi.String(clusterAutoscaler),
		Namespace:      pulumi.String(systemNamespace),
		Chart:          pulumi.String(clusterAutoscaler),
		Version:        pulumi.String(d.args.Nodes.ChartVersion),
		RepositoryOpts: &helm.RepositoryOptsArgs{Repo: pulumi.String(chartRepository)},
		// A release that fails is rolled back, so that the next update starts from something whole.
		Atomic:  pulumi.Bool(true),
		Timeout: pulumi.Int(chartTimeoutSeconds),
		Values:  d.autoscalerValues(),
		// The identity is injected when the pod is created.
	}, d.parent, pulumi.DependsOn(append(ready, d.args.DependsOn...)))
	if err != nil {
		return fmt.Errorf("cluster autoscaler: %w", err)
	}
	return nil
}

// autoscalerValues are the chart's. It finds the autoscaling groups by the tags that component cluster gives them.
func (d *declaration) autoscalerValues() pulumi.Map {
	return pulumi.Map{
		"cloudProvider": pulumi.String("aws"),
		"awsRegion":     pulumi.String(d.args.Region),
		"autoDiscovery": pulumi.Map{"clusterName": pulumi.String(d.args.ClusterName)},
		// The chart's own name would join release and chart; the service account's is what the identity is bound to.
		"fullnameOverride": pulumi.String(clusterAutoscaler),
		"rbac": pulumi.Map{"serviceAccount": pulumi.Map{
			"create": pulumi.Bool(true), "name": pulumi.String(clusterAutoscaler),
		}},
		// Two, of which one leads: scaling does not stop while a node with it is drained.
		"replicaCount":             pulumi.Int(2),
		"podDisruptionBudget":      pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		"priorityClassName":        pulumi.String("system-cluster-critical"),
		"extraArgs":                d.autoscalerFlags(),
		"expanderPriorities":       d.expanderPriorities(),
		"resources":                resources("100m", "512Mi"),
		"image":                    pulumi.Map{"tag": pulumi.String(d.args.Nodes.ImageTag)},
		"securityContext":          podSecurity(),
		"containerSecurityContext": containerSecurity(),
	}
}

// nobody is the user that both charts' images may run as.
const nobody = 65534

// podSecurity and containerSecurity hold what restricted namespaces ask for. These pods stand in kube-system, which
// asks for nothing.
func podSecurity() pulumi.Map {
	return pulumi.Map{
		"runAsNonRoot": pulumi.Bool(true), "runAsUser": pulumi.Int(nobody),
		"seccompProfile": pulumi.Map{"type": pulumi.String("RuntimeDefault")},
	}
}

func containerSecurity() pulumi.Map {
	return pulumi.Map{
		"allowPrivilegeEscalation": pulumi.Bool(false),
		"readOnlyRootFilesystem":   pulumi.Bool(true),
		"capabilities":             pulumi.Map{"drop": pulumi.ToStringArray([]string{"ALL"})},
	}
}

// autoscalerFlags are its command line. Source of names and defaults:
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md ; read 2026-11-24.
func (d *declaration) autoscalerFlags() pulumi.Map {
	n := d.args.Nodes
	return pulumi.Map{
		// By priority; among groups of the same, the one that is left with the least idle capacity.
		"expander": pulumi.String("priority,least-waste"),
		// Groups of one kind, in case of one per zone, are kept at the same size.
		"balance-similar-node-groups": pulumi.String("true"),
		// emptyDir holds nothing that must outlive its pod here.
		"skip-nodes-with-local-storage": pulumi.String("false"),
		// What runs in kube-system has more than one pod, or a disruption budget.
		"skip-nodes-with-system-pods":      pulumi.String("false"),
		"scale-down-unneeded-time":         seconds(n.ScaleDownUnneededSeconds),
		"scale-down-delay-after-add":       seconds(n.ScaleDownDelayAfterAddSeconds),
		"scale-down-utilization-threshold": pulumi.String(strconv.FormatFloat(n.ScaleDownUtilization, 'f', -1, 64)),
		"max-node-provision-time":          seconds(n.MaxNodeProvisionSeconds),
	}
}

func seconds(n int) pulumi.String { return pulumi.String(strconv.Itoa(n) + "s") }

// expanderPriorities are patterns of autoscaling groups' names by priority. EKS names a group
// eks-<node group>-<uuid>, and the node group's name ends in Pulumi's seven hexadecimal digits.
func (d *declaration) expanderPriorities() pulumi.Map {
	byPriority := pulumi.Map{}
	for priority, groups := range d.args.Nodes.Priorities {
		var patterns []string
		for _, group := range slices.Sorted(slices.Values(groups)) {
			patterns = append(patterns, "^eks-.*-"+group+"-[0-9a-f]{7}-.*")
		}
		byPriority[strconv.Itoa(priority)] = pulumi.ToStringArray(patterns)
	}
	return byPriority
}

func resources(cpu, memory string) pulumi.Map {
	return pulumi.Map{
		"requests": pulumi.Map{"cpu": pulumi.String(cpu), "memory": pulumi.String(memory)},
		"limits":   pulumi.Map{"memory": pulumi.String(memory)},
	}
}

// autoscalerIdentity gives the autoscaler's service account a role, and returns what its pod waits for.
func (d *declaration) autoscalerIdentity() ([]pulumi.Resource, error) {
	const suffix = "-cluster-autoscaler"
	role, err := iam.NewRole(d.ctx, d.name+suffix, &iam.RoleArgs{
		Description: pulumi.String("Adds and removes nodes of cluster " + d.args.ClusterName),
		AssumeRolePolicy: pulumi.JSONMarshal(policy(map[string]any{
			"Principal": map[string]any{"Service": "pods.eks.amazonaws.com"},
			"Action":    []string{"sts:AssumeRole", "sts:TagSession"},
		})),
		Tags: d.tags(suffix),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("role of the cluster autoscaler: %w", err)
	}
	granted, err := iam.NewRolePolicy(d.ctx, d.name+suffix, &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: pulumi.JSONMarshal(autoscalerPolicy(d.args.Region, d.args.ClusterName)),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("policy of the cluster autoscaler: %w", err)
	}
	association, err := eks.NewPodIdentityAssociation(d.ctx, d.name+suffix, &eks.PodIdentityAssociationArgs{
		ClusterName:    pulumi.String(d.args.ClusterName),
		Namespace:      pulumi.String(systemNamespace),
		ServiceAccount: pulumi.String(clusterAutoscaler),
		RoleArn:        role.Arn,
		Tags:           d.tags(suffix),
	}, d.parent, pulumi.DependsOn(d.args.DependsOn)) // names the cluster, which must exist
	if err != nil {
		return nil, fmt.Errorf("pod identity of the cluster autoscaler: %w", err)
	}
	return []pulumi.Resource{granted, association}, nil
}

// autoscalerPolicy lets it look at everything, for these actions know no narrower resource, and change only groups with
// the cluster's discovery tags. Which actions it calls:
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md ; read
// 2026-11-24.
func autoscalerPolicy(region, cluster string) map[string]any {
	return policy(
		map[string]any{
			"Sid": "Look",
			"Action": []string{
				"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
				"autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
				"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
				"ec2:GetInstanceTypesFromInstanceRequirements",
			},
			"Resource": "*",
		},
		map[string]any{
			"Sid":      "LookAtNodeGroups",
			"Action":   "eks:DescribeNodegroup",
			"Resource": "arn:aws:eks:" + region + ":*:nodegroup/" + cluster + "/*",
		},
		map[string]any{
			"Sid":      "Scale",
			"Action":   []string{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"},
			"Resource": "arn:aws:autoscaling:" + region + ":*:autoScalingGroup:*",
			"Condition": map[string]any{"StringEquals": map[string]any{
				"aws:ResourceTag/k8s.io/cluster-autoscaler/enabled":    "true",
				"aws:ResourceTag/k8s.io/cluster-autoscaler/" + cluster: "owned",
			}},
		},
	)
}

func policy(statements ...map[string]any) map[string]any {
	for _, s := range statements {
		s["Effect"] = "Allow"
	}
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}
