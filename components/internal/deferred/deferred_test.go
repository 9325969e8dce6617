package deferred

import (
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type server struct {
	pulumi.CustomResourceState
	Class  pulumi.StringOutput `pulumi:"class"`
	Window pulumi.StringOutput `pulumi:"window"`
}

// slow has the old class.
type slow struct{}

func (slow) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "id", resource.PropertyMap{"class": resource.NewProperty("small"), "window": resource.NewProperty("")}, nil
}

func (slow) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

func TestAnUpdateSaysWhatWaitsAndAPreviewDoesNot(t *testing.T) {
	const line = "server: class is small, declared large: waits for the maintenance window. `ragscale pending apply --stack prod` does it now"
	for preview, want := range map[bool]int{false: 1, true: 0} {
		told := make(chan []string, 1)
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			s := &server{}
			if err := ctx.RegisterResource("test:index:Server", "s", pulumi.Map{}, s); err != nil {
				return err
			}
			ctx.Export("waiting", Watch(ctx, s, "server", s.Window, Setting{Name: "class", Want: "large", Have: s.Class}).
				ApplyT(func(lines []string) []string { told <- lines; return lines }))
			return nil
		}, pulumi.WithMocks("p", "prod", slow{}), func(info *pulumi.RunInfo) { info.DryRun = preview })
		if err != nil {
			t.Fatal(err)
		}
		if got := <-told; len(got) != want || want == 1 && got[0] != line {
			t.Errorf("preview %t: says %q", preview, got)
		}
	}
}

func TestTheDateOfTheWindow(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	if got, want := until("sun:03:30-sun:04:30", now), "waits for the maintenance window sun:03:30-sun:04:30, the next on 2026-12-06 03:30 UTC"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestAVersionOfTheDeclaredLineOrNewerWaitsForNothing(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"17", "17.6"}: true, {"17.6", "17.6"}: true, {"17.6", "17.10"}: true, {"17", "18.1"}: true, {"7.1", "7.1.0"}: true, {"17", ""}: true,
		{"18", "17.6"}: false, {"17.10", "17.6"}: false, {"7.1", "7.0.7"}: false, {"17", "x"}: false,
	} {
		if got := SameVersion(pair[0], pair[1]); got != want {
			t.Errorf("declared %s, has %s: %t, want %t", pair[0], pair[1], got, want)
		}
	}
}
