// Package options reads what a load test is to do: the options that a script exports, the environment and the command
// line, in k6's forms and with k6's defaults.
//
// Owns: names, forms, defaults, which layer wins, faults in them. Does not own: what options do.
//
// Source: https://grafana.com/docs/k6/latest/using-k6/k6-options/reference/ ; read 2026-11-30.
package options

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// Layer is one source of options: values by name, as JSON.
type Layer map[string]json.RawMessage

// Options of a run.
type Options struct {
	Scenarios []Scenario

	Thresholds        map[string][]*metrics.Threshold
	SetupTimeout      time.Duration
	TeardownTimeout   time.Duration
	NoSetup           bool
	NoTeardown        bool
	NoThresholds      bool
	SummaryTrendStats []string
	SummaryTimeUnit   string // s, ms, us, or "" for what fits
	SystemTags        []string
	Tags              map[string]string
	MinIteration      time.Duration
	Segment           Segment

	UserAgent          string
	MaxRedirects       int
	Batch              int
	BatchPerHost       int
	RPS                float64
	InsecureTLS        bool
	NoReuse            bool // of connections
	NoUserReuse        bool // of connections from one iteration to the next
	NoCookiesReset     bool
	DiscardBodies      bool
	Throw              bool
	Hosts              map[string]string
	BlacklistIPs       []netip.Prefix
	BlockHostnames     []string
	shared             shortcuts
	segment, sequence  string
	executionWasChosen bool
}

// shortcuts are the options that stand for one scenario, default.
type shortcuts struct {
	vus        *int
	duration   *time.Duration
	iterations *int
	stages     []Stage
}

// systemTags are those that samples have unless options say others.
var systemTags = []string{
	"proto", "subproto", "status", "method", "url", "name", "group", "check", "error", "error_code", "tls_version",
	"scenario", "service", "expected_response",
}

// moreSystemTags have to be asked for.
var moreSystemTags = []string{"iter", "vu", "ip", "ocsp_status"}

func defaults() *Options {
	return &Options{
		Thresholds: map[string][]*metrics.Threshold{}, SetupTimeout: time.Minute, TeardownTimeout: time.Minute,
		SummaryTrendStats: []string{"avg", "min", "med", "max", "p(90)", "p(95)"}, SystemTags: systemTags,
		Tags:      map[string]string{},
		UserAgent: "Grafana k6/2.2.0", MaxRedirects: 10, Batch: 20, BatchPerHost: 6,
		Hosts: map[string]string{},
	}
}

// execution are the options of which a layer's replace all of the layers below.
var execution = []string{"duration", "iterations", "stages", "scenarios"}

// merge lays the layers over each other, the last on top.
func merge(layers []Layer) Layer {
	all := Layer{}
	for _, layer := range layers {
		if slices.ContainsFunc(execution, func(name string) bool { _, ok := layer[name]; return ok }) {
			for _, name := range execution {
				delete(all, name)
			}
			if _, ok := layer["scenarios"]; ok {
				delete(all, "vus")
			}
		}
		maps.Copy(all, layer)
	}
	return all
}

// Read reads the options of layers, the last of which wins. Every fault is reported.
func Read(layers ...Layer) (*Options, error) {
	o := defaults()
	var faults []error
	all := merge(layers)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if string(all[name]) == "null" {
			continue
		}
		read, ok := readers[name]
		if !ok {
			faults = append(faults, fmt.Errorf("option %s is not known here", name))
			continue
		}
		if err := read(o, all[name]); err != nil {
			faults = append(faults, fmt.Errorf("option %s: %w", name, err))
		}
	}
	var err error
	if o.Segment, err = ParseSegment(o.segment, o.sequence); err != nil {
		faults = append(faults, err)
	}
	if len(faults) == 0 {
		faults = append(faults, o.schedule())
	}
	return o, errors.Join(faults...)
}

// strict decodes JSON into a value that has a place for all of it.
func strict(text json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// Duration in JSON is a text such as 1m30s, or a number of milliseconds.
type Duration struct{ time.Duration }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	switch value := value.(type) {
	case float64:
		d.Duration = time.Duration(value * float64(time.Millisecond))
		return nil
	case string:
		parsed, err := ParseDuration(value)
		d.Duration = parsed
		return err
	}
	return fmt.Errorf("%s is no duration, want a text such as 1m30s or a number of milliseconds", text)
}

// ParseDuration reads 1m30s, 1d12h, or a number of milliseconds.
func ParseDuration(text string) (time.Duration, error) {
	var ms json.Number
	if err := json.Unmarshal([]byte(text), &ms); err == nil && ms != "" {
		value, err := ms.Float64()
		return time.Duration(value * float64(time.Millisecond)), err
	}
	days := time.Duration(0)
	rest := text
	if d, after, ok := strings.Cut(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(d, "%d", &n); err != nil {
			return 0, fmt.Errorf("%q is no duration, want one such as 1m30s", text)
		}
		if days, rest = time.Duration(n)*24*time.Hour, after; rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration, want one such as 1m30s", text)
	}
	return days + d, nil
}
