package components_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/cache"
	"github.com/ragscale/ragscale/components/database"
	"github.com/ragscale/ragscale/planner"
)

// behind is a cloud in which some values of a type are still the old ones.
type behind map[string]resource.PropertyMap

func (b behind) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	state := args.Inputs.Copy()
	for k, v := range b[args.TypeToken] {
		state[k] = v
	}
	return args.Name + "-id", state, nil
}

func (behind) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// lines runs a program in that cloud and answers the output it returns.
func (b behind) lines(t *testing.T, program func(*pulumi.Context) (pulumi.StringArrayOutput, error)) []string {
	t.Helper()
	told := make(chan []string, 1)
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		out, err := program(ctx)
		if err != nil {
			return err
		}
		ctx.Export("waiting", out.ApplyT(func(lines []string) []string { told <- lines; return lines }))
		return nil
	}, pulumi.WithMocks(planner.Project, "prod", b))
	if err != nil {
		t.Fatal(err)
	}
	return <-told
}

// date is that of the next window, which depends on today.
var date = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}`)

func undated(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = date.ReplaceAllString(line, "DATE")
	}
	return out
}

func TestAnUpdateSaysWhatWaitsForTheDatabasesWindow(t *testing.T) {
	const instance = "aws:rds/instance:Instance"
	cloud := behind{instance: {
		"instanceClass": resource.NewProperty("db.r7g.large"), "engineVersionActual": resource.NewProperty("17.5"),
		"allocatedStorage": resource.NewProperty(700.0), // grown by itself: nothing waits
		"iops":             resource.NewProperty(12000.0), "storageThroughput": resource.NewProperty(500.0),
	}}
	primary := func(a database.Args) func(*pulumi.Context) (pulumi.StringArrayOutput, error) {
		return func(ctx *pulumi.Context) (pulumi.StringArrayOutput, error) {
			db, err := database.New(ctx, "rag", a)
			if err != nil {
				return pulumi.StringArrayOutput{}, err
			}
			return db.Waiting[0].ToStringArrayOutput(), nil
		}
	}
	args := databaseShapes["prod"]()
	want := []string{"database rag: instanceClass is db.r7g.large, declared db.r7g.xlarge, engineVersion is 17.5, declared 17.6: " +
		"waits for the maintenance window sun:03:00-sun:04:00, the next on DATE 03:00 UTC. `ragscale pending apply --stack prod` does it now"}
	if d := cmp.Diff(want, undated(cloud.lines(t, primary(args)))); d != "" {
		t.Errorf("an update: (-want +got)\n%s", d)
	}
	args.ApplyImmediately = true
	if got := cloud.lines(t, primary(args)); len(got) > 0 {
		t.Errorf("at once: says %q, want nothing", got)
	}
	if got := (behind{}).lines(t, primary(databaseShapes["prod"]())); len(got) > 0 {
		t.Errorf("nothing waits: says %q", got)
	}
}

func TestAnUpdateSaysWhatWaitsForTheCachesWindow(t *testing.T) {
	const group = "aws:elasticache/replicationGroup:ReplicationGroup"
	waiting := func(a cache.Args) func(*pulumi.Context) (pulumi.StringArrayOutput, error) {
		return func(ctx *pulumi.Context) (pulumi.StringArrayOutput, error) {
			c, err := cache.New(ctx, "rag", a)
			if err != nil {
				return pulumi.StringArrayOutput{}, err
			}
			return c.Waiting, nil
		}
	}
	args := smallCache()
	args.NodeType, args.Replicas, args.MaintenanceWindow = "cache.r7g.xlarge", 1, "sun:04:00-sun:05:00"
	small := behind{group: {
		"nodeType": resource.NewProperty("cache.r7g.large"), "engineVersionActual": resource.NewProperty("7.1.0"), // a patch of 7.1
	}}
	got := undated(small.lines(t, waiting(args)))
	if len(got) != 1 || !strings.HasPrefix(got[0], "cache rag: nodeType is cache.r7g.large, declared cache.r7g.xlarge: waits for the maintenance window sun:04:00") {
		t.Errorf("got %q", got)
	}
	args.Replicas = 0
	if got := small.lines(t, waiting(args)); len(got) > 0 {
		t.Errorf("a node alone is changed at once: says %q, want nothing", got)
	}
}
