package capacity

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/perf/queueing"
	"github.com/ragscale/ragscale/perf/wrap"
	"github.com/ragscale/ragscale/stacks"
)

// production is stack prod with a bill of what plans change.
func production(t *testing.T) Stack {
	t.Helper()
	v, err := stacks.ReadFile("../../Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := stacks.Parse("prod", v)
	if err != nil {
		t.Fatal(err)
	}
	return Stack{Values: v, Config: c, Bill: price.Estimate(c.Region, []price.Item{
		{Name: "cluster", Service: price.ControlPlane, Min: 1, Max: 1},
		{Name: "nodes api", Service: price.NodeHours, Type: "m7g.xlarge", Min: 3, Max: 12},
		{Name: "nodes api", Service: price.VolumeStorage, Min: 150, Max: 600},
		{Name: "database", Service: price.DatabaseHours, Type: "db.r7g.xlarge", Min: 2, Max: 2},
		{Name: "database replica", Service: price.DatabaseHours, Type: "db.r7g.xlarge", Min: 2, Max: 2},
		{Name: "cache", Service: price.CacheHours, Type: "cache.r7g.large", Min: 2, Max: 2},
	})}
}

// studied is what a run told of it.
func studied(t *testing.T) *Study {
	t.Helper()
	s, err := study()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var study = sync.OnceValues(func() (*Study, error) {
	platform := system{stations: []queueing.Station{{Name: "pods", Demand: 0.005, Servers: 10}, {Name: "primary", Demand: 0.001, Servers: 4}, {Name: "replicas", Demand: 0.003, Servers: 8}, {Name: "way", Demand: 0.01, Servers: 0}}}
	scenario := stepsScenario
	scenario.Users = 4000
	run, err := platform.run(scenario)
	if err != nil {
		return nil, err
	}
	return NewStudy([]Source{{run, told(run, map[string]map[string]float64{
		"cpu": {"api": 0.005}, "database-cpu": {"primary": 0.001 / 4, "replica-1": 0.0015 / 4, "replica-2": 0.0015 / 4},
		"cache-cpu": {"001": 0.00005}, "database-sessions": {"rag active": 0.006},
	})}}, Hardware{PrimaryVCPU: 4, ReplicaVCPU: 4}, map[Tier]int{APICPU: 10, PrimaryCPU: 4, ReplicaCPU: 8, CacheCPU: 1})
})

var now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func TestAPlanSaysWhatGivesOutFirstAndWhen(t *testing.T) {
	p, err := New(production(t), Question{GrowthPercent: 10, Until: now.AddDate(0, 6, 0), Now: now}, studied(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := 1000 * math.Pow(1.1, 182*24.0/730); math.Abs(p.Target.RPS-want) > 1e-6 {
		t.Errorf("the target is %v, want %v", p.Target.RPS, want)
	}
	limits := map[string]Limit{}
	for i, l := range p.Limits {
		limits[l.What] = l
		if i > 0 && l.RPS < p.Limits[i-1].RPS {
			t.Errorf("%s comes after %s", l.What, p.Limits[i-1].What)
		}
	}
	for what, want := range map[string]float64{
		"the API at its most pods": 20 * 0.5 * 0.7 / 0.005, "the primary": 4 * 0.7 / 0.001, "the replicas": 8 * 0.7 / 0.003,
		"the cache's thread": 0.7 / 0.00005,
	} {
		if l := limits[what]; math.Abs(l.RPS/want-1) > 1e-6 || !strings.Contains(l.Origin, "a request (demand: ") {
			t.Errorf("%s: %+v, want %v", what, l, want)
		}
	}
	for i, want := range [][2]float64{{100, 6}, {50, 70}} {
		if a := p.Assumed[i]; math.Abs(a.Assumed-want[0]) > 1e-9 || math.Abs(a.Measured-want[1]) > 1e-6 {
			t.Errorf("%+v, want %v", a, want)
		}
	}
	// 1.4 times today's at 10 % a month: 3.53 months of 730 hours.
	if want := now.Add(time.Duration(math.Log(1.4) / math.Log(1.1) * 730 * float64(time.Hour))); limits["the API at its most pods"].When.Sub(want).Abs() > time.Minute {
		t.Errorf("%v, want %v", limits["the API at its most pods"].When, want)
	}
}

func TestTheCheapestSetHoldsTheObjectivesAndIsAccepted(t *testing.T) {
	stack := production(t)
	p, err := New(stack, Question{RPS: 3000, Now: now, ZoneLost: true}, studied(t))
	if err != nil {
		t.Fatal(err)
	}
	one := p.Chosen
	if !p.Target.Beyond { // the run came to 2,000
		t.Errorf("3,000 requests/s are not beyond: %+v", p.Target)
	}
	if pods := int(math.Ceil(3000 * 0.005 / 0.35)); one.Pods < pods {
		t.Errorf("%d pods, want %d or more", one.Pods, pods)
	}
	then, err := stack.parsed(p.Changes)
	if err != nil {
		t.Fatal(err)
	}
	if then.SLO.ThroughputRPS != 3000 || then.SLO.HPA.MaxReplicas != one.Pods || then.Database.InstanceClass != one.Class ||
		then.Cluster.NodeGroups["api"].Max != one.Nodes {
		t.Errorf("%+v does not follow from %+v", then, one)
	}
	primary, _ := vcpus(then)
	if 3000*0.001 > 0.7*float64(primary) || 3000*0.003 > 0.7*float64(primary*(one.Replicas-1)) {
		t.Errorf("%s with %d replicas, one of them lost, is too small", one.Class, one.Replicas)
	}
	if one.P95 <= 0 || one.P95 > 2 || one.Cost.MostUSD <= 0 {
		t.Errorf("%+v", one)
	}
	for i, f := range p.Frontier[1:] {
		if before := p.Frontier[i]; f.P95 >= before.P95 || f.Cost.MostUSD < before.Cost.MostUSD {
			t.Errorf("%+v is no better than %+v", f, before)
		}
	}
	without, err := New(stack, Question{RPS: 3000, Now: now}, studied(t))
	if err != nil {
		t.Fatal(err)
	}
	if without.Chosen.Cost.MostUSD >= one.Cost.MostUSD {
		t.Errorf("with a zone lost it costs %v, without %v", one.Cost.MostUSD, without.Chosen.Cost.MostUSD)
	}
	var text strings.Builder
	if err := p.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > wrap.Width {
			t.Errorf("a line of %d characters, want at most %d: %s", n, wrap.Width, line)
		}
	}
	t.Log("\n" + text.String())
}

func TestWithoutARunThePlanSaysWhichIsMissing(t *testing.T) {
	p, err := New(production(t), Question{RPS: 1200, Now: now}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Missing) == 0 || !strings.Contains(strings.Join(p.Missing, "\n"), "ragscale load run steps") || p.Chosen != nil || len(p.Limits) > 0 {
		t.Errorf("%+v", p)
	}
	for _, s := range p.Sizes {
		if s.What == sizeClass && s.Then != notTold || s.What == sizePods && !strings.Contains(s.Origin, "not measured") {
			t.Errorf("%+v", s)
		}
	}
}

// TestWhatValidationRefusesHasNoSizes: today's sizes are not those of a target that they do not hold.
func TestWhatValidationRefusesHasNoSizes(t *testing.T) {
	p, err := New(production(t), Question{RPS: 1e6, Now: now}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(p.Missing, "\n"), "refused by validation") {
		t.Fatalf("%q, want the refusal among them", p.Missing)
	}
	for _, s := range p.Sizes {
		if s.Then != notTold {
			t.Errorf("%s is %q for what validation refuses, want %q", s.What, s.Then, notTold)
		}
	}
}

func TestWhatNothingInTheCatalogueHoldsIsNamed(t *testing.T) {
	stack, study := production(t), studied(t)
	fast := stack
	v, err := values(stack.Values).with([]Change{{"slo.responseSeconds", nil, 0.015}})
	if err != nil {
		t.Fatal(err)
	}
	if fast.Config, err = stacks.Parse("prod", v); err != nil {
		t.Fatal(err)
	}
	fast.Values = v
	for want, c := range map[string]struct {
		stack Stack
		q     Question
	}{
		"no set of the catalogue holds 1000 requests/s with a p95 of 0.015 s and 70 % of CPU: relax slo.responseSeconds": {fast, Question{}},
		"the API would need 14286 pods of 500m, want at most 1000":                                                       {stack, Question{RPS: 1e6}},
		"rps is -1, want more than 0":                        {stack, Question{RPS: -1}},
		"want a day after 2026-12-01":                        {stack, Question{GrowthPercent: 5, Until: now.AddDate(0, 0, -1)}},
		"rps and growth are both said":                       {stack, Question{RPS: 5, GrowthPercent: 5, Until: now.AddDate(1, 0, 0)}},
		"growth is 5000 % a month, want 0 to 1000":           {stack, Question{GrowthPercent: 5000, Until: now.AddDate(1, 0, 0)}},
		"the target is 1e+15 requests/s, want at most 1e+06": {stack, Question{GrowthPercent: 900, Until: now.AddDate(1, 0, 0)}},
	} {
		c.q.Now = now
		if _, err := New(c.stack, c.q, study); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
