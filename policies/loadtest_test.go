package main_test

import (
	"maps"
	"testing"

	"github.com/ragscale/ragscale/policies/rules"
)

// generator is a Job that runs k6 as it should, with some of its settings changed.
func generator(run, pod map[string]any) rules.Resource {
	spec := map[string]any{
		"restartPolicy": "Never", "nodeSelector": map[string]any{"ragscale.io/pool": "loadtest"},
		"tolerations": []any{map[string]any{"key": "ragscale.io/pool", "value": "loadtest", "effect": "NoSchedule"}},
		"containers":  []any{map[string]any{"name": "k6", "image": "grafana/k6:1.4.0"}},
	}
	maps.Copy(spec, pod)
	run = maps.Clone(run)
	run["template"] = map[string]any{"spec": spec}
	return resourceFrom("kubernetes:batch/v1:Job", "load", map[string]any{"spec": run})
}

func TestLoadGeneratorsStayOnTheirNodesAndRunOnce(t *testing.T) {
	rule, _ := rules.Named("loadtest-pods-apart")
	once := map[string]any{"backoffLimit": 0.0}
	for name, c := range map[string]struct {
		run, pod map[string]any
		faults   int
	}{
		"one generator":                 {run: once},
		"several, none of them again":   {run: map[string]any{"backoffLimit": 3.0, "backoffLimitPerIndex": 0.0}},
		"run again by default":          {run: map[string]any{}, faults: 1},
		"each of several run again":     {run: map[string]any{"backoffLimit": 0.0, "backoffLimitPerIndex": 1.0}, faults: 1},
		"container started again":       {run: once, pod: map[string]any{"restartPolicy": "OnFailure"}, faults: 1},
		"on the API's nodes":            {run: once, pod: map[string]any{"nodeSelector": map[string]any{"ragscale.io/pool": "api"}}, faults: 1},
		"on any node":                   {run: once, pod: map[string]any{"nodeSelector": nil}, faults: 1},
		"kept off by the nodes' taint":  {run: once, pod: map[string]any{"tolerations": []any{}}, faults: 1},
		"what generates no load at all": {run: map[string]any{}, pod: map[string]any{"containers": []any{map[string]any{"image": "k6s/agent:1"}}}},
	} {
		if found := rule.Find(generator(c.run, c.pod), rules.Thresholds{}); len(found) != c.faults {
			t.Errorf("%s: %v, want %d", name, found, c.faults)
		}
	}
}
