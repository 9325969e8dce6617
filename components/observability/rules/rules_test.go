package rules_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/slo"
)

// limit is a threshold of a value.
func limit(v float64) slo.Threshold { return slo.Threshold{Value: v} }

// targets are the default objectives.
func targets() rules.Config {
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

func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v %v, want some", files, err)
	}
	return files
}

func alerts(c rules.Config) []rules.Rule {
	var all []rules.Rule
	for _, f := range c.Files() {
		for _, g := range f.Groups {
			all = append(all, slices.DeleteFunc(slices.Clone(g.Rules), func(r rules.Rule) bool { return r.Alert == "" })...)
		}
	}
	return all
}

// Every script names all alerts that fire: each fires on its own fault, and is quiet on every other.
func TestAlertsFireOnTheirFaultsAndOnNoOther(t *testing.T) {
	for _, file := range scripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, file)
			r := newRuler(t, s, targets())
			at := time.Duration(0)
			for _, c := range s.checks {
				var firing []string
				for ; at <= c.at; at += s.step {
					firing = r.evaluate(time.Unix(0, 0).UTC().Add(at))
				}
				if diff := cmp.Diff(c.firing, firing, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("at %s (-want +firing):\n%s", c.at, diff)
				}
			}
		})
	}
}

// Dashboards show a zero while all is well, not a hole.
func TestObjectivesHaveAShareWhileNothingFails(t *testing.T) {
	r := newRuler(t, readScript(t, "testdata/healthy.txt"), targets())
	var at time.Time
	for minute := range 11 {
		at = time.Unix(0, 0).UTC().Add(time.Duration(minute) * time.Minute)
		r.evaluate(at)
	}
	for _, slo := range []string{"availability", "latency", "complex-search", "upload"} {
		if shares := r.query(`slo:bad:ratio_1h{slo="`+slo+`"}`, at); len(shares) != 1 {
			t.Errorf("%s has %d shares, want 1", slo, len(shares))
		}
	}
}

func TestEveryAlertHasAScriptInWhichItFires(t *testing.T) {
	fired := map[string]bool{}
	for _, file := range scripts(t) {
		for _, c := range readScript(t, file).checks {
			for _, name := range c.firing {
				fired[name] = true
			}
		}
	}
	for _, a := range alerts(targets()) {
		if !fired[a.Alert] {
			t.Errorf("%s fires in no script of testdata", a.Alert)
		}
		delete(fired, a.Alert)
	}
	for name := range fired {
		t.Errorf("%s is in a script and in no rule", name)
	}
}

func TestFilesAreWhatPrometheusReads(t *testing.T) {
	for _, f := range targets().Files() {
		text, err := f.YAML()
		if err != nil {
			t.Fatal(err)
		}
		groups, faults := rulefmt.Parse([]byte(text), false, model.LegacyValidation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
		for _, fault := range faults {
			t.Errorf("%s: %v", f.Name, fault)
		}
		if groups == nil || len(groups.Groups) != len(f.Groups) {
			t.Errorf("%s is read as %v, want %d groups", f.Name, groups, len(f.Groups))
		}
	}
}

func TestRulesUseOnlyMetricsThatAreServed(t *testing.T) {
	c := targets()
	for _, f := range c.Files() {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				for _, name := range metricsOf(t, r.Expr) {
					if !c.Known(name) {
						t.Errorf("%s%s asks for %s, which is neither scraped nor recorded", r.Record, r.Alert, name)
					}
				}
			}
		}
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

// The objectives are counted in buckets: the API's own bounds must be the ones that are counted with.
func TestBoundsAreTheAPIsOwn(t *testing.T) {
	m := metrics.New(metrics.Build{})
	m.Request("/", "GET", 200, time.Second)
	m.Search("complex", time.Second)
	m.Processed(document.Document{})
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string][]float64{}
	for _, f := range families {
		if h := f.GetMetric()[0].GetHistogram(); h != nil {
			for _, b := range h.GetBucket() {
				if !math.IsInf(b.GetUpperBound(), 1) {
					served[f.GetName()] = append(served[f.GetName()], b.GetUpperBound())
				}
			}
		}
	}
	for name, want := range map[string][]float64{
		"ragapi_http_request_duration_seconds": rules.RequestBuckets, "ragapi_search_duration_seconds": rules.RequestBuckets,
		"ragapi_document_processing_seconds_per_megabyte": rules.ProcessingBuckets,
	} {
		if diff := cmp.Diff(want, served[name]); diff != "" {
			t.Errorf("%s (-counted with +served):\n%s", name, diff)
		}
	}
}

// An objective between two bounds counts with the lower one.
func TestALimitIsNeverLaxerThanItsObjective(t *testing.T) {
	for objective, want := range map[float64]string{2: "2(\\.0)?", 3: `2\.5`, 1.9: `1\.75`, 60: "30(\\.0)?", 0.001: `0\.005`} {
		c := targets()
		c.Thresholds.API.ResponseSeconds.Value = objective
		text, err := c.Files()[0].YAML()
		if err != nil {
			t.Fatal(err)
		}
		if bucket := `ragapi_http_request_duration_seconds_bucket{route!~"/healthz|/readyz",le=~` + "`" + want + "`}"; !strings.Contains(text, bucket) {
			t.Errorf("objective %v s: no %s in\n%s", objective, bucket, text)
		}
	}
}

func TestTiersThatAreNotThereHaveNoAlerts(t *testing.T) {
	c := targets()
	c.PgBouncer, c.Autoscaling, c.VectorStore = false, false, false
	for _, a := range alerts(c) {
		for _, tier := range []string{"pgbouncer_", "cluster_autoscaler_", "vpa_", "kubelet_"} {
			if strings.Contains(a.Expr, tier) {
				t.Errorf("%s asks for %s…, of a tier that is not there", a.Alert, tier)
			}
		}
	}
}
