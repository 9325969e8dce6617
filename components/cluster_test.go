package components_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/components/cluster"
	"github.com/ragscale/ragscale/components/graph"
)

// clusterArgs are those that all stacks share.
func clusterArgs(stack string) cluster.Args {
	versions := map[string]string{}
	for i, name := range cluster.AddonNames() {
		versions[name] = fmt.Sprintf("v1.%d.0-eksbuild.1", i)
	}
	return cluster.Args{
		Name: "ragscale-" + stack, Version: "1.36", Region: stackRegion,
		VPCID: pulumi.String("vpc-1"), PrivateSubnetIDs: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}),
		LogRetentionDays: 30, AddonVersions: versions,
		LoadBalancerController: cluster.LoadBalancerController{ChartVersion: "1.14.0"},
		Tags:                   map[string]string{"project": "ragscale", "stack": stack, "cost-centre": "search"},
	}
}

// clusterShapes are the clusters of the three kinds of stacks.
func clusterShapes() map[string]cluster.Args {
	dev, prod, local := clusterArgs("dev"), clusterArgs("prod"), clusterArgs("local")
	dev.PublicAccessCIDRs = []string{"203.0.113.0/24"}
	dev.NodeGroups = []cluster.NodeGroup{
		{Name: "system", InstanceTypes: []string{"t4g.large"}, Min: 1, Max: 2, Desired: 1, DiskGiB: 30},
		{Name: "api", InstanceTypes: []string{"m7g.large"}, Min: 1, Max: 4, Desired: 1, DiskGiB: 30, Labels: map[string]string{"ragscale.io/pool": "api"}},
	}
	prod.PrivateAccessCIDRs = []string{"10.0.0.0/16", "192.168.0.0/24"}
	prod.DeletionProtection = true
	prod.AdminPrincipalARNs = []string{"arn:aws:iam::123456789012:role/platform/admins", "arn:aws:iam::123456789012:user/on-call"}
	prod.NodeGroups = []cluster.NodeGroup{
		{Name: "system", InstanceTypes: []string{"m7g.large"}, Min: 2, Max: 4, Desired: 2, DiskGiB: 50},
		{Name: "api", InstanceTypes: []string{"m7i.2xlarge"}, Min: 3, Max: 10, Desired: 3, DiskGiB: 50, Labels: map[string]string{"ragscale.io/pool": "api"}},
		{
			Name: "burst", InstanceTypes: []string{"m7i.2xlarge", "m6i.2xlarge", "m7a.2xlarge"}, CapacityType: "SPOT", Max: 10, DiskGiB: 50,
			Labels: map[string]string{"ragscale.io/pool": "api"},
		},
		{
			Name: "loadtest", InstanceTypes: []string{"c7g.2xlarge"}, Max: 4, DiskGiB: 30, AMIType: "BOTTLEROCKET_ARM_64",
			Labels: map[string]string{"ragscale.io/pool": "loadtest"},
			Taints: []cluster.Taint{{Key: "ragscale.io/loadtest", Value: "true", Effect: "NO_SCHEDULE"}},
		},
	}
	local.PublicAccessCIDRs = []string{"0.0.0.0/0"}
	local.LoadBalancerController.Replicas = 1
	local.NodeGroups = []cluster.NodeGroup{
		{Name: "system", InstanceTypes: []string{"m7i.large"}, Min: 1, Max: 1, Desired: 1, DiskGiB: 20},
		{Name: "api", InstanceTypes: []string{"m7i.xlarge"}, Min: 1, Max: 2, Desired: 1, DiskGiB: 20},
	}
	return map[string]cluster.Args{"dev": dev, "prod": prod, "local": local}
}

func clusterProgram(args cluster.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		c, err := cluster.New(ctx, "main", args)
		if err != nil {
			return err
		}
		var probe pulumi.CustomResourceState
		return ctx.RegisterResource("graph:index:Outputs", "cluster", pulumi.Map{
			"name":                 c.Name,
			"endpoint":             c.Endpoint,
			"certificateAuthority": c.CertificateAuthority,
			"kubeconfig":           c.Kubeconfig,
			"securityGroupId":      c.SecurityGroupID,
			"nodeRoleArn":          c.NodeRoleARN,
		}, &probe, pulumi.DependsOn(c.Ready))
	}
}

