package platform

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/observability"
	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks"
)

// found is a threshold as the graph has it.
type found struct {
	where string // "alarm node-cpu", "rule HPAFlapping", "autoscaler rag-prod-worker spec.maxReplicas"
	value float64
}

// origin is where a threshold may come from: an objective, a key of the configuration, or a constant with a reason.
type origin struct {
	where, name, reason string
	value               float64
}

// TestEveryThresholdHasAnOrigin walks production's graph. How long something has to be wrong is no threshold: that
// belongs to the alarm.
func TestEveryThresholdHasAnOrigin(t *testing.T) {
	configure(t, "prod", nil)
	g, origins := graph.Run(t, "prod", Declare), originsOf(t, "prod")
	all := thresholdsIn(t, g)
	for _, kind := range []string{"alarm", "rule", "autoscaler", "load test", "primary", "replica", "cache", "pooler", "capacity"} {
		if !slices.ContainsFunc(all, func(f found) bool { return strings.HasPrefix(f.where, kind+" ") }) {
			t.Errorf("the graph has no threshold of kind %s: what is looked for is gone", kind)
		}
	}
	for _, f := range all {
		if !explained(f, origins) {
			t.Errorf("%s is %v, which follows from no objective and no named constant", f.where, f.value)
		}
	}
}

func TestEveryOriginHasAReason(t *testing.T) {
	for _, o := range originsOf(t, "prod") {
		if o.name == "" || o.reason == "" {
			t.Errorf("%+v: want a name and a reason", o)
		}
	}
}

// explained tells whether a threshold is an origin of its place, or the product of two.
func explained(f found, origins []origin) bool {
	var here []float64
	for _, o := range origins {
		if o.where == f.where {
			here = append(here, o.value)
		}
	}
	same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }
	for i, a := range here {
		if same(f.value, a) {
			return true
		}
		for _, b := range here[:i] {
			if same(f.value, a*b) {
				return true
			}
		}
	}
	return false
}

func originsOf(t *testing.T, stack string) []origin {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := stacks.Parse(stack, values)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(watched(cfg), replicas(cfg), load(cfg), parameters(cfg), pooler(cfg), capacity(cfg))
}

// watched are the thresholds of alarms and rules, and their constants.
func watched(cfg *stacks.Config) []origin {
	var all []origin
	add := func(watches []string, o origin) {
		for _, w := range watches {
			o.where = "rule " + w
			if strings.ToLower(w) == w && !strings.Contains(w, ":") {
				o.where = "alarm " + w
			}
			all = append(all, o)
		}
	}
	for _, row := range cfg.Thresholds().Rows() {
		add(slo.Watched()[row.ID()], origin{name: row.ID(), reason: row.Reason, value: row.Value})
	}
	for _, c := range observability.Constants() {
		add(c.Watches, origin{name: c.Name, reason: c.Reason, value: c.Value})
	}
	// What is recorded once, and compared with by several alerts.
	api := cfg.Thresholds().API
	for _, r := range []struct {
		series, name string
		slo.Threshold
	}{
		{"slo:budget:ratio", "API.ErrorRatio", api.ErrorRatio}, {"slo:bad:rate5m", "API.ResponseSeconds", api.ResponseSeconds},
		{"slo:bad:rate5m", "API.ComplexSearchSeconds", api.ComplexSearchSeconds}, {"slo:bad:rate5m", "API.UploadSecondsPerMB", api.UploadSecondsPerMB},
	} {
		add([]string{r.series}, origin{name: r.name, reason: r.Reason, value: r.Value})
	}
	return all
}

// replicas are what horizontal autoscalers are given: the objectives, with each workload's own bounds.
func replicas(cfg *stacks.Config) []origin {
	var all []origin
	pgbouncer := cfg.PgBouncerHPA()
	pgbouncer.MemoryPercent = 0
	for name, h := range map[string]struct {
		stacks.HPA
		bounds string
	}{
		"rag-prod": {cfg.SLO.HPA, "slo.hpa"}, "rag-prod-worker": {cfg.WorkerHPA(), "api.worker"}, "rag-prod-pgbouncer": {pgbouncer, "pgbouncer"},
	} {
		for field, o := range map[string]origin{
			"minReplicas": {name: h.bounds, value: float64(h.MinReplicas)}, "maxReplicas": {name: h.bounds, value: float64(h.MaxReplicas)},
			"cpu": {name: "slo.hpa.cpuPercent", value: float64(h.CPUPercent)}, "memory": {name: "slo.hpa.memoryPercent", value: float64(h.MemoryPercent)},
		} {
			all = append(all, origin{where: "autoscaler " + name + " " + field, name: o.name, reason: "configured", value: o.value})
		}
	}
	return all
}

