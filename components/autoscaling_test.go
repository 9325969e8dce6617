package components_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/autoscaling"
	"github.com/ragscale/ragscale/components/graph"
)

// smallAutoscaling is valid, with everything optional left out.
func smallAutoscaling() autoscaling.Args {
	return autoscaling.Args{
		ClusterName: "rag-dev", Region: "eu-central-1",
		Nodes: autoscaling.Nodes{
			ChartVersion: "9.59.0", KubernetesVersion: "1.36", ImageTag: "v1.36.1", Priorities: map[int][]string{10: {"system"}, 20: {"api"}},
			ScaleDownUnneededSeconds: 600, ScaleDownDelayAfterAddSeconds: 600, ScaleDownUtilization: 0.5, MaxNodeProvisionSeconds: 360,
		},
		Vertical: autoscaling.Vertical{ChartVersion: "0.11.0"},
	}
}

var autoscalingShapes = map[string]func() autoscaling.Args{
	"local": smallAutoscaling,
	"prod": func() autoscaling.Args {
		a := smallAutoscaling()
		a.ClusterName = "rag-prod"
		a.Nodes.Priorities = map[int][]string{10: {"system", "loadtest"}, 20: {"api"}, 30: {"burst"}}
		a.Vertical.Acts = true
		a.Headroom = autoscaling.Headroom{Pods: 10, CPU: "500m", Memory: "512Mi", Image: "registry.k8s.io/pause:3.10"}
		a.Tags = map[string]string{"stack": "prod"}
		return a
	},
}

func declareAutoscaling(args autoscaling.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "cluster", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		_, err = autoscaling.New(ctx, "rag", args, pulumi.Providers(provider))
		return err
	}
}

func TestAutoscalingGraph(t *testing.T) {
	wantGraphs(t, "autoscaling", autoscalingShapes, declareAutoscaling)
}

func TestAutoscalingFaultsNameTheField(t *testing.T) {
	room := autoscaling.Headroom{Pods: 1, CPU: "500m", Memory: "512Mi", Image: "registry.k8s.io/pause:3.10"}
	for name, c := range map[string]struct {
		change func(*autoscaling.Args)
		want   string
	}{
		"cluster": {func(a *autoscaling.Args) { a.ClusterName = "" },
			`autoscaling.ClusterName is "", want 1 to 100 letters, digits, - and _, the first a letter or digit`},
		"region": {func(a *autoscaling.Args) { a.Region = "" },
			`autoscaling.Region is "", want an AWS region such as eu-central-1`},
		"moving chart": {func(a *autoscaling.Args) { a.Nodes.ChartVersion = "latest" },
			`autoscaling.Nodes.ChartVersion is "latest", want a pinned version such as 9.59.0`},
		"vertical chart": {func(a *autoscaling.Args) { a.Vertical.ChartVersion = "" },
			`autoscaling.Vertical.ChartVersion is "", want a pinned version such as 0.11.0`},
		"image": {func(a *autoscaling.Args) { a.Nodes.ImageTag = "1.36" },
			`autoscaling.Nodes.ImageTag is "1.36", want a release of the cluster's minor such as v1.36.0`},
		"image of another minor": {func(a *autoscaling.Args) { a.Nodes.ImageTag = "v1.35.0" },
			`autoscaling.Nodes.ImageTag is "v1.35.0", want a release of the cluster's minor such as v1.36.0`},
		"no image": {func(a *autoscaling.Args) { a.Nodes.ImageTag = "" },
			`autoscaling.Nodes.ImageTag is "", want a release of the cluster's minor such as v1.36.0`},
		"no minor": {func(a *autoscaling.Args) { a.Nodes.KubernetesVersion = "1" },
			`autoscaling.Nodes.KubernetesVersion is "1", want a Kubernetes minor such as 1.36`},
		"no groups": {func(a *autoscaling.Args) { a.Nodes.Priorities = nil },
			"autoscaling.Nodes.Priorities is empty, want every node group: one without a priority is never asked"},
		"group twice": {func(a *autoscaling.Args) { a.Nodes.Priorities = map[int][]string{1: {"api"}, 2: {"api"}} },
			`autoscaling.Nodes.Priorities[2] has "api" again, want each node group once`},
		"group's name": {func(a *autoscaling.Args) { a.Nodes.Priorities = map[int][]string{1: {".*"}} },
			`autoscaling.Nodes.Priorities[1] has ".*", want the name of a node group`},
		"at once": {func(a *autoscaling.Args) { a.Nodes.ScaleDownUnneededSeconds = 0 },
			"autoscaling.Nodes.ScaleDownUnneededSeconds is 0, want 1 or more"},
		"share": {func(a *autoscaling.Args) { a.Nodes.ScaleDownUtilization = 50 },
			"autoscaling.Nodes.ScaleDownUtilization is 50, want a share between 0 and 1"},
		"fewer than none": {func(a *autoscaling.Args) { a.Headroom.Pods = -1 },
			"autoscaling.Headroom.Pods is -1, want 0 or more"},
		"room of no size": {func(a *autoscaling.Args) { a.Headroom = room; a.Headroom.CPU = "0" },
			`autoscaling.Headroom.CPU is "0", want a quantity above 0 such as 250m or 512Mi`},
		"moving image": {func(a *autoscaling.Args) { a.Headroom = room; a.Headroom.Image = "pause:latest" },
			`autoscaling.Headroom.Image is "pause:latest", want a tag that names a version: what runs must not change by itself`},
	} {
		t.Run(name, func(t *testing.T) {
			args := smallAutoscaling()
			c.change(&args)
			wantFault(t, declareAutoscaling(args), c.want)
		})
	}
}

// TestTheAutoscalerMayChangeOnlyItsOwnCluster reads the role's policy.
func TestTheAutoscalerMayChangeOnlyItsOwnCluster(t *testing.T) {
	g := graph.Run(t, "prod", declareAutoscaling(autoscalingShapes["prod"]()))
	policy, ok := g.Find("aws:iam/rolePolicy:RolePolicy", "rag-cluster-autoscaler").Input("policy").(string)
	if !ok || !strings.Contains(policy, `"aws:ResourceTag/k8s.io/cluster-autoscaler/rag-prod":"owned"`) {
		t.Errorf("policy is %s, want changes only under the cluster's tag", policy)
	}
}
