package stacks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

func TestOverProvisioningHoldsTheRiseDuringANodesStart(t *testing.T) {
	tests := map[string]struct {
		stack, autoscaling string
		want               int
	}{
		"250 requests/s per minute for 2 minutes, 50 for each pod":   {"prod", `{}`, 10},
		"a part of a pod is a pod":                                   {"prod", `{"slopeRPSPerMinute": 251}`, 11},
		"twice the start, twice the pods, but not above maxReplicas": {"prod", `{"nodeStartSeconds": 240}`, 17},
		"no slope, no pods":                                          {"prod", `{"slopeRPSPerMinute": 0}`, 0},
		"none in development":                                        {"dev", `{}`, 0},
		"one on one machine":                                         {"local", `{}`, 1},
	}
	for name, tt := range tests {
		c := mustParse(t, tt.stack, map[string]string{"ragscale:autoscaling": tt.autoscaling})
		got, each := c.OverProvisioning()
		if got != tt.want {
			t.Errorf("%s: %d pods, want %d", name, got, tt.want)
		}
		if each != c.API.Requests {
			t.Errorf("%s: each holds %v, an API pod %v", name, each, c.API.Requests)
		}
	}
}

func TestSlopeIsThePeakScenariosUnlessSaid(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:loadTests": `{"scenarios": {"peak": {"users": 600, "rampUpSeconds": 60, "thinkSeconds": 2}}}`})
	if got := c.Autoscaling.SlopeRPSPerMinute; got != 300 {
		t.Errorf("slope is %v, want 300", got)
	}
}

func TestNodesStayAsLongAsAWaveMayComeBack(t *testing.T) {
	prod, local := mustParse(t, "prod", nil).NodeScaling(), mustParse(t, "local", nil).NodeScaling()
	if prod.ScaleDownUnneededSeconds != 600 || prod.MaxNodeProvisionSeconds != 360 {
		t.Errorf("production: %+v", prod)
	}
	if local.ScaleDownUnneededSeconds != 50 {
		t.Errorf("local: %+v", local)
	}
}

func TestSpotIsAskedForNodesFirst(t *testing.T) {
	want := map[int][]string{30: {"burst"}, 20: {"api"}, 10: {"loadtest", "system"}}
	if diff := cmp.Diff(want, mustParse(t, "prod", nil).NodeScaling().Priorities); diff != "" {
		t.Error(diff)
	}
}

func TestEveryNodeGroupHasAPriority(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		c := mustParse(t, stack, nil)
		n := 0
		for _, groups := range c.NodeScaling().Priorities {
			n += len(groups)
		}
		if n != len(c.NodeGroupNames()) {
			t.Errorf("%s: %d of %d groups", stack, n, len(c.NodeGroupNames()))
		}
	}
}

func TestVerticalAutoscalersRecommendUnlessToldToAct(t *testing.T) {
	if mustParse(t, "prod", nil).VerticalActs() {
		t.Error("by default one acts")
	}
	if !mustParse(t, "prod", map[string]string{"ragscale:autoscaling": `{"vertical": {"chroma": {"mode": "InPlaceOrRecreate"}}}`}).VerticalActs() {
		t.Error("none acts")
	}
}