func TestClusterGraph(t *testing.T) {
	for stack, args := range clusterShapes() {
		t.Run(stack, func(t *testing.T) {
			g := graph.Run(t, stack, clusterProgram(args))
			graph.Golden(t, "testdata/cluster-"+stack+".golden", g.Text())
		})
	}
}

func TestClusterPreviewShowsEveryResource(t *testing.T) {
	args := clusterShapes()["prod"]
	update, preview := graph.Run(t, "prod", clusterProgram(args)), graph.Preview(t, "prod", clusterProgram(args), "aws:eks/cluster:Cluster")
	if diff := cmp.Diff(update.Paths(), preview.Paths()); diff != "" {
		t.Errorf("resources of the update and of its first preview differ:\n%s", diff)
	}
}

func TestKubeconfigIsSecretAndHoldsNoCredentials(t *testing.T) {
	probe := graph.Run(t, "prod", clusterProgram(clusterShapes()["prod"])).Find("graph:index:Outputs", "cluster")
	if !probe.IsSecret("kubeconfig") {
		t.Error("kubeconfig is not secret")
	}
	text, ok := probe.Input("kubeconfig").(string)
	if !ok {
		t.Fatalf("kubeconfig is a %T, want a string", probe.Input("kubeconfig"))
	}
	var got map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "ragscale-prod",
		"clusters": []any{map[string]any{"name": "ragscale-prod", "cluster": map[string]any{
			"server": "cluster/main#endpoint", "certificate-authority-data": "cluster/main#certificateAuthority.data",
		}}},
		"contexts": []any{map[string]any{"name": "ragscale-prod", "context": map[string]any{"cluster": "ragscale-prod", "user": "ragscale-prod"}}},
		"users": []any{map[string]any{"name": "ragscale-prod", "user": map[string]any{"exec": map[string]any{
			"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
			"args": []any{"--region", "eu-central-1", "eks", "get-token", "--cluster-name", "ragscale-prod", "--output", "json"},
		}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryNodeGroupLeavesItsSizeToTheAutoscaler(t *testing.T) {
	g := graph.Run(t, "prod", clusterProgram(clusterShapes()["prod"]))
	for _, group := range g.OfType("aws:eks/nodeGroup:NodeGroup") {
		if !slices.Contains(group.IgnoreChanges, "scalingConfig.desiredSize") {
			t.Errorf("node group %s ignores changes of %v, want scalingConfig.desiredSize", group.Name, group.IgnoreChanges)
		}
	}
}

func TestNodesComeAfterTheNetworkAddonsAndBeforeTheOthers(t *testing.T) {
	g := graph.Run(t, "prod", clusterProgram(clusterShapes()["prod"]))
	after := func(typ, name, what string) bool {
		return slices.ContainsFunc(g.Find(typ, name).DependsOn, func(path string) bool { return strings.HasSuffix(path, what) })
	}
	for _, addon := range []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent"} {
		if !after("aws:eks/nodeGroup:NodeGroup", "main-api", "Addon main-"+addon) {
			t.Errorf("node group api does not wait for %s", addon)
		}
	}
	for _, addon := range []string{"coredns", "metrics-server", "aws-ebs-csi-driver"} {
		if !after("aws:eks/addon:Addon", "main-"+addon, "NodeGroup main-system") {
			t.Errorf("%s does not wait for node group system", addon)
		}
	}
}

func TestProtectionCoversWhatHoldsData(t *testing.T) {
	for stack, want := range map[string]bool{"prod": true, "dev": false} {
		g := graph.Run(t, stack, clusterProgram(clusterShapes()[stack]))
		for _, r := range []graph.Resource{g.Find("aws:eks/cluster:Cluster", "main"), g.Find("aws:kms/key:Key", "main-secrets")} {
			if r.Protect != want {
				t.Errorf("in %s, protect of %s is %v, want %v", stack, r.Path, r.Protect, want)
			}
		}
	}
}

func TestClusterRefusesBadArguments(t *testing.T) {
	group := func(change func(*cluster.NodeGroup)) func(*cluster.Args) {
		return func(a *cluster.Args) { change(&a.NodeGroups[0]) }
	}
	const amiTypes = "[AL2023_ARM_64_STANDARD AL2023_x86_64_STANDARD BOTTLEROCKET_ARM_64 BOTTLEROCKET_x86_64]"
	tests := map[string]struct {
		change func(*cluster.Args)
		want   string
	}{
		"name":                 {func(a *cluster.Args) { a.Name = "-x" }, `cluster.name is "-x", want 1 to 100 letters, digits, - and _, the first a letter or digit`},
		"version":              {func(a *cluster.Args) { a.Version = "v1.36.1" }, `cluster.version is "v1.36.1", want a Kubernetes minor such as 1.36`},
		"region":               {func(a *cluster.Args) { a.Region = "" }, `cluster.region is "", want an AWS region such as eu-central-1`},
		"network":              {func(a *cluster.Args) { a.VPCID, a.PrivateSubnetIDs = nil, nil }, "cluster.vpcId is missing, want a value from the component that has it\ncluster.privateSubnetIds has 0, want 2 or more, each in a zone of its own"},
		"no range":             {func(a *cluster.Args) { a.PublicAccessCIDRs = []string{"office"} }, `cluster.publicAccessCidrs[0] is "office", want an IPv4 range such as 203.0.113.0/24`},
		"host bits":            {func(a *cluster.Args) { a.PublicAccessCIDRs = []string{"203.0.113.7/24"} }, `cluster.publicAccessCidrs[0] is "203.0.113.7/24", want 203.0.113.0/24: no host bits`},
		"private range":        {func(a *cluster.Args) { a.PublicAccessCIDRs = []string{"10.0.0.0/8"} }, `cluster.publicAccessCidrs[0] is "10.0.0.0/8", want a public range: EKS refuses reserved ones here, and the VPC has the private endpoint`},
		"range twice":          {func(a *cluster.Args) { a.PublicAccessCIDRs = []string{"0.0.0.0/0", "0.0.0.0/0"} }, `cluster.publicAccessCidrs[1] is "0.0.0.0/0" again, want each range once`},
		"session":              {func(a *cluster.Args) { a.AdminPrincipalARNs = []string{"arn:aws:sts::123456789012:assumed-role/x/y"} }, `cluster.adminPrincipalArns[0] is "arn:aws:sts::123456789012:assumed-role/x/y", want the IAM ARN of a role or user (not of a session)`},
		"admin twice":          {func(a *cluster.Args) { a.AdminPrincipalARNs = append(a.AdminPrincipalARNs, a.AdminPrincipalARNs[0]) }, `cluster.adminPrincipalArns[2] is "arn:aws:iam::123456789012:role/platform/admins" again, want each principal once`},
		"private range twice":  {func(a *cluster.Args) { a.PrivateAccessCIDRs = []string{"10.0.0.0/16", "10.0.0.0/16"} }, `cluster.privateAccessCidrs[1] is "10.0.0.0/16" again, want each range once`},
		"everybody, privately": {func(a *cluster.Args) { a.PrivateAccessCIDRs = []string{"0.0.0.0/0"} }, `cluster.privateAccessCidrs[0] is "0.0.0.0/0", want the ranges of networks that are connected with the VPC`},
		"no private range":     {func(a *cluster.Args) { a.PrivateAccessCIDRs = []string{"vpn"} }, `cluster.privateAccessCidrs[0] is "vpn", want an IPv4 range such as 10.0.0.0/16`},
		"retention":            {func(a *cluster.Args) { a.LogRetentionDays = 0 }, `cluster.logRetentionDays is 0, want one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]`},
		"add-on":               {func(a *cluster.Args) { a.AddonVersions["coredns"] = "latest" }, `cluster.addonVersions[coredns] is "latest", want a pinned version such as v1.2.3-eksbuild.1`},
		"unknown add-on":       {func(a *cluster.Args) { a.AddonVersions["dns"] = "v1.0.0-eksbuild.1" }, `cluster.addonVersions[dns] is unknown, want [eks-pod-identity-agent kube-proxy vpc-cni coredns aws-ebs-csi-driver metrics-server amazon-cloudwatch-observability]`},
		"chart": {func(a *cluster.Args) {
			a.LoadBalancerController = cluster.LoadBalancerController{ChartVersion: "^1", Replicas: 9}
		}, "cluster.loadBalancerController.chartVersion is \"^1\", want a pinned version such as 1.14.0\ncluster.loadBalancerController.replicas is 9, want 1 to 3"},

		"no groups":     {func(a *cluster.Args) { a.NodeGroups = nil }, `cluster.nodeGroups has no group with min 1 or more and no taints, want one: add-ons and controllers run there`},
		"group name":    {group(func(g *cluster.NodeGroup) { g.Name = "System" }), `cluster.nodeGroups[0].name is "System", want 1 to 20 lower-case letters, digits and -, the first a letter`},
		"group twice":   {group(func(g *cluster.NodeGroup) { g.Name = "api" }), `cluster.nodeGroups[1].name is "api" again, want each name once`},
		"size":          {group(func(g *cluster.NodeGroup) { g.Min, g.Max, g.Desired = 5, 3, 9 }), "cluster.nodeGroups[system].min is 5, want 0 to max (3)\ncluster.nodeGroups[system].desired is 9, want min (5) to max (3)"},
		"max":           {group(func(g *cluster.NodeGroup) { g.Max = 451 }), `cluster.nodeGroups[system].max is 451, want 1 to 450`},
		"disk":          {group(func(g *cluster.NodeGroup) { g.DiskGiB = 8 }), `cluster.nodeGroups[system].diskGiB is 8, want 20 to 65536`},
		"capacity":      {group(func(g *cluster.NodeGroup) { g.CapacityType = "spot" }), `cluster.nodeGroups[system].capacityType is "spot", want ON_DEMAND or SPOT`},
		"no type":       {group(func(g *cluster.NodeGroup) { g.InstanceTypes = nil }), `cluster.nodeGroups[system].instanceTypes is empty, want one or more of one architecture`},
		"type":          {group(func(g *cluster.NodeGroup) { g.InstanceTypes = []string{"large"} }), `cluster.nodeGroups[system].instanceTypes[0] is "large", want an EC2 instance type such as m7g.large`},
		"type twice":    {group(func(g *cluster.NodeGroup) { g.InstanceTypes = []string{"m7g.large", "m7g.large"} }), `cluster.nodeGroups[system].instanceTypes[1] is "m7g.large" again, want each type once`},
		"architectures": {group(func(g *cluster.NodeGroup) { g.InstanceTypes = []string{"m7g.large", "m7i.large"} }), `cluster.nodeGroups[system].instanceTypes[1] is "m7i.large" (amd64), want arm64: the group's amiType is AL2023_ARM_64_STANDARD`},
		"image":         {group(func(g *cluster.NodeGroup) { g.AMIType = "AL2_x86_64" }), `cluster.nodeGroups[system].amiType is "AL2_x86_64", want one of ` + amiTypes},
		"label": {group(func(g *cluster.NodeGroup) {
			g.Labels = map[string]string{"a b": "", "kubernetes.io/role": "x", "pool": "ö"}
		}), "cluster.nodeGroups[system].labels[a b] is no Kubernetes label key, want [prefix/]name\ncluster.nodeGroups[system].labels[kubernetes.io/role] is reserved, want a prefix of your own\ncluster.nodeGroups[system].labels[pool] is \"ö\", want at most 63 letters, digits, -, _ and ."},
		"taint": {func(a *cluster.Args) {
			a.NodeGroups[3].Taints = []cluster.Taint{{Key: "a", Value: "b c", Effect: "NoSchedule"}}
		}, "cluster.nodeGroups[loadtest].taints[0].value is \"b c\", want at most 63 letters, digits, -, _ and .\ncluster.nodeGroups[loadtest].taints[0].effect is \"NoSchedule\", want NO_SCHEDULE, PREFER_NO_SCHEDULE or NO_EXECUTE"},
		"taint twice": {func(a *cluster.Args) {
			a.NodeGroups[3].Taints = append(a.NodeGroups[3].Taints, a.NodeGroups[3].Taints[0])
		}, `cluster.nodeGroups[loadtest].taints[1] is ragscale.io/loadtest NO_SCHEDULE again, want each key and effect once`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := clusterShapes()["prod"]
			test.change(&args)
			wantFault(t, clusterProgram(args), test.want)
		})
	}
}

func TestClusterRefusesANameThatItsRolesCannotBear(t *testing.T) {
	wantFault(t, func(ctx *pulumi.Context) error {
		_, err := cluster.New(ctx, "a-name-of-twenty-5-letter", clusterShapes()["prod"])
		return err
	}, `cluster.New is given name "a-name-of-twenty-5-letter", want at most 24 characters: names of its IAM roles end at 64`)
}

func TestRoleNamesFitIAM(t *testing.T) {
	const longest, random, limit = 24, len("-1234567"), 64
	for _, role := range graph.Run(t, "prod", clusterProgram(clusterShapes()["prod"])).OfType("aws:iam/role:Role") {
		if n := len(strings.TrimPrefix(role.Name, "main")) + longest + random; n > limit {
			t.Errorf("role %s of a cluster with the longest name has %d characters, want at most %d", role.Name, n, limit)
		}
	}
}

func TestDefaultImageFollowsTheArchitecture(t *testing.T) {
	for typ, want := range map[string]string{
		"m7g.large": "AL2023_ARM_64_STANDARD", "c7gn.16xlarge": "AL2023_ARM_64_STANDARD", "a1.large": "AL2023_ARM_64_STANDARD",
		"im4gn.large": "AL2023_ARM_64_STANDARD", "m7i.large": "AL2023_x86_64_STANDARD", "m7i-flex.large": "AL2023_x86_64_STANDARD",
		"g4dn.xlarge": "AL2023_x86_64_STANDARD", "t3.micro": "AL2023_x86_64_STANDARD",
	} {
		args := clusterShapes()["local"]
		args.NodeGroups = args.NodeGroups[:1]
		args.NodeGroups[0].InstanceTypes = []string{typ}
		g := graph.Run(t, "local", clusterProgram(args))
		if got := g.Find("aws:eks/nodeGroup:NodeGroup", "main-system").Input("amiType"); got != want {
			t.Errorf("amiType for %s is %v, want %s", typ, got, want)
		}
	}
}

func TestScaleFromZeroTagsDescribeTheNode(t *testing.T) {
	g := graph.Run(t, "prod", clusterProgram(clusterShapes()["prod"]))
	got := map[string]any{}
	for _, tag := range g.OfType("aws:autoscaling/tag:Tag") {
		if tag.Input("autoscalingGroupName") == "nodeGroup/main-loadtest#asg" {
			key, ok := tag.Input("tag.key").(string)
			if !ok {
				t.Fatalf("key of tag %s is %v, want a string", tag.Name, tag.Input("tag.key"))
			}
			got[strings.TrimPrefix(key, "k8s.io/cluster-autoscaler/")] = tag.Input("tag.value")
		}
	}
	want := map[string]any{
		"enabled": "true", "ragscale-prod": "owned",
		"node-template/label/eks.amazonaws.com/capacityType": "ON_DEMAND",
		"node-template/label/ragscale.io/pool":               "loadtest",
		"node-template/resources/ephemeral-storage":          "30Gi",
		"node-template/taint/ragscale.io/loadtest":           "true:NoSchedule",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
