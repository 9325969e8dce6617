package twin

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/perf/twin/hpa"
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
		"slo: 70 % of api.requests.cpu 500m", "Validated against two"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%s\nwant in it %q", text.String(), want)
		}
	}
	t.Log(text.String())
}
