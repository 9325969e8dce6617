package metrics

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Output takes the samples of a run as they come.
type Output interface{ Add(samples []Sample) }

// Engine has every metric of a run. It may be used by all users at once.
type Engine struct {
	Builtin

	one      sync.Mutex
	registry registry
	outputs  []Output
}

// NewEngine has the builtin metrics.
func NewEngine(outputs ...Output) *Engine {
	e := &Engine{registry: registry{metrics: map[string]*Metric{}}, outputs: outputs}
	e.Builtin = builtin(&e.registry)
	e.registry.divide(e.Duration, "expected_response:true", Tags{"expected_response": "true"})
	return e
}

// Metric returns the metric of a name, which it makes where there is none.
func (e *Engine) Metric(name string, typ Type, contains Contents) (*Metric, error) {
	e.one.Lock()
	defer e.one.Unlock()
	return e.registry.metric(name, typ, contains)
}

// Add counts samples.
func (e *Engine) Add(samples ...Sample) {
	e.one.Lock()
	defer e.one.Unlock()
	for _, s := range samples {
		s.Metric.add(s)
	}
	for _, o := range e.outputs {
		o.Add(samples)
	}
}

// SetThresholds gives metrics their thresholds; parts that a threshold names are made. Every fault is reported.
func (e *Engine) SetThresholds(all map[string][]*Threshold) error {
	e.one.Lock()
	defer e.one.Unlock()
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m, err := e.registry.part(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("invalid threshold defined on %s; reason: %w", name, err))
			continue
		}
		m.Thresholds, m.named = all[name], true
		for _, t := range m.Thresholds {
			faults = append(faults, t.fits(m))
		}
	}
	return errors.Join(faults...)
}

// Judge holds every threshold against what was seen until now, and tells whether one that was missed ends the run. A
// metric without samples misses nothing before the end; at the end its statistics are 0, and a rate of nothing still
// misses nothing.
func (e *Engine) Judge(elapsed time.Duration, end bool) (missed []string, abort bool) {
	e.one.Lock()
	defer e.one.Unlock()
	for _, m := range e.all() {
		if m.Sink.Empty() && (!end || m.Type == Rate) {
			continue
		}
		for _, t := range m.Thresholds {
			if err := t.judge(m, elapsed); err != nil {
				t.Failed = true // fits said that it has the statistic
			}
			abort = abort || t.Failed && t.AbortOnFail && elapsed >= t.Delay
		}
		if m.Failed() {
			missed = append(missed, m.Name)
		}
	}
	return missed, abort
}

// all are the metrics and their parts, by name.
func (e *Engine) all() []*Metric {
	var all []*Metric
	for _, name := range slices.Sorted(maps.Keys(e.registry.metrics)) {
		m := e.registry.metrics[name]
		all = append(all, m)
		all = append(all, slices.SortedFunc(slices.Values(m.parts), func(a, b *Metric) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})...)
	}
	return all
}

// Look shows those metrics and parts that have samples, all or one by its name, while nothing is added.
func (e *Engine) Look(name string, at func(*Metric)) {
	e.one.Lock()
	defer e.one.Unlock()
	for _, m := range e.all() {
		if !m.Sink.Empty() && (name == "" || m.Name == name) {
			at(m)
		}
	}
}

// Tainted tells whether a threshold was missed until now.
func (e *Engine) Tainted() bool {
	e.one.Lock()
	defer e.one.Unlock()
	return slices.ContainsFunc(e.all(), (*Metric).Failed)
}

// Seen are the metrics to show: those with samples, and those that thresholds name, be it with none. No sample may be added while they are looked at.
func (e *Engine) Seen() []*Metric {
	e.one.Lock()
	defer e.one.Unlock()
	named := func(m *Metric) bool { return m.named }
	return slices.DeleteFunc(e.all(), func(m *Metric) bool {
		return m.Sink.Empty() && !m.named && !slices.ContainsFunc(m.parts, named)
	})
}
