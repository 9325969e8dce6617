package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what a run has measured.
type report struct {
	Machine string    `json:"machine"`
	At      time.Time `json:"at"`
	Rows    []row     `json:"rows"`
}

// row is a load over all rounds.
type row struct {
	Name     string    `json:"name"`
	Rates    []float64 `json:"rates"`     // answers a second, one for each round, sorted
	Median   float64   `json:"medianMs"`  // of the rounds' medians; 0 where single answers say nothing
	P95      float64   `json:"p95Ms"`     // of the rounds' 95th percentiles
	Requests int       `json:"requests"`  // answered as wanted
	Faults   int       `json:"faults"`    // not
	Cores    float64   `json:"generator"` // cores that this program used, the median of the rounds
}

func rowOf(name string, samples []sample) row {
	r := row{Name: name}
	var medians, p95s, cores []float64
	for _, s := range samples {
		r.Rates = append(r.Rates, s.rate())
		r.Requests, r.Faults = r.Requests+len(s.took), r.Faults+s.faults
		medians, p95s, cores = append(medians, s.percentile(0.5)), append(p95s, s.percentile(0.95)), append(cores, s.cores)
	}
	slices.Sort(r.Rates)
	r.Median, r.P95, r.Cores = middle(medians), middle(p95s), middle(cores)
	return r
}

// middle is the median, the lower one of two.
func middle(values []float64) float64 {
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	return values[(len(values)-1)/2]
}

// readReport reads a saved report; none has no rows.
func readReport(name string) (report, error) {
	var r report
	if name == "" {
		return r, nil
	}
	raw, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return r, fmt.Errorf("report %s: %w", name, err)
	}
	return r, nil
}

// print writes the table, with ratios to the rates and medians of base where that has the row.
func (r report) print(w io.Writer, base report) error {
	fmt.Fprintf(w, "machine: %s; %s\n", r.Machine, r.At.Format(time.DateOnly))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "load\tanswers/s\tspread\trounds\tp50 ms\tp95 ms\tanswers\tfaults\tgenerator, cores\t")
	if len(base.Rows) > 0 {
		fmt.Fprint(t, "rate/base\tp50/base\t")
	}
	fmt.Fprintln(t)
	for _, now := range r.Rows {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f-%.0f\t%d\t%.2f\t%.2f\t%d\t%d\t%.2f\t", now.Name,
			middle(now.Rates), slices.Min(now.Rates), slices.Max(now.Rates), len(now.Rates),
			now.Median, now.P95, now.Requests, now.Faults, now.Cores)
		if i := slices.IndexFunc(base.Rows, func(b row) bool { return b.Name == now.Name }); i >= 0 {
			fmt.Fprintf(t, "%s\t%s\t", ratio(middle(now.Rates), middle(base.Rows[i].Rates)),
				ratio(now.Median, base.Rows[i].Median))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func ratio(now, before float64) string {
	if before == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", now/before)
}
