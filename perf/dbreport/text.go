package dbreport

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Text writes the report for a reader: the server, the findings from the worst on, the statements.
func (r Report) Text(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(out, "database %s, PostgreSQL %s, streaming replicas %d, statistics of at least %s\n", r.Server.Database,
		r.Server.Version, r.Server.Replicas, amount(r.Server.StatisticsAgeSeconds, "s"))
	fmt.Fprintln(out, r.summary())
	for _, f := range r.Findings {
		f.text(out)
	}
	statements(out, "SLOWEST STATEMENTS", r.Slowest)
	statements(out, "MOST FREQUENT STATEMENTS", r.Frequent)
	return out.Flush()
}

func (r Report) summary() string {
	return fmt.Sprintf("findings: %d critical, %d warning, %d info", r.Count(Critical), r.Count(Warning), r.Count(Info))
}

func (f Finding) text(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s: %s\n", strings.ToUpper(string(f.Severity)), f.Check, f.Subject)
	fmt.Fprintf(w, "  fact\t%s\n", f.Fact)
	var figures []string
	for _, e := range f.Evidence {
		figures = append(figures, e.Name+" "+amount(e.Value, e.Unit))
	}
	for _, line := range []struct{ name, text string }{
		{"evidence", strings.Join(figures, ", ")}, {"answer", f.Answer}, {"SQL", spaces.ReplaceAllString(f.SQL, " ")},
		{"stack", f.Stack},
	} {
		if line.text != "" {
			fmt.Fprintf(w, "  %s\t%s\n", line.name, line.text)
		}
	}
}

func statements(w io.Writer, title string, list []Statement) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\nCALLS\tMEAN\tSHARE\tROWS\tREAD\tSTATEMENT\n", title)
	for _, s := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", s.Calls, amount(s.MeanMillis, "ms"), amount(s.SharePercent, "%"),
			amount(s.RowsPerCall, ""), amount(s.ReadBytes, "B"), shorten(s.Query))
	}
}

// amount is a value with its unit, in three figures or so.
func amount(value float64, unit string) string {
	switch unit {
	case "B":
		return size(value)
	case "s":
		return age(time.Duration(value * float64(time.Second)))
	case "ms":
		return strconv.FormatFloat(value, 'f', decimals(value), 64) + " ms"
	case "%":
		return strconv.FormatFloat(value, 'f', 1, 64) + " %"
	}
	return strings.TrimSpace(strconv.FormatFloat(value, 'f', decimals(value), 64) + " " + unit)
}

func age(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	case d >= time.Second:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

// decimals that say something of a value.
func decimals(value float64) int {
	switch {
	case value == float64(int64(value)) || value >= 100:
		return 0
	case value >= 1:
		return 1
	}
	return 3
}

func size(bytes float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	n := 0
	for bytes >= 1024 && n < len(units)-1 {
		bytes /= 1024
		n++
	}
	return strconv.FormatFloat(bytes, 'f', decimals(bytes), 64) + " " + units[n]
}
