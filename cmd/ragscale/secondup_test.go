package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/planner"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/readback"
	"github.com/ragscale/ragscale/stacks"
)

// What AWS answers otherwise than it was sent would be a difference at every update: the program sends what is answered.
func TestNothingOfTheStacksIsReadBackOtherwiseThanItIsSent(t *testing.T) {
	for _, stack := range []string{"prod", "dev", localStack} {
		config, err := stacks.ReadFile("../../Pulumi." + stack + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		config[stacks.DatabasePasswordKey], config[stacks.CachePasswordKey] = "0123456789abcdef0123", "0123456789abcdef0123"
		plan, err := planner.Run(planner.Options{Stack: stack, Config: config, Secrets: []string{stacks.DatabasePasswordKey, stacks.CachePasswordKey}}, platform.Declare)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range plan.Resources {
			state := readback.State(r.Type, nil, r.Inputs)
			if d := cmp.Diff(r.Inputs.Mappable(), readback.Inputs(r.Type, r.Inputs, state).Mappable()); d != "" {
				t.Errorf("%s: %s %s (-sent +answered): %s", stack, r.Type, r.Name, d)
			}
		}
	}
}
