package main_test

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/policies/pack"
	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/stacks"
)

// today is before every date that these tests name.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// subject is a stack of the project as the pack sees it.
type subject struct {
	rules.Stack
	settings pack.Settings
	t        *testing.T
}

var subjects sync.Map // of what declare returned, by stack

// declare runs the platform's program for a stack of the project. Every test gets a copy of its own.
func declare(t *testing.T, stack string) subject {
	t.Helper()
	made, done := subjects.Load(stack)
	if !done {
		made = declareOnce(t, stack)
		subjects.Store(stack, made)
	}
	s := made.(subject)
	s.Resources, s.t = slices.Clone(s.Resources), t
	return s
}

func declareOnce(t *testing.T, stack string) subject {
	values, err := stacks.ReadFile("../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := pack.Read(stack, values, today)
	if err != nil {
		t.Fatal(err)
	}
	configure(t, values)
	s := subject{settings: settings}
	for _, r := range graph.Run(t, stack, platform.Declare).Resources {
		s.Resources = append(s.Resources, resourceOf(r))
	}
	return s
}

// configure hands a configuration to the program, as the engine would.
func configure(t *testing.T, values map[string]string) {
	values = maps.Clone(values)
	values[stacks.DatabasePasswordKey], values[stacks.CachePasswordKey] = "correct-horse-battery", "correct-horse-battery"
	for name, v := range map[string]any{pulumi.EnvConfig: values, pulumi.EnvConfigSecretKeys: []string{stacks.DatabasePasswordKey, stacks.CachePasswordKey}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, string(text))
	}
}

func resourceOf(r graph.Resource) rules.Resource {
	return rules.Resource{
		Type: r.Type, Name: r.Name, URN: r.Path, Inputs: resource.FromResourcePropertyMap(r.Inputs),
		Protect: r.Protect, IgnoreChanges: r.IgnoreChanges, Sources: r.Inherits,
	}
}

// stopped lists the mandatory rules that find fault with the stack, advised the advisory ones; sorted.
func (s subject) stopped() []string { return s.found(rules.Mandatory) }
func (s subject) advised() []string { return s.found(rules.Advisory) }

func (s subject) found(level rules.Level) []string {
	names := []string{}
	for _, r := range rules.All() {
		if r.Levels.In(s.settings.Thresholds.Environment) == level && len(s.findings(r)) > 0 {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (s subject) findings(r rules.Rule) []rules.Finding {
	found := r.FindInStack(s.Stack, s.settings.Thresholds)
	for _, res := range s.Resources {
		found = append(found, r.Find(res, s.settings.Thresholds)...)
	}
	return found
}
