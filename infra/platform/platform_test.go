package platform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/stacks"
)

const password = "correct-horse-battery"

// configure gives the program a stack's own file with some keys changed, as Pulumi's language host would.
func configure(t *testing.T, stack string, change map[string]any) {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, v := range change {
		key, field, _ := strings.Cut(path, ".")
		values["ragscale:"+key] = changed(t, values["ragscale:"+key], field, v)
	}
	values[stacks.DatabasePasswordKey], values[stacks.CachePasswordKey] = password, password
	setJSON(t, pulumi.EnvConfig, values)
	setJSON(t, pulumi.EnvConfigSecretKeys, []string{stacks.DatabasePasswordKey, stacks.CachePasswordKey})
}

func setJSON(t *testing.T, name string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(name, string(b))
}

// changed sets the field at a dotted path of a block of JSON.
func changed(t *testing.T, block, path string, value any) string {
	t.Helper()
	root := map[string]any{}
	if block != "" {
		if err := json.Unmarshal([]byte(block), &root); err != nil {
			t.Fatal(err)
		}
	}
	m, keys := root, strings.Split(path, ".")
	for _, k := range keys[:len(keys)-1] {
		next, ok := m[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[k] = next
		}
		m = next
	}
	m[keys[len(keys)-1]] = value
	b, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEachStackDeclaresItsTree(t *testing.T) {
	for _, stack := range []string{"dev", "prod", "local"} {
		t.Run(stack, func(t *testing.T) {
			configure(t, stack, nil)
			g := graph.Run(t, stack, Declare)
			graph.Golden(t, "testdata/"+stack+".golden", strings.Join(g.Paths(), "\n")+"\n")
			if g.OutputsRegistered != g.Components()+1 {
				t.Errorf("%d components and the stack registered outputs %d times, want once each", g.Components(), g.OutputsRegistered)
			}
		})
	}
}

func TestThePasswordIsNowhereInClear(t *testing.T) {
	configure(t, "prod", nil)
	if text := graph.Run(t, "prod", Declare).Text(); strings.Contains(text, password) {
		t.Error("the database password stands in the graph, want it secret in every resource")
	}
}

func TestAFaultyConfigurationDeclaresNothing(t *testing.T) {
	configure(t, "prod", map[string]any{"database.storageGiB": 1, "network.zones": 9})
	g, err := graph.Try("prod", false, Declare)
	if err == nil || len(g.Paths()) > 0 {
		t.Fatalf("error is %v and %d resources are declared, want the faults and none", err, len(g.Paths()))
	}
	for _, want := range []string{"ragscale:database.storageGiB is 1", "ragscale:network.zones is 9"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}

// The rules and the stack's thresholds both know the fastest burn rate, and import nothing of each other.
func TestTheFastestBurnRateIsOneNumber(t *testing.T) {
	if rules.FastestBurn != stacks.FastestBurn {
		t.Errorf("rules fire at %v times the budget, the stack's thresholds are derived from %v", rules.FastestBurn, stacks.FastestBurn)
	}
}
