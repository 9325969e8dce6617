package twin

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
	"github.com/ragscale/ragscale/perf/wrap"
	"github.com/ragscale/ragscale/stacks"
)

// declared is a stack of the project, with an autoscaler as its program declares it.
func declared(t testing.TB, stack string) (*stacks.Config, Declared) {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := stacks.Parse(stack, values)
	if err != nil {
		t.Fatal(err)
	}
	s := plain()
	spec := hpa.Spec{Min: c.SLO.HPA.MinReplicas, Max: c.SLO.HPA.MaxReplicas, Up: s.HPA.Up, Down: s.HPA.Down,
		Metrics: []hpa.Target{{Resource: hpa.CPU, Percent: c.SLO.HPA.CPUPercent}, {Resource: hpa.Memory, Percent: c.SLO.HPA.MemoryPercent}}}
	return c, Declared{HPA: spec, ProbeSeconds: 5, RegisterSeconds: 10}
}

// TestSandboxSettingsAreTheSandboxs: the controllers' flags are said once, where the sandbox starts them.
func TestSandboxSettingsAreTheSandboxs(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	flags, addons := read("../../sandbox/controlplane/flags.go"), read("../../sandbox/inside/daemon/addons.go")
	for _, c := range []struct {
		name, text, pattern string
		want                float64
	}{
		{"sync period", flags, `"horizontal-pod-autoscaler-sync-period", "(\w+)"`, sandboxController.SyncSeconds},
		{"readiness delay", flags, `"horizontal-pod-autoscaler-initial-readiness-delay", "(\w+)"`, sandboxController.InitialReadinessSeconds},
		{"CPU initialization", flags, `"horizontal-pod-autoscaler-cpu-initialization-period", "(\w+)"`, sandboxController.CPUInitializationSeconds},
		{"downscale stabilization", flags, `"horizontal-pod-autoscaler-downscale-stabilization", "(\w+)"`, sandboxController.DownscaleStabilizationSeconds},
		{"metric resolution", addons, `--metric-resolution=(\w+)"`, sandboxMetrics.ResolutionSeconds},
	} {
		found := regexp.MustCompile(c.pattern).FindStringSubmatch(c.text)
		if found == nil || found[1] != seconds(c.want)[:len(seconds(c.want))-2]+"s" {
			t.Errorf("%s is %v in the sandbox, %v s here", c.name, found, c.want)
		}
	}
}

// TestTwinIsWhatIsDeclared: places, nodes and headroom of production by hand.
func TestTwinIsWhatIsDeclared(t *testing.T) {
	c, d := declared(t, "prod")
	s, _, err := Of(c, d, 2)
	if err != nil {
		t.Fatal(err)
	}
	// m7g.xlarge: 3,920m allocatable, 500m of daemon sets: 6 pods of 500m. Workers, PgBouncer and Chroma ask for 2,750m
	// and 5.4 GiB: 11 pods' memory.
	want := []Group{{Name: "burst", Most: 12, Cores: 4, Pods: 6},
		{Name: "api", Least: 3, Most: 12, Before: 3, Cores: 4, Pods: 6, Others: 11}}
	if len(s.Groups) != 2 || s.Groups[0] != want[0] || s.Groups[1] != want[1] {
		t.Errorf("%+v, want %+v", s.Groups, want)
	}
	if s.Headroom != 10 || s.Nodes.UnneededSeconds != 600 || s.Nodes.StartSeconds != 114 {
		t.Errorf("%d pods of room, nodes %+v; want 10 and nodes that start 114 s after the decision, and go after 600", s.Headroom, s.Nodes)
	}
	if got := s.Work.CPUSeconds; math.Abs(got-0.007) > 1e-9 {
		t.Errorf("a request takes %v s of CPU, want 70 %% of 500m over 50 requests/s, 0.007", got)
	}
	local, declaredLocal := declared(t, "local")
	if s, _, err = Of(local, declaredLocal, 2); err != nil || s.Groups[0].Cores != 1 || s.Controller.SyncSeconds != 2 {
		t.Errorf("%+v, %v; want two nodes that share two cores, a controller that syncs every 2 s", s, err)
	}
}

// TestPlanOfProduction: a step to the throughput objective is followed, and everything is said.
func TestPlanOfProduction(t *testing.T) {
	c, d := declared(t, "prod")
	load, err := curve.Shape("step", BaseOf(c, 1000), 1000, 1800)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Input{Config: c, Declared: d, MachineCores: 2, Load: load, Seed: 1, Search: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Reaction == nil || p.Reaction.After == nil || *p.Reaction.After < p.PodReady || *p.Reaction.After > 180 {
		t.Errorf("reaction %+v, want replicas some time after a pod's start, within 3 min", p.Reaction)
	}
	if p.Search.Tried < 50 || len(p.Search.Frontier) == 0 || p.Search.Declared.PodHours == 0 {
		t.Errorf("%+v, want policies tried, what is declared among them", p.Search)
	}
	var text bytes.Buffer
	if err := p.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Stack prod under load step", "wanted", "the target asks for", "policies tried",
		"slo: 70 % of api.requests.cpu 500m", "Validated against two",
		"each held 100 ms by a request: assumed, not measured"} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) {
			t.Errorf("%s\nwant in it %q", text.String(), want)
		}
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > wrap.Width {
			t.Errorf("a line of %d characters, want at most %d: %s", n, wrap.Width, line)
		}
	}
	t.Log(text.String())
}

// TestPoolsOfReadsAndWritesAreApart: of stack prod a pod has 4 connections for the fifth of requests that write and 8
// for the others: when its 8 are busy, 10 are.
func TestPoolsOfReadsAndWritesAreApart(t *testing.T) {
	c, _ := declared(t, "prod")
	if d := databaseOf(c); d.PoolPerPod != 10 || d.Servers != 138 {
		t.Errorf("%d connections of a pod and %d of PgBouncer are usable, want 8 ÷ 0.8 and 3 × 37 ÷ 0.8", d.PoolPerPod, d.Servers)
	}
	if n := (stacks.PoolDemand{}).Usable(3, 4); n != 7 {
		t.Errorf("%d without demand, want all 7", n)
	}
}

// TestLongLoadsAreNotSearched: 192 policies over a month would take a quarter of an hour. It is said, and what is declared
// is simulated.
func TestLongLoadsAreNotSearched(t *testing.T) {
	c, d := declared(t, "prod")
	load, err := curve.Shape("wave", 100, 1000, 31*86400)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Input{Config: c, Declared: d, MachineCores: 2, Load: load, Seed: 1, Search: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Search != nil || !strings.Contains(strings.Join(p.Unsure, "\n"), "No other policy was tried") {
		t.Errorf("search %+v, unsure %q, want no search and why", p.Search, p.Unsure)
	}
}

// TestLoadsOfNoRequestHaveNoVerdict: nothing that came kept no objective.
func TestLoadsOfNoRequestHaveNoVerdict(t *testing.T) {
	load, err := curve.Shape("step", 0, 1e-9, 1800)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Simulate(t.Context(), plain(), load, Options{Seed: 1}); err == nil || !strings.Contains(err.Error(), "want one or more") {
		t.Errorf("%v, want the load to be refused", err)
	}
}
