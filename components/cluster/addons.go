package cluster

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue"
)

// phase orders add-ons around the nodes.
type phase int

const (
	// beforeNodes are the add-ons without which a node does not become ready: as DaemonSets they are active with no node.
	beforeNodes phase = iota
	// afterNodes are Deployments, which count as degraded until nodes run them.
	afterNodes
)

// addon is an EKS add-on as this component wants it.
type addon struct {
	name   string
	phase  phase
	config map[string]any
	// logs are what it writes below /aws/containerinsights/<cluster>/. It would make the groups itself, to be kept for
	// ever.
	logs []string
	// serviceAccount gets a role with the managed policy by pod identity. "" for add-ons that call no AWS service.
	serviceAccount, policy string
}

// declaredAddons lists the add-ons. Configuration keys are those of each add-on's schema (aws eks
// describe-addon-configuration). One without configuration runs with its defaults, which touch no pod but its own.
var declaredAddons = []addon{
	{name: "eks-pod-identity-agent", phase: beforeNodes},
	{name: "kube-proxy", phase: beforeNodes},
	{
		name: "vpc-cni", phase: beforeNodes, serviceAccount: "aws-node", policy: catalogue.EKSNetworkPolicy,
		config: map[string]any{
			// Without it NetworkPolicy objects are accepted and do nothing.
			"enableNetworkPolicy": "true",
			"env": map[string]any{
				// /28 blocks instead of single addresses: 110 pods on a node instead of 29 (m7g.large), and a new pod
				// does not wait for an EC2 call. One block is kept warm.
				"ENABLE_PREFIX_DELEGATION": "true",
				"WARM_PREFIX_TARGET":       "1",
			},
		},
	},
	{
		name: "coredns", phase: afterNodes,
		// Resolution must grow with the pods that resolve.
		config: map[string]any{"autoScaling": map[string]any{"enabled": true, "minReplicas": 2, "maxReplicas": 10}},
	},
	// AWS advises AmazonEBSCSIDriverPolicyV2 since 2026 (https://github.com/kubernetes-sigs/aws-ebs-csi-driver/pull/2918
	// ); this one works in every account. Whether V2 allows the tags that the StorageClass asks for, CreateVolume would
	// settle.
	{name: "aws-ebs-csi-driver", phase: afterNodes, serviceAccount: "ebs-csi-controller-sa",
		policy: catalogue.EBSDriverPolicy},
	{name: "metrics-server", phase: afterNodes},
	{
		name: "amazon-cloudwatch-observability", phase: afterNodes, serviceAccount: "cloudwatch-agent",
		policy: catalogue.CloudWatchAgentPolicy,
		// Since 5.0.0 the add-on puts agents for Java, Python, .NET and Node.js into every workload that a Service selects.
		// Java's init container has no security context, so that restricted namespaces refuse the pods
		// (https://github.com/aws/amazon-cloudwatch-agent-operator/issues/361 ). Nothing here uses Application Signals.
		// Source: https://github.com/aws-observability/helm-charts , RELEASE_NOTES of 5.0.0 and values.yaml; read 2026-11-29.
		config: map[string]any{
			"manager": map[string]any{"applicationSignals": map[string]any{
				"autoMonitor": map[string]any{"monitorAllServices": false},
			}},
		},
		// Of Fluent Bit (containerLogs.fluentBit.config.extraFiles in the same values.yaml) and of the agent's metrics.
		logs: []string{"application", "dataplane", "host", "performance"},
	},
}

// AddonNames lists the add-ons that the cluster declares, each of which Args.AddonVersions must pin.
func AddonNames() []string {
	names := make([]string, len(declaredAddons))
	for i, a := range declaredAddons {
		names[i] = a.name
	}
	return names
}

// addons declares those of one phase, after the given resources.
func (d *declaration) addons(when phase, after []pulumi.Resource) ([]pulumi.Resource, error) {
	var declared []pulumi.Resource
	for _, a := range declaredAddons {
		if a.phase != when {
			continue
		}
		resource, err := d.addon(a, after)
		if err != nil {
			return nil, fmt.Errorf("add-on %s: %w", a.name, err)
		}
		declared = append(declared, resource)
	}
	return declared, nil
}

func (d *declaration) addon(a addon, after []pulumi.Resource) (*eks.Addon, error) {
	suffix := "-" + a.name
	args := &eks.AddonArgs{
		ClusterName:  d.controlPlane.Name,
		AddonName:    pulumi.String(a.name),
		AddonVersion: pulumi.String(d.args.AddonVersions[a.name]),
		// What is declared wins over what was changed by hand. (PRESERVE is refused on creation.)
		ResolveConflictsOnCreate: pulumi.String("OVERWRITE"),
		ResolveConflictsOnUpdate: pulumi.String("OVERWRITE"),
		Tags:                     d.tags(suffix),
	}
	if a.config != nil {
		config, err := json.Marshal(a.config)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		args.ConfigurationValues = pulumi.String(config)
	}
	if a.serviceAccount != "" {
		role, granted, err := d.role(roleSpec{
			suffix:      suffix,
			description: "Add-on " + a.name + " of cluster " + d.args.Name,
			trust:       podIdentity,
			managed:     []string{a.policy},
		})
		if err != nil {
			return nil, err
		}
		args.PodIdentityAssociations = eks.AddonPodIdentityAssociationArray{&eks.AddonPodIdentityAssociationArgs{
			RoleArn:        role.Arn,
			ServiceAccount: pulumi.String(a.serviceAccount),
		}}
		after = append(granted, after...)
	}
	groups, err := d.addonLogs(a.logs)
	if err != nil {
		return nil, err
	}
	after = append(groups, after...)
	return eks.NewAddon(d.ctx, d.name+suffix, args, d.parent, pulumi.DependsOn(after))
}

// addonLogs declares log groups with the names that an add-on writes to.
func (d *declaration) addonLogs(logs []string) ([]pulumi.Resource, error) {
	var groups []pulumi.Resource
	for _, log := range logs {
		group, err := d.logGroup("-containerinsights-"+log, "/aws/containerinsights/"+d.args.Name+"/"+log)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return groups, nil
}
