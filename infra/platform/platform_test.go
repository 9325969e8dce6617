package platform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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

func parameter(t *testing.T, g graph.Graph, name string) string {
	t.Helper()
	group := g.Find("aws:rds/parameterGroup:ParameterGroup", "rag-prod")
	list, ok := group.Input("parameters").([]any)
	if !ok {
		t.Fatalf("parameters are %T, want a list", group.Input("parameters"))
	}
	for _, e := range list {
		if p, ok := e.(map[string]any); ok && p["name"] == name {
			return fmt.Sprint(p["value"])
		}
	}
	t.Fatalf("parameter %s is not in the group", name)
	return ""
}

// TestAnObjectiveReachesWhatFollowsFromIt changes one objective and follows it to where it acts.
func TestAnObjectiveReachesWhatFollowsFromIt(t *testing.T) {
	hpa := func(path string) func(*testing.T, graph.Graph) string {
		return func(_ *testing.T, g graph.Graph) string {
			return fmt.Sprint(g.Find("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "rag-prod").Input(path))
		}
	}
	database := func(name string) func(*testing.T, graph.Graph) string {
		return func(t *testing.T, g graph.Graph) string { return parameter(t, g, name) }
	}
	alarm := func(name string) func(*testing.T, graph.Graph) string {
		return func(_ *testing.T, g graph.Graph) string {
			return fmt.Sprint(g.Find("aws:cloudwatch/metricAlarm:MetricAlarm", "rag-prod-"+name).Input("threshold"))
		}
	}
	for objective, c := range map[string]struct {
		value any
		where map[string]func(*testing.T, graph.Graph) string
		want  map[string]string
	}{
		"slo.responseSeconds": {1, map[string]func(*testing.T, graph.Graph) string{
			"log_min_duration_statement": database("log_min_duration_statement"), "max_connections": database("max_connections"),
			"API latency alarm": alarm("api-latency"),
		}, map[string]string{"API latency alarm": "1", "log_min_duration_statement": "250", "max_connections": "111"}},
		"slo.complexSearchSeconds": {10, map[string]func(*testing.T, graph.Graph) string{
			"statement_timeout": database("statement_timeout"),
		}, map[string]string{"statement_timeout": "60000"}},
		"slo.throughputRPS": {2000, map[string]func(*testing.T, graph.Graph) string{
			"max_connections": database("max_connections"),
		}, map[string]string{"max_connections": "223"}},
		"slo.cpuPercent": {75, map[string]func(*testing.T, graph.Graph) string{
			"node CPU alarm": alarm("node-cpu"), "database CPU alarm": alarm("database-cpu"),
		}, map[string]string{"node CPU alarm": "75", "database CPU alarm": "75"}},
		"slo.memoryPercent": {90, map[string]func(*testing.T, graph.Graph) string{
			"node memory alarm": alarm("node-memory"), "database memory alarm": alarm("database-memory"),
		}, map[string]string{"node memory alarm": "90", "database memory alarm": "3.4359738368e+09"}},
		"slo.storagePercent": {50, map[string]func(*testing.T, graph.Graph) string{
			"database storage alarm": alarm("database-storage"),
		}, map[string]string{"database storage alarm": "2.147483648e+11"}},
		"slo.availabilityPercent": {99, map[string]func(*testing.T, graph.Graph) string{
			"edge errors alarm": alarm("edge-errors"),
		}, map[string]string{"edge errors alarm": "14.4"}},
		"slo.hpa.maxReplicas": {12, map[string]func(*testing.T, graph.Graph) string{
			"HPA maximum": hpa("spec.maxReplicas"),
		}, map[string]string{"HPA maximum": "12"}},
		"slo.hpa.cpuPercent": {55, map[string]func(*testing.T, graph.Graph) string{
			"HPA CPU target": hpa("spec.metrics[0].resource.target.averageUtilization"),
		}, map[string]string{"HPA CPU target": "55"}},
	} {
		t.Run(objective, func(t *testing.T) {
			configure(t, "prod", map[string]any{objective: c.value})
			g := graph.Run(t, "prod", Declare)
			for _, name := range slices.Sorted(maps.Keys(c.where)) {
				if got := c.where[name](t, g); got != c.want[name] {
					t.Errorf("%s is %s, want %s", name, got, c.want[name])
				}
			}
		})
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