func load(cfg *stacks.Config) []origin {
	l := cfg.LoadThresholds()
	var all []origin
	for field, o := range map[string]origin{
		"responseMillis": {name: "slo.responseSeconds", value: float64(l.ResponseMillis)}, "complexSearchMillis": {name: "slo.complexSearchSeconds", value: float64(l.ComplexSearchMillis)},
		"uploadSecondsPerMB": {name: "slo.uploadSecondsPerMB", value: l.UploadSecondsPerMB}, "failedRatio": {name: "slo.availabilityPercent", value: l.FailedRatio},
		"recallRatio": {name: "slo.recallPercent", value: l.RecallRatio}, "degradedRatio": {name: "slo.availabilityPercent", value: l.DegradedRatio},
		"freshnessSeconds":  {name: "slo.freshnessSeconds", value: l.FreshnessSeconds},
		"droppedIterations": {name: "LoadThresholds.DroppedIterations", value: float64(l.DroppedIterations)},
	} {
		all = append(all, origin{where: "load test " + field, name: o.name, reason: "Config.LoadThresholds", value: o.value})
	}
	return all
}

// parameters are those of the servers that are plain numbers; a formula follows from the instance class.
func parameters(cfg *stacks.Config) []origin {
	var all []origin
	for server, list := range map[string][]stacks.Parameter{
		"primary": cfg.DatabaseParameters(), "replica": cfg.ReplicaParameters(), "cache": cfg.CacheParameters(),
	} {
		for _, p := range list {
			if v, err := strconv.ParseFloat(p.Value, 64); err == nil {
				all = append(all, origin{where: server + " " + p.Name, name: p.Name, reason: p.Reason, value: v})
			}
		}
	}
	return all
}

func pooler(cfg *stacks.Config) []origin {
	pools, wait := cfg.Pools().PgBouncer, float64(cfg.QueryWaitSeconds())
	return []origin{
		{"pooler pool_size", "Pools.PgBouncer.Write", "the pool chain", float64(pools.Write)},
		{"pooler pool_size", "Pools.PgBouncer.Read", "the pool chain", float64(pools.Read)},
		{"pooler max_client_conn", "Pools.PgBouncer.MaxClients", "the pool chain", float64(pools.MaxClients)},
		{"pooler query_wait_timeout", "QueryWaitSeconds", "stacks.QueryWaitSeconds", wait},
		{"pooler server_connect_timeout", "QueryWaitSeconds / 2", "half of the wait may go into making a connection", wait / 2},
	}
}

// capacity is the room that is kept for more load, and how long the edge waits for an answer.
func capacity(cfg *stacks.Config) []origin {
	pods, _ := cfg.OverProvisioning()
	return []origin{
		{"capacity over-provisioning pods", "OverProvisioning", "node start × slope ÷ a pod's share of slo.throughputRPS", float64(pods)},
		{"capacity edge read timeout", "EdgeReadTimeoutSeconds", "stacks.EdgeReadTimeoutSeconds", float64(cfg.EdgeReadTimeoutSeconds())},
	}
}

func thresholdsIn(t *testing.T, g graph.Graph) []found {
	t.Helper()
	return slices.Concat(alarmsIn(g), rulesIn(t, g), autoscalersIn(g), loadTestsIn(t, g), parametersIn(g), poolerIn(g), capacityIn(g))
}

// subject is the part of an alarm's name that tells replicas, cache nodes and windows apart.
var subject = regexp.MustCompile(`-(replica-[0-9]+|[0-9]{3}|[0-9]+[mh])$`)

func alarmsIn(g graph.Graph) []found {
	var all []found
	for _, a := range g.OfType("aws:cloudwatch/metricAlarm:MetricAlarm") {
		if v, isNumber := a.Input("threshold").(float64); isNumber {
			all = append(all, found{"alarm " + subject.ReplaceAllString(strings.TrimPrefix(a.Name, "rag-prod-"), ""), v})
		}
	}
	return all
}

