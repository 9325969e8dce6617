package platform

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/observability"
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
	args := watchedArgs(cfg)
	args.Region = cfg.Region
	identify(&args)
	return args.Watched()
}

// identify gives every identifier that args ask for a value: what has one is there.
func identify(args *observability.Args) {
	one := pulumi.StringInput(pulumi.String("x"))
	fields := reflect.ValueOf(args).Elem()
	for i := range fields.NumField() {
		switch f := fields.Field(i); f.Type() {
		case reflect.TypeFor[pulumi.StringInput]():
			f.Set(reflect.ValueOf(one))
		case reflect.TypeFor[map[string]pulumi.StringInput]():
			f.Set(reflect.ValueOf(map[string]pulumi.StringInput{"001": one}))
		}
	}
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
