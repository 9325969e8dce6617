package twin

import (
	"math"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// told is telemetry in which the API's pods used so much CPU at so many requests/s.
func told(rates, cpu []float64) *telemetry.Telemetry {
	half := make(telemetry.Values, len(rates))
	for i := range rates {
		half[i] = rates[i] / 2
	}
	return &telemetry.Telemetry{StepSeconds: 30, Panels: []telemetry.Panel{
		{Name: "cpu", Series: []telemetry.Series{{Name: "api", Values: cpu}, {Name: "worker", Values: cpu}}},
		{Name: "api-routes", Series: []telemetry.Series{{Name: "/v1/search", Values: half}, {Name: "/v1/documents", Values: half}}},
		{Name: "memory", Series: []telemetry.Series{{Name: "api", Values: telemetry.Values{40, 61.5, math.NaN()}}}},
		{Name: "replicas", Series: []telemetry.Series{{Name: "agentic-rag-api ready", Values: telemetry.Values{2, 4, math.NaN()}}}},
	}}
}

func TestMeasureFindsWhatWasPlanted(t *testing.T) {
	run := &load.Run{Name: "normal-1"}
	gap := math.NaN()
	m, err := Measure(run, told([]float64{10, 40, 80, 120, gap, 60}, []float64{0.13, 0.28, 0.48, 0.68, 0.7, 0.38}))
	if err != nil || math.Abs(m.CPUSeconds-0.005) > 1e-9 || math.Abs(m.IdleCores-0.08) > 1e-9 || m.Steps != 5 {
		t.Errorf("%+v, %v; want 5 ms a request and 0.08 cores without, of 5 steps", m, err)
	}
	if m.MemoryBytes != int64(61.5*(1<<20)) || m.Pods != 3 || m.MeanSeconds != 0 {
		t.Errorf("%+v, want 61.5 MiB, 3 pods, and no mean of a run without slices", m)
	}
	m.MeanSeconds = meanOf([]load.Slice{{Response: &load.Took{Requests: 100, Mean: 20}}, {},
		{Response: &load.Took{Requests: 300, Mean: 40}}})
	if math.Abs(m.MeanSeconds-0.035) > 1e-12 {
		t.Errorf("a mean of %v s, want 35 ms", m.MeanSeconds)
	}
	steady, err := Measure(run, told([]float64{50, 52, 49, 51}, []float64{0.5, 0.52, 0.49, 0.51}))
	if err != nil || math.Abs(steady.CPUSeconds-0.01) > 1e-9 || steady.IdleCores != 0 {
		t.Errorf("%+v, %v; want 10 ms a request: a constant rate cannot tell what pods use without", steady, err)
	}
	s, said := plain().Calibrated(m)
	if s.Work.CPUSeconds != m.CPUSeconds || math.Abs(s.Work.IdleCores-0.08/3) > 1e-9 || s.Pod.MemoryUsed != m.MemoryBytes || len(said) != 3 {
		t.Errorf("%+v, said %+v", s.Work, said)
	}
}

func TestMeasureNamesWhatIsMissing(t *testing.T) {
	run := &load.Run{Name: "normal-1"}
	withoutPanel := told([]float64{1, 2, 3, 4}, []float64{1, 2, 3, 4})
	withoutPanel.Panels = withoutPanel.Panels[1:]
	withoutPanel.Missing = []telemetry.Missing{{What: "CPU of the API's pods, together", Why: "no series"}}
	for want, told := range map[string]*telemetry.Telemetry{
		"normal-1 has no telemetry":               nil,
		`has no panel cpu, want it: of CPU of`:    withoutPanel,
		"1 steps have both CPU and requests":      told([]float64{1, math.NaN(), 0}, []float64{1, 2, 3}),
		"0 steps have both":                       told([]float64{0, 0, 0, 0}, []float64{1, 2, 3, 4}),
		"telemetry has no panel api-routes, want": {Panels: []telemetry.Panel{{Name: "cpu"}}},
	} {
		if _, err := Measure(run, told); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want in it %q", err, want)
		}
	}
}

func TestOverrideReplacesInPlace(t *testing.T) {
	all := Override([]Assumption{{What: "a", Value: "1"}, {What: "b", Value: "2"}}, []Assumption{{What: "b", Value: "3"}, {What: "c"}})
	if len(all) != 3 || all[1].Value != "3" || all[2].What != "c" {
		t.Errorf("%+v", all)
	}
}
