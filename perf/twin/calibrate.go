package twin

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

const (
	// leastSteps of a run's telemetry that a request's CPU is told from.
	leastSteps = 2
	// leastSpread is how much a run's rate has to vary, as its coefficient of variation, for what pods use without
	// requests to be told from what requests use.
	leastSpread = 0.25
	// apiTier is the API's pods in the panels of CPU and memory.
	apiTier = "api"
)

// Measured is what a run tells of a request.
type Measured struct {
	Run         string  `json:"run"`
	Steps       int     `json:"steps"`
	CPUSeconds  float64 `json:"cpuSeconds"`  // of the API's pods, for each request that they answered
	IdleCores   float64 `json:"idleCores"`   // of all pods together, without requests; 0 where it cannot be told apart
	MemoryBytes int64   `json:"memoryBytes"` // of the largest pod; 0 is not known
	MeanSeconds float64 `json:"meanSeconds"` // that requests took; 0 is not known
	Pods        float64 `json:"pods"`        // that were ready, on average; 0 is not known
}

// Measure reads a run and what its stack told meanwhile. It names all that is missing.
func Measure(run *load.Run, t *telemetry.Telemetry) (Measured, error) {
	m := Measured{Run: run.Name}
	if t == nil {
		return m, fmt.Errorf("run %s has no telemetry: what its requests took of the pods' CPU is not known; "+
			"want a run whose stack was asked (ragscale load run, ragscale load report)", run.Name)
	}
	cpu, cpuErr := only(t, "cpu", func(name string) bool { return name == apiTier })
	rates, rateErr := only(t, "api-routes", func(string) bool { return true })
	if err := errors.Join(cpuErr, rateErr); err != nil {
		return m, fmt.Errorf("run %s: %w", run.Name, err)
	}
	if err := m.fit(rates, cpu); err != nil {
		return m, fmt.Errorf("run %s: %w", run.Name, err)
	}
	if memory, err := only(t, "memory", func(name string) bool { return name == apiTier }); err == nil {
		m.MemoryBytes = int64(largest(memory) * (1 << 20))
	}
	readyPods := func(name string) bool { return strings.HasSuffix(name, "-api ready") }
	if pods, err := only(t, "replicas", readyPods); err == nil {
		m.Pods = stat.Mean(known(pods), nil)
	}
	m.MeanSeconds = meanOf(run.Slices())
	return m, nil
}

// meanOf is how long requests took on average over a run's slices, s.
func meanOf(all []load.Slice) float64 {
	var sum, requests float64
	for _, s := range all {
		if s.Response != nil {
			sum, requests = sum+s.Response.Mean*s.Response.Requests, requests+s.Response.Requests
		}
	}
	if requests == 0 {
		return 0
	}
	return sum / requests / 1000
}

// only is the sum of the series of a panel that have some name.
func only(t *telemetry.Telemetry, panel string, named func(string) bool) ([]float64, error) {
	i := slices.IndexFunc(t.Panels, func(p telemetry.Panel) bool { return p.Name == panel })
	if i < 0 {
		for _, m := range t.Missing {
			return nil, fmt.Errorf("telemetry has no panel %s, want it: of %s it says %q", panel, m.What, m.Why)
		}
		return nil, fmt.Errorf("telemetry has no panel %s, want it", panel)
	}
	var sum []float64
	for _, s := range t.Panels[i].Series {
		if !named(s.Name) {
			continue
		}
		if sum == nil {
			sum = slices.Repeat([]float64{math.NaN()}, len(s.Values))
		}
		for j, v := range s.Values {
			if j < len(sum) && !math.IsNaN(v) {
				sum[j] = v + zero(sum[j])
			}
		}
	}
	if sum == nil {
		return nil, fmt.Errorf("panel %s has no series of the API, want one", panel)
	}
	return sum, nil
}

func zero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

func known(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

func largest(values []float64) float64 {
	if all := known(values); len(all) > 0 {
		return slices.Max(all)
	}
	return 0
}

// fit tells CPU for each request, by least squares with what pods use without where rates vary, else as a ratio.
func (m *Measured) fit(rates, cpu []float64) error {
	var x, y []float64
	for i := range min(len(rates), len(cpu)) {
		if rates[i] > 0 && cpu[i] > 0 { // false for NaN
			x, y = append(x, rates[i]), append(y, cpu[i])
		}
	}
	m.Steps = len(x)
	if len(x) < leastSteps {
		return fmt.Errorf("%d steps have both CPU and requests, want %d or more: a longer run", len(x), leastSteps)
	}
	mean, deviation := stat.MeanStdDev(x, nil)
	m.CPUSeconds = stat.Mean(y, nil) / mean
	if deviation/mean >= leastSpread {
		idle, each := stat.LinearRegression(x, y, nil, false)
		if idle >= 0 && each > 0 {
			m.IdleCores, m.CPUSeconds = idle, each
		}
	}
	if !(m.CPUSeconds > 0) || math.IsInf(m.CPUSeconds, 0) {
		return fmt.Errorf("%v CPU seconds for each request, want more than none", m.CPUSeconds)
	}
	return nil
}

// Calibrated is a stack with what a run measured in place of what was assumed.
func (s Stack) Calibrated(m Measured) (Stack, []Assumption) {
	all := []Assumption{{"CPU of a request", milliseconds(m.CPUSeconds), fmt.Sprintf(
		"run %s: the API's CPU over the requests that its pods answered, %d steps", m.Run, m.Steps)}}
	s.Work.CPUSeconds = m.CPUSeconds
	if m.IdleCores > 0 && m.Pods > 0 {
		s.Work.IdleCores = m.IdleCores / m.Pods
		all = append(all, Assumption{"CPU of a pod without requests", fmt.Sprintf("%.0fm", 1000*s.Work.IdleCores),
			fmt.Sprintf("run %s, by least squares over its rates", m.Run)})
	}
	if m.MemoryBytes > 0 {
		s.Pod.MemoryUsed = m.MemoryBytes
		all = append(all, Assumption{"the memory target", fmt.Sprintf("%d MiB used", m.MemoryBytes>>20),
			fmt.Sprintf("run %s, the largest pod at its most", m.Run)})
	}
	if rest := m.MeanSeconds - m.CPUSeconds - s.Work.Elsewhere.Mean; m.MeanSeconds > 0 && s.Database.Share > 0 {
		s.Database.Seconds = max(0, rest) / s.Database.Share
		all = append(all, Assumption{"a request's connection", milliseconds(s.Database.Seconds), fmt.Sprintf(
			"run %s: its mean response less CPU and network, all of it taken for a connection", m.Run)})
	}
	return s, all
}

// Override replaces assumptions of the same matter by later ones, in place; others are added.
func Override(all, by []Assumption) []Assumption {
	all = slices.Clone(all)
	for _, one := range by {
		i := slices.IndexFunc(all, func(a Assumption) bool { return a.What == one.What })
		if i < 0 {
			all = append(all, one)
			continue
		}
		all[i] = one
	}
	return all
}
