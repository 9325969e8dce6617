// Package page shows what was profiled, as text and as a page.
//
// Owns: the words, tables and flame graphs of a report and of a comparison. Does not own: the figures (perf/profile),
// where they are written to.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/profile"
)

//go:embed page.gohtml
var pageText string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"amount": amount, "percent": percent, "change": change, "count": count, "p": probability,
	"moment": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 MST") },
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"flame":  func(r *profile.Report, i int) Flame { return draw(r.Hotspots[i], r.Trees[i], mostFrames) },
	"top":    func(all []profile.Function) []profile.Function { return all[:min(len(all), onPage)] },
	"title":  title, "titleOf": titleOf, "headline": headline, "verdict": Verdict, "whole": whole, "none": none,
	"builds": builds,
	"class":  func(o profile.Outcome) string { return strings.ToLower(strings.ReplaceAll(string(o), " ", "-")) },
	"names":  func(all []string) string { return strings.Join(all, ", ") },
}).Parse(pageText))

const (
	onPage = 40 // functions of a table
	inText = 15
)

// HTML writes a report as one page that needs nothing else: for each tier and kind a flame graph, what each route
// costs, the functions. It runs nothing, and reads in light and dark, narrow and wide, and on paper.
func HTML(w io.Writer, r *profile.Report) error {
	if err := pages.ExecuteTemplate(w, "report", r); err != nil {
		return fmt.Errorf("page of profiles %s: %w", r.Name, err)
	}
	return nil
}

// ComparisonHTML writes a comparison as such a page.
func ComparisonHTML(w io.Writer, c *profile.Comparison) error {
	if err := pages.ExecuteTemplate(w, "comparison", c); err != nil {
		return fmt.Errorf("page of a comparison of profiles: %w", err)
	}
	return nil
}

// FlameGraph is the flame graph of hotspots as a figure of another page, whose style has FlameStyle and names --ink. It
// has the widest frames alone: that page has room for some 200 kB of them.
func FlameGraph(h profile.Hotspots, root *profile.Node) (template.HTML, error) {
	f := draw(h, root, mostBeside)
	for i, frame := range f.Frames {
		name, told, _ := strings.Cut(frame.Title, "\n")
		f.Frames[i].Title = plain(name) + "\n" + told
	}
	return part("flame", f)
}

// FlameStyle are the rules of style that a FlameGraph needs.
func FlameStyle() (template.CSS, error) {
	text, err := part("flame-style", nil)
	return template.CSS(text), err
}

func part(name string, of any) (template.HTML, error) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, of); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return template.HTML(b.String()), nil
}

// Title names what hotspots are of: CPU of the API.
func Title(h profile.Hotspots) string { return title(h) }

// Headline is the whole of hotspots in a sentence, without its point.
func Headline(h profile.Hotspots) string { return headline(h) }

// Amount is a value of hotspots in three figures, with the unit that fits: 1.23 ms.
func Amount(v float64, unit string) string { return amount(v, unit) }

// Plain is a function's name without the types that it is made for.
func Plain(name string) string { return plain(name) }

var titles = map[profile.Kind]string{
	profile.CPU: "CPU", profile.Allocs: "Allocations", profile.Heap: "Memory in use", profile.Mutex: "Waiting for locks",
	profile.Block: "Waiting in goroutines", profile.Goroutine: "Goroutines",
}

func title(h profile.Hotspots) string { return titleOf(h.Kind, h.Tier) }

func titleOf(kind profile.Kind, tier string) string {
	if tier == profile.API {
		tier = "API"
	}
	return fmt.Sprintf("%s of the %s", titles[kind], tier)
}

// headline is a whole in a sentence.
func headline(h profile.Hotspots) string {
	text := fmt.Sprintf("%s per %s", amount(h.Value, h.Unit), h.Per)
	if h.Per != "pod" {
		text += fmt.Sprintf(", of %s", plural(h.Of, h.Per))
	}
	text += fmt.Sprintf("; samples %s, pods %d, windows of pods %d", count(h.Samples), h.Pods, h.Windows)
	if h.Own > 0 {
		text += fmt.Sprintf("; profiling itself, left out, %s", amount(h.Own, h.Unit))
	}
	return text
}

func plural(n float64, name string) string {
	if name == "second of a pod" {
		return count(n) + " seconds"
	}
	return count(n) + " " + name + "s"
}

// none names what has no label.
func none(name string) string {
	if name == "" {
		return "(none)"
	}
	return name
}

func builds(all []profile.Build) string {
	var names []string
	for _, b := range all {
		names = append(names, b.String())
	}
	return strings.Join(names, "; ")
}

var units = map[string][]struct {
	from float64
	name string
}{
	"ns": {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}},
	"B":  {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}},
}

// amount is a value in three figures, with the unit that fits.
func amount(v float64, unit string) string {
	steps := units[unit]
	for i, u := range steps {
		if math.Abs(v) >= u.from || i == len(steps)-1 {
			return figures(v/u.from) + " " + u.name
		}
	}
	return figures(v)
}

// figures writes three of them, and no exponent.
func figures(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', min(decimals, 4), 64)
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

func change(share float64) string { return fmt.Sprintf("%+.1f %%", 100*share) }

func probability(p float64) string {
	if p < 0.0001 {
		return "< 0.0001"
	}
	return strconv.FormatFloat(p, 'f', 4, 64)
}

// count groups the digits of a number.
func count(v float64) string {
	text := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
