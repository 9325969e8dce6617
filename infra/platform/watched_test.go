package platform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks"
)

// watchedInProduction is which alarms and alerts name which threshold, with every tier there.
func watchedInProduction(t *testing.T) map[string][]string {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := stacks.Parse("prod", values)
	if err != nil {
		t.Fatal(err)
	}
	args, some := watchedArgs(cfg), map[string]pulumi.StringInput{"001": pulumi.String("x")}
	args.Region, args.DistributionID, args.DatabaseInstanceID = cfg.Region, pulumi.String("x"), pulumi.String("x")
	args.ReplicaIDs, args.CacheClusterIDs = some, some
	return args.Watched()
}

func TestWatchedIsWhatAlarmsAndAlertsName(t *testing.T) {
	watched := watchedInProduction(t)
	var text strings.Builder
	for _, row := range new(slo.Thresholds).Rows() {
		if len(watched[row.ID()]) == 0 {
			t.Errorf("no alarm or alert names %s", row.ID())
		}
		fmt.Fprintf(&text, "%s: %s\n", row.ID(), strings.Join(watched[row.ID()], ", "))
		delete(watched, row.ID())
	}
	if len(watched) > 0 {
		t.Errorf("%v are thresholds of no stack", watched)
	}
	graph.Golden(t, "../../slo/watched.txt", text.String())
}
