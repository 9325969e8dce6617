package dashboards_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/ragscale/ragscale/components/observability/dashboards"
	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/slo"
)

// limit is a threshold of a value.
func limit(v float64) slo.Threshold { return slo.Threshold{Value: v} }

// full has every tier.
func full() rules.Config {
	return rules.Config{
		RunbookURL: "https://example.test/operations", Namespaces: []string{"rag", "vectors"},
		PgBouncer: true, Cache: true, Autoscaling: true, VectorStore: true,
		Thresholds: slo.Thresholds{
			API: slo.API{
				ErrorRatio: limit(0.001), ResponseSeconds: limit(2), ComplexSearchSeconds: limit(5), UploadSecondsPerMB: limit(30), ThroughputRPS: limit(1000),
			},
			Nodes: slo.Nodes{StoragePercent: limit(85)}, PgBouncer: slo.PgBouncer{WaitingClients: limit(5)},
			Scaling: slo.Scaling{AtMaximumMinutes: limit(15), UnschedulableMinutes: limit(5)},
		},
	}
}

func metricsOf(t *testing.T, expr string) []string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	var names []string
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			names = append(names, v.Name)
		}
		return nil
	})
	return names
}

// panels are those of the rendered JSON, so that what is tested is what Grafana gets.
type panels struct {
	Title, UID string
	Panels     []struct {
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct{ Expr, LegendFormat string }
	}
}

func rendered(t *testing.T, c rules.Config) map[string]panels {
	t.Helper()
	files, err := dashboards.Files(c)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]panels{}
	for name, text := range files {
		var p panels
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = p
	}
	return all
}

func TestQueriesUseOnlyMetricsThatAreServed(t *testing.T) {
	c := full()
	for name, d := range rendered(t, c) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, metric := range metricsOf(t, target.Expr) {
					if !c.Known(metric) {
						t.Errorf("%s: %s asks for %s, which is neither scraped nor recorded", name, p.Title, metric)
					}
				}
			}
		}
	}
}

func TestNoMetricIsKeptInVain(t *testing.T) {
	used := map[string]bool{}
	c := full()
	for _, f := range c.Files() {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				for _, metric := range metricsOf(t, r.Expr) {
					used[metric] = true
				}
			}
		}
	}
	for _, d := range rendered(t, c) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, metric := range metricsOf(t, target.Expr) {
					used[metric] = true
				}
			}
		}
	}
	for job, metrics := range rules.Metrics {
		for _, metric := range metrics {
			if !used[metric] {
				t.Errorf("%s of %s is listed, and neither a rule nor a dashboard asks for it", metric, job)
			}
		}
	}
}

func TestPanelsFitTheGridWithoutOverlap(t *testing.T) {
	for name, d := range rendered(t, full()) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: %q is at %+v, want it within 24 columns", name, p.Title, p.GridPos)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q lies on %q", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func TestEveryLineHasALegend(t *testing.T) {
	for name, d := range rendered(t, full()) {
		for _, p := range d.Panels {
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: %q shows nothing", name, p.Title)
			}
			for _, target := range p.Targets {
				if target.LegendFormat == "" {
					t.Errorf("%s: a line of %q has no legend", name, p.Title)
				}
			}
		}
	}
}

func TestObjectivesComeFirst(t *testing.T) {
	pages := dashboards.Pages(full())
	if pages[0].Name != "objectives" {
		t.Errorf("the first page is %s, want objectives", pages[0].Name)
	}
	var tiers []string
	for _, row := range pages[1].Rows {
		tiers = append(tiers, row.Title)
	}
	want := []string{"API", "Cache, as the API sees it", "PgBouncer", "PostgreSQL, as the API sees it", "Uploads", "Chroma"}
	if !slices.Equal(tiers, want) {
		t.Errorf("the way of a request is %q, want %q", tiers, want)
	}
}