func TestAutoscalersThatFightAreAFault(t *testing.T) {
	faultTable(t, []faultCase{
		{"autoscaling", `{"vertical": {"api": {"mode": "InPlaceOrRecreate", "resources": ["cpu", "memory"]}}}`,
			"ragscale:autoscaling.vertical.api.mode is \"InPlaceOrRecreate\" for cpu, which the horizontal autoscaler acts on, want Off, or resources [memory] with slo.hpa.memoryPercent 0\n" +
				`ragscale:autoscaling.vertical.api.mode is "InPlaceOrRecreate" for memory, which the horizontal autoscaler acts on, want Off, or resources [memory] with slo.hpa.memoryPercent 0`},
		{"autoscaling", `{"vertical": {"worker": {"mode": "Initial", "resources": ["memory"]}}}`,
			`ragscale:autoscaling.vertical.worker.mode is "Initial" for memory, which the horizontal autoscaler acts on, want Off, or resources [memory] with slo.hpa.memoryPercent 0`},
		{"autoscaling", `{"vertical": {"pgbouncer": {"mode": "InPlaceOrRecreate"}}}`,
			`ragscale:autoscaling.vertical.pgbouncer.mode is "InPlaceOrRecreate" for cpu, which the horizontal autoscaler acts on, want Off, or resources [memory]`},
		{"autoscaling", `{"vertical": {"pgbouncer": {"mode": "InPlaceOrRecreate", "resources": ["memory"]}, "chroma": {"mode": "InPlaceOrRecreate"}}}`, `<nil>`},
		{"autoscaling", `{"vertical": {"chroma": {"mode": "Auto"}}}`, `ragscale:autoscaling.vertical.chroma.mode is "Auto", want one of Off, Initial, InPlaceOrRecreate`},
		{"autoscaling", `{"vertical": {"chroma": {"resources": ["cpu", "cpu"]}}}`, `ragscale:autoscaling.vertical.chroma.resources[1] is "cpu" again, want each resource once`},
		{"autoscaling", `{"vertical": {"chroma": {"resources": ["disk"]}}}`, `ragscale:autoscaling.vertical.chroma.resources[0] is "disk", want one of cpu, memory`},
		{"slo", `{"hpa": {"memoryPercent": 5}}`, `ragscale:slo.hpa.memoryPercent is 5, want at least 10, or 0 for CPU alone`},
		{"autoscaling", `{"nodeStartSeconds": 0}`, `ragscale:autoscaling.nodeStartSeconds is 0, want a whole number from 5 to 1800`},
		{"autoscaling", `{"slopeRPSPerMinute": -1}`, `ragscale:autoscaling.slopeRPSPerMinute is -1, want a number from 0 to 10000000`},
	})
}

