package rules

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ragscale/ragscale/stacks"
)

// Listing is every rule as one stack has it, and what it measures against. Its JSON is stable.
type Listing struct {
	Stack       string             `json:"stack"`
	Environment stacks.Environment `json:"environment"`
	Objectives  stacks.SLO         `json:"objectives"`
	BudgetUSD   float64            `json:"budgetUSD"` // a month; 0 = none is stated
	Replicas    int                `json:"databaseReplicas"`
	Alarms      []ListedAlarm      `json:"alarms"`
	Rules       []ListedRule       `json:"rules"`
}

// ListedAlarm is a threshold that some alarm or alert must compare with.
type ListedAlarm struct {
	Name      string   `json:"name"` // "Database.FreeMemoryBytes"
	Value     float64  `json:"value"`
	Unit      string   `json:"unit"`
	Objective string   `json:"objective"` // key below slo; "" if the value stands for itself
	Watches   []string `json:"watches"`
}

// ListedRule is an entry of the table.
type ListedRule struct {
	Name   string `json:"name"`
	Area   Area   `json:"area"`
	Level  Level  `json:"level"`
	Says   string `json:"says"`
	Fix    string `json:"fix"`
	Origin string `json:"origin"`
	More   string `json:"more"`
}

// List is the rules under a stack's thresholds.
func List(t Thresholds) Listing {
	l := Listing{Stack: t.Stack, Environment: t.Environment, Objectives: t.SLO, BudgetUSD: t.BudgetUSD,
		Replicas: t.Replicas}
	for _, w := range t.Watched {
		l.Alarms = append(l.Alarms, ListedAlarm{w.Tier + "." + w.Name, w.Value, w.Unit, w.Objective, w.Watches})
	}
	for _, r := range All() {
		l.Rules = append(l.Rules, ListedRule{r.Name, r.Area, r.Levels.In(t.Environment), r.Says, r.Fix, r.Origin,
			"docs/policies.md#" + r.Name})
	}
	return l
}

// JSON writes the listing for machines.
func (l Listing) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(l)
}

// lineWidth is how wide Text gets, in characters: a terminal with room for a margin.
const lineWidth = 100

// Text writes the listing for people: what rules measure against, then every rule.
func (l Listing) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Thresholds of stack %s (environment %s)\n\n", l.Stack, l.Environment)
	l.thresholds(&b)
	var area Area
	for _, r := range l.Rules {
		if r.Area != area {
			area = r.Area
			fmt.Fprintf(&b, "\nThe %s\n", area)
		}
		fmt.Fprintf(&b, "\n  %s  %s\n", r.Name, r.Level)
		for _, text := range []string{r.Says, "Fix: " + r.Fix, "Origin: " + r.Origin} {
			fmt.Fprintln(&b, wrap(text, "    ", "      "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l Listing) thresholds(b *strings.Builder) {
	var padded strings.Builder
	table := tabwriter.NewWriter(&padded, 0, 0, 2, ' ', 0)
	for _, row := range l.objectives() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", row[0], row[1], row[2])
	}
	for _, a := range l.Alarms {
		from := ""
		if a.Objective != "" {
			from = "from slo." + a.Objective
		}
		fmt.Fprintf(table, "  %s\t%s %s\t%s\n", a.Name, number(a.Value), a.Unit, from)
	}
	table.Flush() // into memory
	for line := range strings.Lines(padded.String()) {
		fmt.Fprintln(b, strings.TrimRight(line, " \n"))
	}
}

// objectives is what the stack's file states, as key, value and unit: the numbers that the rules' origins name.
func (l Listing) objectives() [][3]string {
	o := l.Objectives
	rows := [][3]string{
		{"slo.responseSeconds", number(o.ResponseSeconds) + " s", "95th percentile"},
		{"slo.complexSearchSeconds", number(o.ComplexSearchSeconds) + " s", "95th percentile"},
		{"slo.uploadSecondsPerMB", number(o.UploadSecondsPerMB) + " s per MB", "95th percentile"},
		{"slo.throughputRPS", number(o.ThroughputRPS) + " requests/s", ""},
		{"slo.cpuPercent", number(o.CPUPercent) + " %", "of capacity"},
		{"slo.memoryPercent", number(o.MemoryPercent) + " %", "of capacity"},
		{"slo.storagePercent", number(o.StoragePercent) + " %", "of what is allocated"},
		{"slo.availabilityPercent", number(o.AvailabilityPercent) + " %", ""},
		{"slo.recallPercent", number(o.RecallPercent) + " %", "of relevant documents found"},
		{"slo.freshnessSeconds", number(o.FreshnessSeconds) + " s", "90th percentile"},
		{"slo.hpa", fmt.Sprintf("%d to %d replicas", o.HPA.MinReplicas, o.HPA.MaxReplicas),
			fmt.Sprintf("%d %% CPU, %d %% memory of requests", o.HPA.CPUPercent, o.HPA.MemoryPercent)},
		{"database.replicas", strconv.Itoa(l.Replicas), ""},
	}
	if l.BudgetUSD > 0 {
		rows = append(rows, [3]string{"budget.monthlyUSD", number(l.BudgetUSD) + " USD", "a month"})
	}
	return rows
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// wrap breaks a text between words; its lines begin with first and then.
func wrap(text, first, then string) string {
	lines := []string{first}
	for i, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case i > 0 && len([]rune(*last))+1+len([]rune(word)) > lineWidth:
			lines = append(lines, then+word)
		case i > 0:
			*last += " " + word
		default:
			*last += word
		}
	}
	return strings.Join(lines, "\n")
}
