package components_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/pgbouncer"
	"github.com/ragscale/ragscale/components/ragapi"
	"github.com/ragscale/ragscale/components/vectorstore"
)

const vpaType = "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"

// spec is what a VerticalPodAutoscaler may do, without whom it does it to.
func verticalSpec(vpa graph.Resource) map[string]any {
	return map[string]any{"update": vpa.Input("spec.updatePolicy"), "containers": vpa.Input("spec.resourcePolicy.containerPolicies")}
}

func TestAVerticalAutoscalerThatActsHasBounds(t *testing.T) {
	api := smallAPI()
	api.Worker.HPA.Min, api.Worker.HPA.MemoryPercent = 1, 0
	api.VerticalAutoscaling.Worker = ragapi.VerticalAutoscaling{
		Mode: "InPlaceOrRecreate", Resources: []string{"memory"}, Min: ragapi.Resources{Memory: "64Mi"}, Max: ragapi.Resources{Memory: "256Mi"},
	}
	pooler := smallPooler()
	pooler.VerticalAutoscaling = pgbouncer.VerticalAutoscaling{
		Mode: "Initial", Resources: []string{"memory"}, Min: pgbouncer.Resources{Memory: "64Mi"}, Max: pgbouncer.Resources{Memory: "128Mi"},
	}
	store := smallVectorStore()
	store.VerticalAutoscaling = vectorstore.VerticalAutoscaling{
		Mode: "InPlaceOrRecreate", Resources: []string{"cpu", "memory"},
		Min: vectorstore.Resources{CPU: "50m", Memory: "128Mi"}, Max: vectorstore.Resources{CPU: "2", Memory: "12Gi"},
	}
	for name, c := range map[string]struct {
		got  graph.Resource
		want map[string]any
	}{
		// A worker may be the only one: without minReplicas the updater leaves it alone.
		"worker": {graph.Run(t, "dev", declareAPI(api)).Find(vpaType, "api-worker-vpa"), map[string]any{
			"update": map[string]any{"updateMode": "InPlaceOrRecreate", "minReplicas": 1.0},
			"containers": []any{map[string]any{
				"containerName": "agentic-rag-worker", "controlledResources": []any{"memory"}, "controlledValues": "RequestsOnly",
				"minAllowed": map[string]any{"memory": "64Mi"}, "maxAllowed": map[string]any{"memory": "256Mi"},
			}},
		}},
		"pooler": {graph.Run(t, "dev", declarePooler(pooler)).Find(vpaType, "rag-pgbouncer-vpa"), map[string]any{
			"update": map[string]any{"updateMode": "Initial"},
			"containers": []any{map[string]any{
				"containerName": "pgbouncer", "controlledResources": []any{"memory"}, "controlledValues": "RequestsOnly",
				"minAllowed": map[string]any{"memory": "64Mi"}, "maxAllowed": map[string]any{"memory": "128Mi"},
			}},
		}},
		// The index must be in memory whole: the limit grows along.
		"vector store": {graph.Run(t, "dev", declareVectorStore(store)).Find(vpaType, "vectors-vpa"), map[string]any{
			"update": map[string]any{"updateMode": "InPlaceOrRecreate", "minReplicas": 1.0},
			"containers": []any{map[string]any{
				"containerName": "chroma", "controlledResources": []any{"cpu", "memory"}, "controlledValues": "RequestsAndLimits",
				"minAllowed": map[string]any{"cpu": "50m", "memory": "128Mi"}, "maxAllowed": map[string]any{"cpu": "2", "memory": "12Gi"},
			}},
		}},
	} {
		if diff := cmp.Diff(c.want, verticalSpec(c.got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestVerticalAutoscalersFaultsNameTheField(t *testing.T) {
	api := func(v ragapi.VerticalAutoscaling) func(*testing.T, string) {
		return func(t *testing.T, want string) {
			args := smallAPI()
			args.VerticalAutoscaling.API = v
			wantFault(t, declareAPI(args), want)
		}
	}
	pooler := func(v pgbouncer.VerticalAutoscaling) func(*testing.T, string) {
		return func(t *testing.T, want string) {
			args := smallPooler()
			args.VerticalAutoscaling = v
			wantFault(t, declarePooler(args), want)
		}
	}
	store := func(v vectorstore.VerticalAutoscaling) func(*testing.T, string) {
		return func(t *testing.T, want string) {
			args := smallVectorStore()
			args.VerticalAutoscaling = v
			wantFault(t, declareVectorStore(args), want)
		}
	}
	for want, try := range map[string]func(*testing.T, string){
		"ragapi.VerticalAutoscaling.API.Mode is InPlaceOrRecreate for cpu, which the horizontal autoscaler acts on, want Off": api(ragapi.VerticalAutoscaling{Mode: "InPlaceOrRecreate", Resources: []string{"cpu"}}),
		"ragapi.VerticalAutoscaling.API.Mode is Initial for memory, which the horizontal autoscaler acts on, want Off":        api(ragapi.VerticalAutoscaling{Mode: "Initial", Resources: []string{"memory"}}),
		`ragapi.VerticalAutoscaling.API.Mode is "Auto", want one of Off, Initial, InPlaceOrRecreate`:                          api(ragapi.VerticalAutoscaling{Mode: "Auto", Resources: []string{"memory"}}),
		"ragapi.VerticalAutoscaling.API.Resources is empty, want cpu, memory or both":                                         api(ragapi.VerticalAutoscaling{Mode: "Off"}),
		`ragapi.VerticalAutoscaling.API.Resources[0] is "disk", want cpu or memory`:                                           api(ragapi.VerticalAutoscaling{Mode: "Off", Resources: []string{"disk"}}),
		"pgbouncer.VerticalAutoscaling.Mode is Initial for cpu, which the horizontal autoscaler acts on, want Off or memory alone": pooler(pgbouncer.VerticalAutoscaling{
			Mode: "Initial", Resources: []string{"cpu"},
		}),
		`pgbouncer.VerticalAutoscaling.Max.Memory is "", want a quantity above 0 such as 250m or 512Mi`: pooler(pgbouncer.VerticalAutoscaling{
			Mode: "Initial", Resources: []string{"memory"}, Min: pgbouncer.Resources{Memory: "1Mi"},
		}),
		"pgbouncer.VerticalAutoscaling.Max.Memory is 1Mi with Min.Memory 2Mi, want no less": pooler(pgbouncer.VerticalAutoscaling{
			Mode: "Initial", Resources: []string{"memory"}, Min: pgbouncer.Resources{Memory: "2Mi"}, Max: pgbouncer.Resources{Memory: "1Mi"},
		}),
		"vectorstore.VerticalAutoscaling.Max.CPU is 1 with Min.CPU 2, want no less": store(vectorstore.VerticalAutoscaling{
			Mode: "Initial", Resources: []string{"cpu"}, Min: vectorstore.Resources{CPU: "2"}, Max: vectorstore.Resources{CPU: "1"},
		}),
	} {
		t.Run(want, func(t *testing.T) { try(t, want) })
	}
}
