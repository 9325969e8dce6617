package recommend

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// stackFile copies a stack's file, and returns it with its configuration.
func stackFile(t *testing.T, stack string, more func(string) string) (name string, text []byte, cfg *stacks.Config) {
	t.Helper()
	text, err := os.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	if more != nil {
		text = []byte(more(string(text)))
	}
	name = filepath.Join(t.TempDir(), "Pulumi."+stack+".yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	values, err := stacks.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err = stacks.Parse(stack, values)
	if err != nil {
		t.Fatal(err)
	}
	return name, text, cfg
}

// runOf is a run of a stack with 200 users who pause a second.
func runOf(t *testing.T, cfg *stacks.Config) *load.Run {
	t.Helper()
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	run, err := load.Merge("normal-1", []load.Result{{
		Scenario:    load.Scenario{Name: "normal", Users: 200, DurationSeconds: 600, ThinkSeconds: 1, Generators: 1},
		Environment: map[string]string{"stack": cfg.Stack, "configuration": cfg.Digest()},
		BeganAt:     &began, EndedAt: began.Add(10 * time.Minute),
		Metrics: map[string]load.Metric{"iterations": {Values: map[string]float64{"count": 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// found is a diagnosis with one cause, which has 80 % of 2 s at 66 requests/s.
func found(t *testing.T, cfg *stacks.Config, causes ...string) *diagnose.Diagnosis {
	t.Helper()
	d, err := diagnose.Of(runOf(t, cfg), nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.Outcome, d.Findings = diagnose.Named, nil
	for _, c := range causes {
		tier := "database"
		if c == "workers" {
			tier = "upload workers"
		}
		d.Findings = append(d.Findings, diagnose.Finding{Cause: c, Tier: tier, Says: c, Share: 0.8, Section: "Database CPU"})
	}
	d.Split.Parts = []diagnose.Part{{Name: "x", Millis: 2000}}
	d.Split.Client = diagnose.Fact{Value: 2}
	d.Laws.Rate.Value = 66
	d.Laws.Tiers = []diagnose.Tier{{Name: "first", Bound: 68}, {Name: "second", Bound: 150}}
	return d
}

// priced is what a configuration costs by the items that keys here change.
func priced(stack string) Check {
	return func(values map[string]string) (Cost, error) {
		cfg, err := stacks.Parse(stack, values)
		if err != nil {
			return Cost{}, err
		}
		api := cfg.Cluster.NodeGroups["api"]
		b := price.Estimate(cfg.Region, []price.Item{
			{Name: "nodes", Service: price.NodeHours, Type: api.InstanceTypes[0], Min: float64(api.Min), Max: float64(api.Max)},
			{Name: "database", Service: price.DatabaseHours, Type: cfg.Database.InstanceClass, Min: 1 + float64(cfg.Database.Replicas), Max: 1 + float64(cfg.Database.Replicas)},
			{Name: "cache", Service: price.CacheHours, Type: cfg.Cache.NodeType, Min: 1, Max: 1},
		})
		return Cost{b.MinUSD, b.MaxUSD}, nil
	}
}

// limited says what a stack of its own would: a limit of the processor, a parameter that is too small.
func limited(text string) string {
	if strings.Contains(text, "ragscale:database:\n") {
		text = strings.Replace(text, "ragscale:database:\n", "ragscale:database:\n    parameters: {shared_buffers: \"16384\"} # ours\n", 1)
	} else {
		text += "\n  ragscale:database:\n    parameters: {shared_buffers: \"16384\"} # ours\n"
	}
	return strings.Replace(text, "ragscale:api:\n", "ragscale:api:\n    limits:\n      cpu: 900m # the most\n", 1)
}

// mending are causes that a key mends, with the key that the first recommendation has to change.
var mending = map[string]string{
	"generator": "loadTests.scenarios.normal.generators", "unschedulable": "cluster.nodeGroups.api.max", "hpa-maximum": "slo.hpa.maxReplicas",
	"cpu-limit": "api.limits.cpu", "nodes": "cluster.nodeGroups.api.max", "garbage": "api.limits.memory", "api-memory": "api.limits.memory",
	"database-cpu": "database.instanceClass", "database-reads": "database.parameters.shared_buffers",
	"database-writes": "database.parameters.max_wal_size", "cache-full": "cache.nodeType", "vectors": "vectorStore.requests.cpu",
	"workers": "api.worker.max",
}

// Every patch, on a copy of each stack's own file, changes the key that mends the cause, and is one that the stack's rules
// allow; of the file nothing else changes.
func TestTheFirstRecommendationMendsItsCause(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		for _, cause := range slices.Sorted(maps.Keys(mending)) {
			name, text, cfg := stackFile(t, stack, limited)
			a, err := For(Input{Diagnosis: found(t, cfg, cause), Run: runOf(t, cfg), File: name, Text: text, Check: priced(stack)})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Recommendations) == 0 {
				t.Errorf("%s, %s: nothing is recommended: %v", stack, cause, a.Refused)
				continue
			}
			first := a.Recommendations[0]
			if !slices.ContainsFunc(first.Edits, func(e Edit) bool { return e.Key == mending[cause] }) {
				t.Errorf("%s, %s: the first changes %v, want %s; left %v", stack, cause, first.Edits, mending[cause], a.Refused)
			}
			for i := range a.Recommendations {
				applies(t, a, i, cfg)
			}
		}
	}
}

// applies writes a recommendation to the file, loads it, and puts the file back.
func applies(t *testing.T, a *Answer, i int, was *stacks.Config) {
	t.Helper()
	r := a.Recommendations[i]
	if err := a.Apply(i, func(name string, text []byte) error { return os.WriteFile(name, text, 0o600) }); err != nil {
		t.Fatal(err)
	}
	values, err := stacks.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := stacks.Parse(was.Stack, values)
	if err != nil || cfg.Digest() == was.Digest() {
		t.Errorf("%s: the patched file does not load, or is the same: %v", r.Cause, err)
	}
	changed := strings.Count(r.Patch, "\n-") - 1
	if changed > len(r.Edits) || r.Patch == "" || r.Risk == "" || r.Undo == "" || r.WhyNext == "" || !strings.Contains(r.Try, "unverified") {
		t.Errorf("%s says not all: %+v\n%s", r.Cause, r, r.Patch)
	}
	if p := r.Predict; p.Now > 0 && (p.Low > p.Likely || p.Likely > p.High || p.High > p.Now) {
		t.Errorf("%s predicts %+v", r.Cause, p)
	}
	if err := a.Apply(i, func(string, []byte) error { return nil }); err == nil || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("a file that changed: %v", err)
	}
	if err := os.WriteFile(a.File, a.read, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Pools, work_mem and connections are derived: what mends them depends on the stack.
func TestDerivedSizesAreMendedByWhatTheyFollowFrom(t *testing.T) {
	for cause, want := range map[string]func(was, now *stacks.Config) bool{
		"api-pool": func(was, now *stacks.Config) bool {
			return now.Pools().API.Connections > was.Pools().API.Connections || now.SLO.HPA.MinReplicas > was.SLO.HPA.MinReplicas
		},
		"pgbouncer-pool": func(was, now *stacks.Config) bool { return now.Pools().PgBouncer.Write > was.Pools().PgBouncer.Write },
		"database-spill": func(was, now *stacks.Config) bool {
			return now.Database.Parameters["work_mem"] != "" || now.Database.InstanceClass != was.Database.InstanceClass
		},
	} {
		for _, stack := range []string{"prod", "dev", "local"} {
			name, text, cfg := stackFile(t, stack, nil)
			a, err := For(Input{Diagnosis: found(t, cfg, cause), Run: runOf(t, cfg), File: name, Text: text, Check: priced(stack)})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Recommendations) == 0 {
				t.Logf("%s, %s: none: %s", stack, cause, strings.Join(a.Refused, "\n"))
				if cause == "api-pool" || stack == "prod" {
					t.Errorf("%s, %s: nothing is recommended", stack, cause)
				}
				continue
			}
			values, err := stacks.ParseFile(a.Recommendations[0].text)
			if err != nil {
				t.Fatal(err)
			}
			now, err := stacks.Parse(stack, values)
			if err != nil || !want(cfg, now) {
				t.Errorf("%s, %s: %v does not mend it (%v)", stack, cause, a.Recommendations[0].Edits, err)
			}
			applies(t, a, 0, cfg)
		}
	}
}

func TestWhatNoKeyMendsIsSaid(t *testing.T) {
	name, text, cfg := stackFile(t, "prod", nil)
	for _, cause := range []string{"slow-pod", "database-locks", "database-path", "replica-gone", "cache-cold", "cache-gone", "cache-cpu", "vectors-gone", "outside", "replicas-lacking", "cache-slow"} {
		a, err := For(Input{Diagnosis: found(t, cfg, cause), Run: runOf(t, cfg), File: name, Text: text, Check: priced("prod")})
		if err != nil || len(a.ByHand) != 1 || a.ByHand[0].Section == "" || len(a.Recommendations) != 0 {
			t.Errorf("%s: %+v, %v", cause, a, err)
		}
	}
}

func TestNothingIsChangedWhereNothingBinds(t *testing.T) {
	name, text, cfg := stackFile(t, "prod", nil)
	d := found(t, cfg)
	d.Outcome, d.Says = diagnose.None, "the load ended before any tier did"
	a, err := For(Input{Diagnosis: d, Run: runOf(t, cfg), File: name, Text: text, Check: priced("prod")})
	if err != nil || len(a.Recommendations) != 1 || !strings.HasPrefix(a.Recommendations[0].Says, "change nothing") {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := a.Apply(0, nil); err == nil || !strings.Contains(err.Error(), "changes nothing") {
		t.Errorf("applied: %v", err)
	}
	d.Outcome = diagnose.NotEnough
	if a, err = For(Input{Diagnosis: d, Run: runOf(t, cfg), File: name, Text: text, Check: priced("prod")}); err != nil || len(a.Recommendations) != 0 {
		t.Errorf("without data: %+v, %v", a, err)
	}
}

func TestWhatPoliciesOrBudgetRefuseIsNotRecommended(t *testing.T) {
	name, text, cfg := stackFile(t, "prod", nil)
	asked := 0
	check := func(values map[string]string) (Cost, error) {
		if asked++; asked > 1 {
			return Cost{}, errors.New("5000 USD a month is above the budget")
		}
		return priced("prod")(values)
	}
	a, err := For(Input{Diagnosis: found(t, cfg, "database-cpu"), Run: runOf(t, cfg), File: name, Text: text, Check: check})
	if err != nil || len(a.Recommendations) != 0 || !strings.Contains(fmt.Sprint(a.Refused), "above the budget") {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestARunOfAnotherConfigurationIsRefused(t *testing.T) {
	_, _, cfg := stackFile(t, "prod", nil)
	name, text, other := stackFile(t, "prod", limited)
	_, err := For(Input{Diagnosis: found(t, cfg, "nodes"), Run: runOf(t, cfg), File: name, Text: text, Check: priced("prod")})
	if err == nil || !strings.Contains(err.Error(), "has changed since run normal-1 (configuration "+cfg.Digest()+", now "+other.Digest()) {
		t.Errorf("%v", err)
	}
}

func TestTheFirstCauseComesFirstAndCheaperBeforeDearer(t *testing.T) {
	name, text, cfg := stackFile(t, "prod", nil)
	d := found(t, cfg, "database-cpu", "hpa-maximum")
	d.Facts.Databases = []diagnose.Database{{Name: "primary", CPU: diagnose.Fact{Value: 0.3}}, {Name: "replica-0", CPU: diagnose.Fact{Value: 0.9}}}
	a, err := For(Input{Diagnosis: d, Run: runOf(t, cfg), File: name, Text: text, Check: priced("prod")})
	if err != nil || len(a.Recommendations) != 3 {
		t.Fatalf("%+v, %v", a, err)
	}
	r := a.Recommendations
	if r[0].Cause != "database-cpu" || r[1].Cause != "database-cpu" || r[2].Cause != "hpa-maximum" || r[0].perDollar() < r[1].perDollar() {
		t.Errorf("%v %v %v", describe(r[0].Edits), describe(r[1].Edits), describe(r[2].Edits))
	}
	if !strings.Contains(r[0].WhyNext, "ms for a dollar") || !strings.Contains(r[1].WhyNext, "mends hpa-maximum") {
		t.Errorf("%s\n%s", r[0].WhyNext, r[1].WhyNext)
	}
}
