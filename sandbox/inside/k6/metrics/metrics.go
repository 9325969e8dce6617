// Package metrics measures a load test: metrics of k6's four types, their samples, sub-metrics by tags, and thresholds.
//
// Owns: which metrics there are, what each has seen, whether thresholds hold. Does not own: who samples, how results
// are shown.
//
// Source: https://grafana.com/docs/k6/latest/using-k6/metrics/ and .../using-k6/thresholds/ ; read 2026-11-30.
package metrics

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Type of a metric.
type Type string

// The types.
const (
	Counter Type = "counter"
	Gauge   Type = "gauge"
	Rate    Type = "rate"
	Trend   Type = "trend"
)

// Contents says what a metric's values are: how they are shown.
type Contents string

// What values are.
const (
	Default Contents = "default"
	Time    Contents = "time" // ms
	Data    Contents = "data" // bytes
)

// Tags describe a sample. They are not changed once a sample has them.
type Tags map[string]string

// With returns the tags and others, which win.
func (t Tags) With(others Tags) Tags {
	all := make(Tags, len(t)+len(others))
	maps.Copy(all, t)
	maps.Copy(all, others)
	return all
}

// Sample is one value of a metric.
type Sample struct {
	Metric *Metric
	Value  float64
	Time   time.Time
	Tags   Tags
}

// Metric is one metric, or the part of one whose samples have certain tags.
type Metric struct {
	Name       string
	Type       Type
	Contains   Contents
	Sink       Sink
	Thresholds []*Threshold

	named bool // by thresholds
	parts []*Metric
	tags  Tags // of a part
}

// Parts are the metric's parts, which thresholds are about.
func (m *Metric) Parts() []*Metric { return m.parts }

// Selector are the tags of a part.
func (m *Metric) Selector() Tags { return m.tags }

// Failed tells whether a threshold of the metric was missed.
func (m *Metric) Failed() bool {
	return slices.ContainsFunc(m.Thresholds, func(t *Threshold) bool { return t.Failed })
}

func (m *Metric) takes(tags Tags) bool {
	for key, value := range m.tags {
		if tags[key] != value {
			return false
		}
	}
	return true
}

// add counts a sample, in the parts that it belongs to also.
func (m *Metric) add(s Sample) {
	m.Sink.Add(s.Value, s.Time)
	for _, part := range m.parts {
		if part.takes(s.Tags) {
			part.Sink.Add(s.Value, s.Time)
		}
	}
}

// Builtin are the metrics that every run has.
type Builtin struct {
	VUs, VUsMax, Iterations, IterationDuration, Dropped          *Metric
	Checks, GroupDuration                                        *Metric
	Requests, Failed, Duration, Blocked, Connecting, Handshaking *Metric
	Sending, Waiting, Receiving, Sent, Received                  *Metric
}

func builtin(r *registry) Builtin {
	return Builtin{
		VUs: r.must("vus", Gauge, Default), VUsMax: r.must("vus_max", Gauge, Default),
		Iterations: r.must("iterations", Counter, Default), IterationDuration: r.must("iteration_duration", Trend, Time),
		Dropped: r.must("dropped_iterations", Counter, Default),
		Checks:  r.must("checks", Rate, Default), GroupDuration: r.must("group_duration", Trend, Time),
		Requests: r.must("http_reqs", Counter, Default), Failed: r.must("http_req_failed", Rate, Default),
		Duration: r.must("http_req_duration", Trend, Time), Blocked: r.must("http_req_blocked", Trend, Time),
		Connecting: r.must("http_req_connecting", Trend, Time), Handshaking: r.must("http_req_tls_handshaking", Trend, Time),
		Sending: r.must("http_req_sending", Trend, Time), Waiting: r.must("http_req_waiting", Trend, Time),
		Receiving: r.must("http_req_receiving", Trend, Time),
		Sent:      r.must("data_sent", Counter, Data), Received: r.must("data_received", Counter, Data),
	}
}

var namePattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,127}$`)

type registry struct{ metrics map[string]*Metric }

func (r *registry) must(name string, typ Type, contains Contents) *Metric {
	m, err := r.metric(name, typ, contains)
	if err != nil {
		panic(err) // a name of ours
	}
	return m
}

// metric returns the metric of a name, which it makes where there is none.
func (r *registry) metric(name string, typ Type, contains Contents) (*Metric, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("invalid metric name: '%s'. Metric names must match %s", name, namePattern)
	}
	if m, ok := r.metrics[name]; ok {
		if m.Type != typ {
			return nil, fmt.Errorf("metric '%s' already exists but with type %s, instead of %s", name, m.Type, typ)
		}
		if m.Contains != contains {
			return nil, fmt.Errorf("metric '%s' already exists but with a value type %s, instead of %s",
				name, m.Contains, contains)
		}
		return m, nil
	}
	m := &Metric{Name: name, Type: typ, Contains: contains, Sink: newSink(typ)}
	r.metrics[name] = m
	return m, nil
}

// part returns the part of a metric that a name such as http_reqs{status:200} means.
func (r *registry) part(name string) (*Metric, error) {
	base, selector, divided := strings.Cut(name, "{")
	m, ok := r.metrics[base]
	if !ok {
		return nil, fmt.Errorf("no metric name %q found", base)
	}
	if !divided {
		return m, nil
	}
	tags, err := parseSelector(name, selector)
	if err != nil {
		return nil, err
	}
	for _, part := range m.parts {
		if maps.Equal(part.tags, tags) {
			return part, nil
		}
	}
	return r.divide(m, strings.TrimSuffix(selector, "}"), tags), nil
}

func (r *registry) divide(m *Metric, selector string, tags Tags) *Metric {
	name := m.Name + "{" + selector + "}"
	part := &Metric{Name: name, Type: m.Type, Contains: m.Contains, Sink: newSink(m.Type), tags: tags}
	m.parts = append(m.parts, part)
	return part
}

func parseSelector(name, selector string) (Tags, error) {
	inner, closed := strings.CutSuffix(selector, "}")
	if !closed {
		return nil, fmt.Errorf("missing ending bracket, sub-metric format needs to be 'metric{key:value}', got '%s'", name)
	}
	tags := Tags{}
	for pair := range strings.SplitSeq(inner, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, ":")
		tags[strings.Trim(strings.TrimSpace(key), `"'`)] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	if len(tags) == 0 {
		return nil, fmt.Errorf("submetric criteria for metric '%s' cannot be empty", name)
	}
	return tags, nil
}