// Without a memory target the API's vertical autoscaler may act on memory, and still not on CPU.
func TestWithoutAMemoryTargetTheVerticalAutoscalerHasMemory(t *testing.T) {
	with := func(resources string) error {
		_, err := parse(map[string]string{
			"ragscale:slo":         `{"hpa": {"memoryPercent": 0}}`,
			"ragscale:autoscaling": `{"vertical": {"api": {"mode": "InPlaceOrRecreate", "resources": ` + resources + `}}}`,
		})
		return err
	}
	if err := with(`["memory"]`); err != nil {
		t.Error(err)
	}
	want := `ragscale:autoscaling.vertical.api.mode is "InPlaceOrRecreate" for cpu, which the horizontal autoscaler acts on, want Off, or resources [memory]`
	if got := text(with(`["cpu"]`)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAVerticalAutoscalerThatOnlyRecommendsHasNoBounds(t *testing.T) {
	got := mustParse(t, "prod", nil).VerticalPolicies().Chroma
	if diff := cmp.Diff(stacks.VerticalPolicy{Mode: "Off", Resources: []string{"cpu", "memory"}}, got); diff != "" {
		t.Error(diff)
	}
}

// The nodes of development are m7g.large: 1430m and 5500Mi are free for pods.
func TestAVerticalAutoscalerStaysWithinLimitAndNode(t *testing.T) {
	tests := map[string]struct {
		pooler, chroma                          string
		poolerMin, poolerMax, least, chromaMost string
	}{
		"limits that stay are the most": {
			`{"requests": {"cpu": "100m", "memory": "96Mi"}, "limits": {"memory": "160Mi"}}`, `{"requests": {"cpu": "200m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}`,
			"48Mi", "160Mi", "512Mi", "2750Mi",
		},
		"the node is, where it is less": {
			`{"requests": {"cpu": "100m", "memory": "96Mi"}, "limits": {"memory": "64Gi"}}`, `{"requests": {"cpu": "200m", "memory": "4Gi"}, "limits": {"memory": "4Gi"}}`,
			"48Mi", "5500Mi", "2Gi", "5500Mi",
		},
		"nothing shrinks for a limit above the node": {
			`{}`, `{"requests": {"cpu": "200m", "memory": "4Gi"}, "limits": {"memory": "8Gi"}}`,
			"", "", "2Gi", "4Gi",
		},
	}
	for name, tt := range tests {
		p := mustParse(t, "dev", map[string]string{
			"ragscale:pgbouncer": tt.pooler, "ragscale:vectorStore": tt.chroma,
			"ragscale:autoscaling": `{"vertical": {"pgbouncer": {"mode": "Initial", "resources": ["memory"]}, "chroma": {"mode": "InPlaceOrRecreate", "resources": ["memory"]}}}`,
		}).VerticalPolicies()
		if tt.poolerMin != "" {
			got := []string{p.PgBouncer.Min.Memory.String(), p.PgBouncer.Max.Memory.String()}
			if diff := cmp.Diff([]string{tt.poolerMin, tt.poolerMax}, got); diff != "" {
				t.Errorf("%s: PgBouncer: %s", name, diff)
			}
		}
		got := []string{p.Chroma.Min.Memory.String(), p.Chroma.Max.Memory.String()}
		if diff := cmp.Diff([]string{tt.least, tt.chromaMost}, got); diff != "" {
			t.Errorf("%s: Chroma: %s", name, diff)
		}
		if p.Chroma.Max.CPU != 0 {
			t.Errorf("%s: Chroma's CPU is bounded by %s, and none of its concern", name, p.Chroma.Max.CPU)
		}
	}
}

// A node full of API pods at their target must stay below the alarm on nodes.
func TestTargetAtItsAlarmIsAFault(t *testing.T) {
	faultTable(t, []faultCase{
		{"slo", `{"hpa": {"cpuPercent": 85}}`,
			"ragscale:slo.hpa.cpuPercent is 85, want at most 76: with 5 API pods at that target a node of api is at 77 % of its cpu, and the alarm is at slo.cpuPercent, 70"},
		{"cluster", `{"nodeGroups": {"api": {}, "system": {"min": 4, "desired": 4}}}`, `ragscale:cluster.nodeGroups.system.max is 3, want at least min, 4`},
	})
}

func TestMemoryTargetAtItsAlarmIsAFault(t *testing.T) {
	_, err := parse(map[string]string{"ragscale:slo": `{"memoryPercent": 30}`, "ragscale:cache": `{"workingSetMiB": 128}`})
	want := "ragscale:slo.hpa.memoryPercent is 80, want at most 67: with 5 API pods at that target a node of api is at 35 % of its memory, and the alarm is at slo.memoryPercent, 30"
	if got := text(err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPodThatFitsNoNodeIsAFault(t *testing.T) {
	faultTable(t, []faultCase{
		{"pgbouncer", `{"requests": {"cpu": "8", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}`,
			`ragscale:pgbouncer.requests is cpu 8 and memory 1Gi, which fits no node of api or burst, want at most what their largest instance type can allocate: cpu 1430m and memory 5500Mi`},
		{"vectorStore", `{"requests": {"cpu": "1", "memory": "64Gi"}, "limits": {"memory": "64Gi"}}`,
			`ragscale:vectorStore.requests is cpu 1 and memory 64Gi, which fits no node of api or burst, want at most what their largest instance type can allocate: cpu 1430m and memory 5500Mi`},
		{"loadTests", `{"requests": {"cpu": "8", "memory": "1Gi"}}`,
			`ragscale:loadTests.requests is cpu 8 and memory 1Gi, which fits no node of loadtest, want at most cpu 3420m and memory 5500Mi`},
	})
}

// faultCase is a value of a key of stack dev and the whole report; "<nil>" if it is fine.
type faultCase struct{ key, value, want string }

func faultTable(t *testing.T, cases []faultCase) {
	t.Helper()
	for _, tt := range cases {
		_, err := parse(map[string]string{"ragscale:" + tt.key: tt.value})
		if got := text(err); got != tt.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", tt.key, tt.value, got, tt.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return "<nil>"
	}
	return err.Error()
}
