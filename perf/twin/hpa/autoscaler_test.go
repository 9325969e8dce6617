package hpa

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rules are written as those of Kubernetes' tests: pods, their period, percent, their period, stabilization.
func rules(pods int, podsPeriod float64, percent int, percentPeriod, stabilization float64) Rules {
	r := Rules{StabilizationSeconds: stabilization, Select: SelectMax, Tolerance: -1}
	if pods > 0 {
		r.Policies = append(r.Policies, Policy{Pods, pods, podsPeriod})
	}
	if percent > 0 {
		r.Policies = append(r.Policies, Policy{Percent, percent, percentPeriod})
	}
	return r
}

// spread are changes in the middles of equal parts of a period that ends now.
func spread(period float64, counts ...int) (all []moment) {
	part := period / float64(len(counts))
	for i, n := range counts {
		all = append(all, moment{at - (period - part*float64(i+1) + part/2), n})
	}
	return all
}

// TestPoliciesAreKubernetes holds limits to the cases of Kubernetes' TestScalingWithRules
// (pkg/controller/podautoscaler/horizontal_test.go, v1.37.2).
func TestPoliciesAreKubernetes(t *testing.T) {
	up, down := rules(4, 15, 100, 15, 0), rules(0, 0, 100, 15, 300) // Kubernetes' defaults
	for _, c := range []struct {
		name                    string
		least, most             int
		up, down                Rules
		upEvents, downEvents    []moment
		current, proposed, want int
		limit                   string
	}{
		{"within", 3, 8, up, down, nil, nil, 5, 7, 7, ""},
		{"minimum", 2, 8, up, down, nil, nil, 3, 1, 2, "minimum"},
		{"maximum", 100, 150, up, down, nil, nil, 100, 1000, 150, "maximum"},
		{"percent of one rounds up", 1, 2000, rules(0, 0, 1, 60, 0), down, nil, nil, 3, 1000, 4, "policies"},
		{"defaults double", 1, 1000, up, down, nil, nil, 10, 50, 20, "policies"},
		{"pods above percent", 1, 1000, rules(100, 60, 100, 60, 0), down, nil, nil, 10, 500, 110, "policies"},
		{"percent above pods", 1, 1000, rules(2, 60, 100, 60, 0), down, nil, nil, 10, 500, 20, "policies"},
		{"pods alone", 1, 1000, rules(30, 60, 0, 0, 0), down, nil, nil, 10, 50, 40, "policies"},
		{"percent alone", 1, 1000, rules(0, 0, 200, 60, 0), down, nil, nil, 10, 50, 30, "policies"},
		{"down, pods above percent", 1, 1000, up, rules(20, 60, 1, 60, 300), nil, nil, 100, 2, 80, "policies"},
		{"down, percent and pods", 1, 1000, up, rules(2, 60, 1, 60, 300), nil, nil, 100, 2, 98, "policies"},
		{"down to the minimum", 5, 1000, up, rules(0, 0, 100, 60, 300), nil, nil, 10, 2, 5, "minimum"},
		{"down by half", 1, 1000, up, rules(0, 0, 50, 60, 300), nil, nil, 10, 5, 5, ""},
		{"up after changes, to the maximum", 1, 200, rules(300, 60, 0, 0, 0), down, spread(120, 1, 5, 9), nil, 100, 500, 200, "maximum"},
		{"up after more changes than are let", 1, 1000, rules(5, 120, 0, 0, 0), down, spread(120, 1, 5, 9), nil, 100, 500, 100, "policies"},
		{"pods after changes", 1, 1000, rules(150, 120, 0, 0, 0), down, spread(120, 1, 5, 9), nil, 100, 500, 235, "policies"},
		{"percent after changes", 1, 1000, rules(0, 0, 200, 120, 0), down, spread(120, 1, 5, 9), nil, 100, 500, 255, "policies"},
		{"up after changes both ways", 1, 1000, rules(0, 0, 300, 300, 0), down, spread(120, 4), spread(120, 2), 6, 24, 16, "policies"},
		{"down after changes, pods", 1, 1000, up, rules(5, 120, 0, 0, 300), nil, spread(120, 1, 5, 9), 100, 2, 100, "policies"},
		{"down after changes, percent", 1, 1000, up, rules(0, 0, 50, 120, 300), nil, spread(120, 2, 4, 6), 100, 0, 56, "policies"},
		{"down after changes both ways", 1, 1000, up, rules(0, 0, 50, 180, 0), spread(120, 2), spread(120, 4), 10, 1, 6, "policies"},
		{"down no further", 1, 1000, up, rules(0, 0, 10, 120, 300), nil, spread(120, 10, 10, 10), 100, 0, 100, "policies"},
		{"percent that reach below zero", 1, 1000, up, rules(0, 0, 1000, 120, 300), nil, spread(120, 10, 10, 10), 10, 5, 5, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Autoscaler{Spec: Spec{Min: c.least, Max: c.most, Up: c.up, Down: c.down}, up: c.upEvents, down: c.downEvents}
			if got, limit := a.bounded(c.current, c.proposed, at); got != c.want || limit != c.limit {
				t.Errorf("%d, limited by %q; want %d, by %q", got, limit, c.want, c.limit)
			}
		})
	}
}

func TestSelectPolicyMinAndDisabled(t *testing.T) {
	r := rules(100, 60, 100, 60, 0)
	for selected, want := range map[string]int{SelectMin: 20, SelectMax: 110, SelectDisabled: 10} {
		r.Select = selected
		a := Autoscaler{Spec: Spec{Min: 1, Max: 1000, Up: r}}
		if got, _ := a.bounded(10, 500, at); got != want {
			t.Errorf("%s: %d, want %d", selected, got, want)
		}
	}
}

