package summary

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// shown are the builtin metrics of the text, by section.
var shown = []struct {
	section string
	names   []string
}{
	{"HTTP", []string{"http_req_duration", "http_req_failed", "http_reqs"}},
	{"EXECUTION", []string{"dropped_iterations", "iteration_duration", "iterations", "vus", "vus_max"}},
	{"NETWORK", []string{"data_received", "data_sent"}},
}

// quiet are builtin metrics that the text leaves out.
var quiet = []string{
	"checks", "group_duration", "http_req_blocked", "http_req_connecting", "http_req_receiving", "http_req_sending",
	"http_req_tls_handshaking", "http_req_waiting",
}

// Text is the summary for people.
func (r *Run) Text() string {
	var b strings.Builder
	b.WriteString("\n")
	r.thresholds(&b)
	b.WriteString("\n  █ TOTAL RESULTS \n\n")
	r.checks(&b)
	rows := r.rows()
	t := tableOf(rows)
	for _, section := range append([]string{"CUSTOM"}, "HTTP", "EXECUTION", "NETWORK") {
		var lines []string
		for _, row := range rows {
			if row.section == section {
				lines = append(lines, t.line(row))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "    %s\n%s\n\n", section, strings.Join(lines, "\n"))
		}
	}
	return b.String()
}

func (r *Run) thresholds(b *strings.Builder) {
	var parts []string
	for _, m := range r.Metrics {
		if len(m.Thresholds) == 0 {
			continue
		}
		lines := "    " + m.Name + "\n"
		for _, t := range m.Thresholds {
			mark := "✓"
			if t.Failed {
				mark = "✗"
			}
			lines += fmt.Sprintf("    %s '%s' %s\n", mark, t.Source, r.statistic(m, t))
		}
		parts = append(parts, lines)
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "\n  █ THRESHOLDS \n\n%s\n", strings.Join(parts, "\n"))
	}
}

// statistic is the value that a threshold is about.
func (r *Run) statistic(m *metrics.Metric, t *metrics.Threshold) string {
	value, err := m.Sink.Statistic(t.Statistic, r.Elapsed)
	if err != nil {
		return err.Error()
	}
	text := r.format(m, value)
	switch {
	case m.Type == metrics.Rate:
		text = percent(value)
	case t.Statistic == "count":
		text = number(value)
	case t.Statistic == "rate":
		text += "/s"
	}
	return t.Statistic + "=" + text
}

func (r *Run) checks(b *strings.Builder) {
	i := slices.IndexFunc(r.Metrics, func(m *metrics.Metric) bool { return m.Name == "checks" })
	if i < 0 || r.Metrics[i].Sink.Empty() {
		return
	}
	v := r.values(r.Metrics[i])
	total := v["passes"] + v["fails"]
	fmt.Fprintf(b, "    checks_total.......: %s %s/s\n", number(total), perSecond(total/max(1e-9, r.Elapsed.Seconds())))
	fmt.Fprintf(b, "    checks_succeeded...: %s %s out of %s\n", percent(v["rate"]), number(v["passes"]), number(total))
	fmt.Fprintf(b, "    checks_failed......: %s %s out of %s\n\n", percent(1-v["rate"]), number(v["fails"]), number(total))
	checkLines(b, r.Groups)
	b.WriteString("\n")
}

func checkLines(b *strings.Builder, g *js.Group) {
	for _, c := range g.Checks() {
		if c.Fails == 0 {
			fmt.Fprintf(b, "    ✓ %s\n", c.Name)
			continue
		}
		share := int(100 * float64(c.Passes) / float64(c.Passes+c.Fails))
		fmt.Fprintf(b, "    ✗ %s\n      ↳  %d%% — ✓ %d / ✗ %d\n", c.Name, share, c.Passes, c.Fails)
	}
	for _, child := range g.Children() {
		checkLines(b, child)
	}
}

// row is a line of a metric: of a trend all statistics, of another a value and two remarks.
type row struct {
	section, name string
	trend         bool
	cells         []string
}

func (r *Run) rows() []row {
	var rows []row
	for _, m := range r.Metrics {
		base, selector, part := strings.Cut(m.Name, "{")
		section := sectionOf(base)
		if section == "" {
			continue
		}
		name := m.Name
		if part {
			name = "  { " + strings.TrimSuffix(selector, "}") + " }"
		}
		rows = append(rows, row{section, name, m.Type == metrics.Trend, r.cells(m)})
	}
	return rows
}

func sectionOf(metric string) string {
	for _, s := range shown {
		if slices.Contains(s.names, metric) {
			return s.section
		}
	}
	if slices.Contains(quiet, metric) {
		return ""
	}
	return "CUSTOM"
}

func (r *Run) cells(m *metrics.Metric) []string {
	v := r.values(m)
	switch m.Type {
	case metrics.Trend:
		var cells []string
		for _, name := range r.TrendStats {
			text := r.format(m, v[name])
			if name == "count" {
				text = number(v[name])
			}
			cells = append(cells, name+"="+text)
		}
		return cells
	case metrics.Rate:
		return []string{percent(v["rate"]), fmt.Sprintf("%s out of %s", number(v["passes"]), number(v["passes"]+v["fails"]))}
	case metrics.Gauge:
		return []string{r.format(m, v["value"]), "min=" + r.format(m, v["min"]), "max=" + r.format(m, v["max"])}
	default:
		rate := perSecond(v["rate"])
		if m.Contains != metrics.Default {
			rate = r.format(m, v["rate"])
		}
		return []string{r.format(m, v["count"]), rate + "/s"}
	}
}

// table has the widths of all rows.
type table struct {
	name          int
	trend, others []int
}

func tableOf(rows []row) table {
	var t table
	for _, row := range rows {
		t.name = max(t.name, utf8.RuneCountInString(row.name))
		widths := &t.others
		if row.trend {
			widths = &t.trend
		}
		for i, cell := range row.cells {
			if i == len(*widths) {
				*widths = append(*widths, 0)
			}
			(*widths)[i] = max((*widths)[i], utf8.RuneCountInString(cell))
		}
	}
	return t
}

func (t table) line(r row) string {
	widths := t.others
	if r.trend {
		widths = t.trend
	}
	cells := make([]string, len(r.cells))
	for i, cell := range r.cells {
		cells[i] = cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
	}
	dots := strings.Repeat(".", t.name-utf8.RuneCountInString(r.name)+3)
	return "    " + r.name + dots + ": " + strings.TrimRight(strings.Join(cells, " "), " ")
}