// rulesIn are the numbers that rules calculate and compare with, and the bounds of histograms that they ask for; durations
// of ranges are not among them.
func rulesIn(t *testing.T, g graph.Graph) []found {
	t.Helper()
	var all []found
	for _, r := range g.OfType("aws:amp/ruleGroupNamespace:RuleGroupNamespace") {
		var file rules.File
		if err := yaml.Unmarshal([]byte(fmt.Sprint(r.Input("data"))), &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				for _, v := range numbersIn(t, rule.Expr) {
					all = append(all, found{"rule " + rule.Alert + rule.Record, v})
				}
			}
		}
	}
	return all
}

func numbersIn(t *testing.T, text string) []float64 {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var all []float64
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.NumberLiteral:
			all = append(all, n.Val)
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				if v, err := strconv.ParseFloat(strings.TrimSuffix(m.Value, `(\.0)?`), 64); err == nil && m.Name == "le" {
					all = append(all, v)
				}
			}
		}
		return nil
	})
	return all
}

func autoscalersIn(g graph.Graph) []found {
	var all []found
	for _, h := range g.OfType("kubernetes:autoscaling/v2:HorizontalPodAutoscaler") {
		for _, field := range []string{"minReplicas", "maxReplicas"} {
			if v, isNumber := h.Input("spec." + field).(float64); isNumber {
				all = append(all, found{"autoscaler " + h.Name + " " + field, v})
			}
		}
		metrics, _ := h.Input("spec.metrics").([]any)
		for i := range metrics {
			at := fmt.Sprintf("spec.metrics[%d].resource.", i)
			if v, isNumber := h.Input(at + "target.averageUtilization").(float64); isNumber {
				all = append(all, found{fmt.Sprintf("autoscaler %s %v", h.Name, h.Input(at+"name")), v})
			}
		}
	}
	return all
}

func loadTestsIn(t *testing.T, g graph.Graph) []found {
	t.Helper()
	var all []found
	for _, c := range g.OfType("kubernetes:core/v1:ConfigMap") {
		text, isScenario := c.Input(`data["scenario.json"]`).(string)
		if !isScenario {
			continue
		}
		var scenario struct{ Thresholds map[string]float64 }
		if err := json.Unmarshal([]byte(text), &scenario); err != nil {
			t.Fatal(err)
		}
		for field, v := range scenario.Thresholds {
			all = append(all, found{"load test " + field, v})
		}
	}
	return all
}

func parametersIn(g graph.Graph) []found {
	var all []found
	for _, groups := range []string{"aws:rds/parameterGroup:ParameterGroup", "aws:elasticache/parameterGroup:ParameterGroup"} {
		for _, group := range g.OfType(groups) {
			server := "primary"
			switch {
			case strings.Contains(groups, "elasticache"):
				server = "cache"
			case strings.Contains(group.Name, "replica"):
				server = "replica"
			}
			list, _ := group.Input("parameters").([]any)
			for _, e := range list {
				p, _ := e.(map[string]any)
				if v, err := strconv.ParseFloat(fmt.Sprint(p["value"]), 64); err == nil {
					all = append(all, found{fmt.Sprintf("%s %v", server, p["name"]), v})
				}
			}
		}
	}
	return all
}

// size is a setting of PgBouncer that limits who waits for how long.
var size = regexp.MustCompile(`\b(pool_size|max_client_conn|query_wait_timeout|server_connect_timeout) ?= ?([0-9.]+)`)

func poolerIn(g graph.Graph) []found {
	var all []found
	ini := fmt.Sprint(g.Find("kubernetes:core/v1:ConfigMap", "rag-prod-pgbouncer").Input(`data["pgbouncer.ini"]`))
	for _, m := range size.FindAllStringSubmatch(ini, -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			all = append(all, found{"pooler " + m[1], v})
		}
	}
	return all
}

func capacityIn(g graph.Graph) []found {
	var all []found
	for _, d := range g.OfType("kubernetes:apps/v1:Deployment") {
		if v, isNumber := d.Input("spec.replicas").(float64); isNumber {
			all = append(all, found{"capacity over-provisioning pods", v})
		}
	}
	for _, d := range g.OfType("aws:cloudfront/distribution:Distribution") {
		origins, _ := d.Input("origins").([]any)
		for i := range origins {
			for _, kind := range []string{"vpcOriginConfig", "customOriginConfig"} {
				if v, isNumber := d.Input(fmt.Sprintf("origins[%d].%s.originReadTimeout", i, kind)).(float64); isNumber {
					all = append(all, found{"capacity edge read timeout", v})
				}
			}
		}
	}
	return all
}
