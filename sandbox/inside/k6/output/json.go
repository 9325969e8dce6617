// Package output writes every sample of a load test as k6's --out json does: a line for each, and one for each metric
// before its first.
//
// Owns: the form. Does not own: samples.
//
// Source: https://grafana.com/docs/k6/latest/results-output/real-time/json/ ; read 2026-11-30.
package output

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// JSON is an output of lines.
type JSON struct {
	encoder *json.Encoder
	closers []func() error // the innermost last
	seen    map[*metrics.Metric]bool
	err     error
}

// Open opens the output that json=FILE means; without a file it is out.
func Open(what string, out io.Writer) (*JSON, error) {
	kind, file, named := strings.Cut(what, "=")
	if kind != "json" {
		return nil, fmt.Errorf("output %q is not known here, want json=FILE", kind)
	}
	j := &JSON{seen: map[*metrics.Metric]bool{}}
	w := out
	if named && file != "-" {
		f, err := os.Create(file)
		if err != nil {
			return nil, err
		}
		w, j.closers = f, append(j.closers, f.Close)
	}
	buffer := bufio.NewWriterSize(w, 1<<16)
	w, j.closers = buffer, append(j.closers, buffer.Flush)
	if strings.HasSuffix(file, ".gz") {
		z := gzip.NewWriter(w)
		w, j.closers = z, append(j.closers, z.Close)
	}
	j.encoder = json.NewEncoder(w)
	j.encoder.SetEscapeHTML(false)
	return j, nil
}

type line struct {
	Metric string `json:"metric"`
	Type   string `json:"type"`
	Data   any    `json:"data"`
}

type described struct {
	Name       string           `json:"name"`
	Type       metrics.Type     `json:"type"`
	Contains   metrics.Contents `json:"contains"`
	Thresholds []string         `json:"thresholds"`
	Parts      []part           `json:"submetrics"`
}

type part struct {
	Name   string       `json:"name"`
	Suffix string       `json:"suffix"`
	Tags   metrics.Tags `json:"tags"`
}

type point struct {
	Time  time.Time    `json:"time"`
	Value float64      `json:"value"`
	Tags  metrics.Tags `json:"tags"`
}

// Add implements metrics.Output.
func (j *JSON) Add(samples []metrics.Sample) {
	for _, s := range samples {
		if !j.seen[s.Metric] {
			j.seen[s.Metric] = true
			j.write("Metric", s.Metric, describe(s.Metric))
		}
		j.write("Point", s.Metric, point{s.Time.UTC(), s.Value, s.Tags})
	}
}

func (j *JSON) write(kind string, m *metrics.Metric, data any) {
	if err := j.encoder.Encode(line{m.Name, kind, data}); err != nil && j.err == nil {
		j.err = err
	}
}

func describe(m *metrics.Metric) described {
	d := described{Name: m.Name, Type: m.Type, Contains: m.Contains, Thresholds: []string{}}
	for _, t := range m.Thresholds {
		d.Thresholds = append(d.Thresholds, t.Source)
	}
	for _, p := range m.Parts() {
		_, suffix, _ := strings.Cut(p.Name, "{")
		d.Parts = append(d.Parts, part{p.Name, strings.TrimSuffix(suffix, "}"), p.Selector()})
	}
	return d
}

// Close writes what is left, and returns the first fault of all.
func (j *JSON) Close() error {
	err := j.err
	for i := len(j.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, j.closers[i]())
	}
	return err
}
