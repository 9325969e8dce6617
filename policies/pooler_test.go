package main_test

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/ragscale/ragscale/policies/rules"
)

const (
	connectionBudget = "connection-budget"
	poolerNamespace  = "pooled"
)

// pooledStack has the API, two workers of 10 connections beside it, and three PgBouncer pods, before max_connections.
func pooledStack(ini property.Value, maxConnections string) rules.Stack {
	deployment := func(name string, replicas float64, env ...any) rules.Resource {
		return resourceFrom("kubernetes:apps/v1:Deployment", name, map[string]any{
			"kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": poolerNamespace},
			"spec": map[string]any{
				"replicas": replicas, "strategy": map[string]any{"rollingUpdate": map[string]any{"maxSurge": 0.0}},
				"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": name, "env": env}}}},
			},
		})
	}
	pool := func(size string) any { return map[string]any{"name": "DATABASE_POOL_SIZE", "value": size} }
	config := resourceFrom("kubernetes:core/v1:ConfigMap", "pgbouncer", map[string]any{
		"metadata": map[string]any{"name": "pgbouncer", "namespace": poolerNamespace},
	})
	config.Inputs = config.Inputs.Set("data", property.New(property.NewMap(map[string]property.Value{"pgbouncer.ini": ini})))
	group := resourceFrom("aws:rds/parameterGroup:ParameterGroup", "db", map[string]any{
		"parameters": []any{map[string]any{"name": "max_connections", "value": maxConnections}},
	})
	return rules.Stack{Resources: []rules.Resource{
		deployment("agentic-rag-api", 20, pool("100")), deployment("agentic-rag-worker", 2, pool("10")), deployment("pgbouncer", 3), config, group,
	}}
}

func resourceFrom(typ, name string, inputs map[string]any) rules.Resource {
	return rules.Resource{Type: typ, Name: name, Inputs: resource.FromResourcePropertyMap(resource.NewPropertyMapFromMap(inputs))}
}

func budgetFindings(t *testing.T, s rules.Stack) string {
	t.Helper()
	for _, r := range rules.All() {
		if r.Name == connectionBudget {
			return fmt.Sprint(r.FindInStack(s, rules.Thresholds{}))
		}
	}
	t.Fatal("no rule " + connectionBudget)
	return ""
}

const pooledINI = `[databases]
rag = host=primary port=5432 dbname=rag pool_size=12
rag_ro = host=%s port=5432 dbname=rag pool_size=40 load_balance_hosts=round-robin
[pgbouncer]
max_client_conn = 310
`

// 3 × 12 + 2 × 10 + 15 = 71; with the reads on the primary 3 × 40 more.
func TestConnectionBudgetCountsPgBouncersPoolsInsteadOfTheAPIs(t *testing.T) {
	for name, c := range map[string]struct {
		ini, maxConnections string
		fine                bool
	}{
		"as many as are held":        {fmt.Sprintf(pooledINI, "replica"), "71", true},
		"one too few":                {fmt.Sprintf(pooledINI, "replica"), "70", false},
		"reads on the primary":       {fmt.Sprintf(pooledINI, "primary"), "191", true},
		"reads too many by a little": {fmt.Sprintf(pooledINI, "primary"), "190", false},
	} {
		found := budgetFindings(t, pooledStack(property.New(c.ini), c.maxConnections))
		if fine := found == "[]"; fine != c.fine {
			t.Errorf("%s: %s", name, found)
		}
	}
}

func TestConnectionBudgetIsUndecidedWhilePgBouncersConfigurationIs(t *testing.T) {
	if found := budgetFindings(t, pooledStack(property.New(property.Computed), "20")); found != "[]" {
		t.Errorf("%s, want no verdict", found)
	}
}
