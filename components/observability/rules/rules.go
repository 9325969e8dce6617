// Package rules writes the Prometheus rules of a stack: objectives, scaling, workloads.
//
// Owns: every recording rule and alert, the multiples and windows of burn rates, the list of metrics that rules and
// dashboards may use. Does not own: thresholds (they come in through Config), where the rules run, who is told.
package rules

import (
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/slo"
)

// Severities. A page means that users suffer, or will before the morning; a ticket waits for working hours.
const (
	Page   = "page"
	Ticket = "ticket"
)

// Config is what the rules watch and where the limits are. All limits come from the stack's objectives.
type Config struct {
	// RunbookURL is the page whose sections alerts link to, without a fragment.
	RunbookURL string
	// Namespaces whose pods and autoscalers are watched; the first is the API's.
	Namespaces []string
	// PgBouncer, Cache, Autoscaling (cluster-autoscaler and VPA) and VectorStore tell which optional tiers exist.
	PgBouncer, Cache, Autoscaling, VectorStore bool

	Thresholds slo.Thresholds
}

// File is a rule file: one rule group namespace of Amazon Managed Service for Prometheus.
type File struct {
	Name   string  `json:"-"`
	Groups []Group `json:"groups"`
}

// Group is a list of rules that are evaluated in order, each seeing what those before it recorded.
type Group struct {
	Name     string `json:"name"`
	Interval string `json:"interval"`
	Rules    []Rule `json:"rules"`
}

// Rule records a series or raises an alert.
type Rule struct {
	Record      string            `json:"record,omitempty"`
	Alert       string            `json:"alert,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`

	// Thresholds that an alert compares with, itself or through what is recorded, by their IDs.
	Thresholds []string `json:"-"`
}

// interval is how often rules are evaluated: twice the scraper's, the shortest that a managed scraper takes.
const interval = "1m"

// Files are the stack's rules, in a stable order.
func (c Config) Files() []File {
	return []File{
		{Name: "objectives", Groups: []Group{c.objectives()}},
		{Name: "scaling", Groups: c.scaling()},
		{Name: "workload", Groups: c.workload()},
	}
}

// YAML is the file as Prometheus reads it.
func (f File) YAML() (string, error) {
	text, err := yaml.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("rule file %s: %w", f.Name, err)
	}
	return string(text), nil
}

// alert is the part of a rule that tells people.
type alert struct {
	name, severity string
	// section of the runbook
	section string
	expr    string
	// minutes that the expression must hold
	minutes int
	summary string
	// of are the thresholds that it compares with, itself or through what is recorded; none where a limit of its own
	// decides.
	of []slo.Threshold
}

func (c Config) alerts(all ...alert) []Rule {
	rules := make([]Rule, len(all))
	for i, a := range all {
		rules[i] = Rule{
			Alert: a.name, Expr: a.expr,
			Labels: map[string]string{"severity": a.severity},
			Annotations: map[string]string{
				"summary":     a.summary,
				"runbook_url": c.RunbookURL + "#" + a.section,
			},
		}
		for _, threshold := range a.of {
			rules[i].Thresholds = append(rules[i].Thresholds, threshold.ID())
		}
		if a.minutes > 0 {
			rules[i].For = strconv.Itoa(a.minutes) + "m"
		}
	}
	return rules
}

// in matches the watched namespaces.
func (c Config) in() string { return `namespace=~"` + strings.Join(c.Namespaces, "|") + `"` }

func record(name, expr string) Rule { return Rule{Record: name, Expr: expr} }

// number writes a limit as PromQL reads it, without an exponent where none is needed.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