// TestStabilizationIsKubernetes: cases of TestNormalizeDesiredReplicasWithBehavior (as above).
func TestStabilizationIsKubernetes(t *testing.T) {
	minutes := func(ago float64, count int) moment { return moment{at - 60*ago, count} }
	for _, c := range []struct {
		name                    string
		before                  []moment
		current, proposed, want int
		up, down                float64
	}{
		{"nothing before", nil, 100, 5, 5, 0, 0},
		{"down", []moment{minutes(2, 4), minutes(1, 5)}, 100, 3, 5, 0, 180},
		{"up", []moment{minutes(2, 4), minutes(1, 5)}, 1, 7, 4, 300, 0},
		{"not down", []moment{minutes(2, 1), minutes(1, 2)}, 100, 3, 3, 300, 0},
		{"not up", []moment{minutes(2, 4), minutes(1, 5)}, 1, 3, 3, 0, 300},
		{"too old", []moment{minutes(10, 10), minutes(9, 9)}, 100, 3, 3, 0, 180},
		{"some too old", []moment{minutes(10, 10), minutes(1, 4), minutes(2, 5), minutes(9, 9)}, 100, 3, 5, 0, 180},
		{"up, some too old", []moment{minutes(100, 10), minutes(1, 6), minutes(2, 5), minutes(3, 9)}, 1, 100, 5, 300, 0},
		{"both, not up", []moment{minutes(100, 2), minutes(3, 3)}, 2, 1, 2, 300, 300},
		{"both, not down", []moment{minutes(100, 2), minutes(3, 1)}, 2, 3, 2, 300, 300},
	} {
		a := Autoscaler{recommended: c.before, Spec: Spec{Up: Rules{StabilizationSeconds: c.up},
			Down: Rules{StabilizationSeconds: c.down}}}
		if got := a.stabilize(c.current, c.proposed, at); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestFirstRecommendationIsWhatThereWas: a controller that starts does not scale down at once
// (TestScaleDownStabilizeInitialSize).
func TestFirstRecommendationIsWhatThereWas(t *testing.T) {
	a := Autoscaler{Settings: Defaults(), Spec: Spec{Min: 2, Max: 6, Metrics: []Target{{CPU, 50}},
		Up: rules(4, 15, 100, 15, 0), Down: rules(0, 0, 100, 15, 300)}}
	pods := podsOf([]pod{{used: 100}, {used: 300}, {used: 500}, {used: 250}, {used: 250}})
	if d := a.Decide(5, pods, at); d.Replicas != 5 || d.Proposed != 3 || d.Limit != "stabilization" {
		t.Errorf("%+v, want 5 replicas, 3 proposed", d)
	}
	if d := a.Decide(5, pods, at+301); d.Replicas != 3 {
		t.Errorf("five minutes later %+v, want 3 replicas", d)
	}
}

// TestSeveralMetrics: the most counts; one that fails holds replicas where they are unless another wants more.
func TestSeveralMetrics(t *testing.T) {
	pods := podsOf([]pod{{used: 300}, {used: 500}, {used: 700}})
	decide := func(percent int, memory int64) Decision {
		for i := range pods {
			pods[i].Requests[Memory] = 100
			delete(pods[i].Usage, Memory)
			if memory > 0 {
				pods[i].Usage[Memory] = Usage{Value: float64(memory)}
			}
		}
		a := Autoscaler{Settings: Defaults(), Spec: Spec{Min: 1, Max: 100, Metrics: []Target{{CPU, percent}, {Memory, 10}},
			Up: rules(100, 15, 0, 0, 0), Down: rules(0, 0, 100, 15, 0)}}
		return a.Decide(3, pods, at)
	}
	for _, c := range []struct {
		name    string
		percent int
		memory  int64
		want    int
	}{
		{"CPU asks for more", 30, 10, 5}, {"memory asks for more", 30, 30, 9}, {"one fails, the other wants more", 30, 0, 5},
		{"one fails, the other wants fewer", 100, 0, 3},
	} {
		if d := decide(c.percent, c.memory); d.Replicas != c.want {
			t.Errorf("%s: %+v, want %d", c.name, d, c.want)
		}
	}
}

func TestParseFillsKubernetesDefaults(t *testing.T) {
	text := `{"minReplicas":3,"maxReplicas":20,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":
	{"type":"Utilization","averageUtilization":70}}}],"behavior":{"scaleDown":{"policies":
	[{"type":"Percent","value":25,"periodSeconds":60}]}}}`
	s, err := Parse([]byte(text), Defaults())
	want := Spec{Min: 3, Max: 20, Metrics: []Target{{CPU, 70}}, Up: rules(4, 15, 100, 15, 0), Down: rules(0, 0, 25, 60, 300)}
	if diff := cmp.Diff(want, s); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestParseNamesAllFaults(t *testing.T) {
	text := `{"minReplicas":5,"maxReplicas":2,"metrics":[{"type":"External"}],"behavior":{"scaleUp":{"selectPolicy":"Most",
	"stabilizationWindowSeconds":9999,"policies":[{"type":"Nodes","value":0,"periodSeconds":0}]}}}`
	_, err := Parse([]byte(text), Defaults())
	for _, want := range []string{"spec.metrics[0]", "replicas are 5 to 2", "there is no metric",
		"stabilizationWindowSeconds is 9999", `selectPolicy is "Most"`, "scaleUp.policies[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant in it %q", err, want)
		}
	}
}
