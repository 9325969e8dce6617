package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/planner"
)

type bucket struct {
	pulumi.CustomResourceState
	Arn pulumi.StringOutput `pulumi:"arn"`
}

type group struct{ pulumi.ResourceState }

func program(ctx *pulumi.Context) error {
	g := &group{}
	if err := ctx.RegisterComponentResource("test:index:Group", "all", g); err != nil {
		return err
	}
	first, second := &bucket{}, &bucket{}
	if err := ctx.RegisterResource("aws:s3/bucket:Bucket", "first", pulumi.Map{
		"policy":   pulumi.String(`{"Version":"2012-10-17"}`),
		"password": pulumi.ToSecret(pulumi.String("hunter2")),
		"empty":    pulumi.Map{},
	}, first, pulumi.Parent(g), pulumi.Protect(true)); err != nil {
		return err
	}
	if err := ctx.RegisterResource("aws:s3/bucket:Bucket", "second", pulumi.Map{
		"source": first.Arn,
		"rules":  pulumi.Array{pulumi.Map{"days": pulumi.Int(3)}, pulumi.String("x")},
	}, second, pulumi.Parent(g), pulumi.IgnoreChanges([]string{"rules"}), pulumi.DependsOn([]pulumi.Resource{first})); err != nil {
		return err
	}
	third := &bucket{}
	if err := ctx.RegisterResource("aws:s3/bucket:Bucket", "third", pulumi.Map{}, third,
		pulumi.DependsOn([]pulumi.Resource{second})); err != nil {
		return err
	}
	return ctx.RegisterResourceOutputs(g, pulumi.Map{})
}

func TestTextShowsTreeOptionsAndWiring(t *testing.T) {
	want := `aws:s3/bucket:Bucket third
  (after: test:index:Group all > aws:s3/bucket:Bucket second)

test:index:Group all

test:index:Group all > aws:s3/bucket:Bucket first
  (protect)
  empty: {}
  password: [secret]
  policy: |
      {
        "Version": "2012-10-17"
      }

test:index:Group all > aws:s3/bucket:Bucket second
  (ignore changes: rules)
  rules:
    -
      days: 3
    - "x"
  source: "arn:aws:s3:eu-central-1:123456789012:bucket/first"
`
	if diff := cmp.Diff(want, graph.Run(t, "dev", program).Text()); diff != "" {
		t.Error(diff)
	}
}

func TestPreviewKnowsNoOutputs(t *testing.T) {
	got := graph.Preview(t, "dev", program).Find("aws:s3/bucket:Bucket", "second").Input("source")
	if got != planner.Unknown {
		t.Errorf("source is %v, want %s", got, planner.Unknown)
	}
}

func TestInputFollowsPathsIntoListsAndSecrets(t *testing.T) {
	g := graph.Run(t, "dev", program)
	if got := g.Find("aws:s3/bucket:Bucket", "second").Input("rules[0].days"); got != 3.0 {
		t.Errorf("rules[0].days is %v, want 3", got)
	}
	first := g.Find("aws:s3/bucket:Bucket", "first")
	if got := first.Input("password"); got != "hunter2" || !first.IsSecret("password") {
		t.Errorf("password is %v, secret %v, want hunter2 and true", got, first.IsSecret("password"))
	}
}

func TestOutputsAreCountedForComponentsAndTheStack(t *testing.T) {
	g := graph.Run(t, "dev", program)
	if g.OutputsRegistered != g.Components()+1 {
		t.Errorf("outputs registered %d times, want %d", g.OutputsRegistered, g.Components()+1)
	}
}

func TestTwoResourcesOfOneNameAreAnError(t *testing.T) {
	_, err := graph.Try("dev", false, func(ctx *pulumi.Context) error {
		for range 2 {
			if err := ctx.RegisterResource("aws:s3/bucket:Bucket", "same", pulumi.Map{}, &bucket{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "aws:s3/bucket:Bucket same is registered twice") {
		t.Errorf("error is %v, want one that names the resource", err)
	}
}
