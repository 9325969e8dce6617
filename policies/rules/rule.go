package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks"
)

// Level is what a finding does to an update.
type Level string

// The levels.
const (
	Mandatory Level = "mandatory" // stops it
	Advisory  Level = "advisory"  // is reported
	Off       Level = "off"       // is not looked for
)

// Levels of a rule by environment.
type Levels struct{ Production, Development, Local Level }

// In is the level in an environment.
func (l Levels) In(env stacks.Environment) Level {
	switch env {
	case stacks.Development:
		return l.Development
	case stacks.Local:
		return l.Local
	default:
		return l.Production
	}
}

var (
	everywhere  = Levels{Mandatory, Mandatory, Mandatory} // holds for whatever runs
	onAWS       = Levels{Mandatory, Mandatory, Off}       // the sandbox has nothing to lose
	production  = Levels{Mandatory, Advisory, Off}        // development may be cheaper
	productions = Levels{Mandatory, Off, Off}             // development is meant to differ
)

// Area groups rules.
type Area string

// The areas, in the order of the documentation.
const (
	Workloads Area = "workloads"
	Scaling   Area = "scaling"
	Nodes     Area = "nodes"
	Cluster   Area = "cluster"
	Database  Area = "database"
	Cache     Area = "cache"
	Network   Area = "network"
	Edge      Area = "edge"
	Buckets   Area = "buckets"
	Identity  Area = "identity"
	Alarms    Area = "alarms"
	Upkeep    Area = "upkeep"
	Cost      Area = "cost"
)

// Rule is one entry of the table. Exactly one of Check and CheckStack is set.
type Rule struct {
	Name   string // also its anchor in docs/policies.md
	Area   Area
	Says   string // one sentence: what holds
	Fix    string // what to change
	Origin string // where the threshold comes from
	Levels Levels

	Types      []string // resource types that Check looks at; none = all
	Check      func(Resource, Thresholds, *Report)
	CheckStack func(Stack, Thresholds, *Report)
}

// Thresholds is what a stack says that rules measure against.
type Thresholds struct {
	Stack       string
	Environment stacks.Environment
	SLO         stacks.SLO
	Replicas    int               // of the database
	Watched     []Watch           // what alarms and alerts compare with
	Load        slo.LoadTest      // what a run of a load test must keep
	Tags        map[string]string // of every resource, "component" apart
	Region      string
	BudgetUSD   float64 // a month; 0 = none is stated
}

// Watch is a threshold with the alarms and alerts that compare with it.
type Watch struct {
	slo.Threshold
	Watches []string
}

func watchesFor(all slo.Thresholds) []Watch {
	var watches []Watch
	watched := slo.Watched()
	for _, row := range all.Rows() {
		watches = append(watches, Watch{row, watched[row.ID()]})
	}
	return watches
}

// For takes the thresholds out of a stack's configuration.
func For(c *stacks.Config) Thresholds {
	return Thresholds{
		Stack: c.Stack, Environment: c.Environment, SLO: c.SLO, Tags: c.ResourceTags(),
		Replicas: c.Database.Replicas, Watched: watchesFor(c.Thresholds()), Load: c.LoadThresholds(), Region: c.Region,
		BudgetUSD: c.Budget.MonthlyUSD,
	}
}

// byEnvironment chooses a threshold that the objectives do not give.
func (t Thresholds) byEnvironment(production, development, local float64) float64 {
	switch t.Environment {
	case stacks.Development:
		return development
	case stacks.Local:
		return local
	default:
		return production
	}
}

// Resource is one resource as its program declares it, with the provider's defaults.
type Resource struct {
	Type, Name, URN string
	Inputs          property.Map
	Protect         bool
	IgnoreChanges   []string
	// Sources are the URNs that each input comes from. Resource checks have none.
	Sources map[string][]string
}

// At is the input at a path of members.
func (r Resource) At(members ...string) Property {
	return Property{value: property.New(r.Inputs), present: true}.At(members...)
}

// comesFrom tells whether the engine says that an input comes from the other resource. Where silence must not count.
func (r Resource) comesFrom(input string, other Resource) bool {
	return slices.Contains(r.Sources[input], other.URN)
}

// mayComeFrom tells whether an input comes from the other resource, as far as the engine says: one of which it says
// nothing may, and one that is not there does not.
func (r Resource) mayComeFrom(input string, other Resource) bool {
	if len(r.Sources[input]) == 0 {
		return !r.At(input).Absent()
	}
	return r.comesFrom(input, other)
}

// Stack is every resource of a stack.
type Stack struct{ Resources []Resource }

// OfType is the resources of any of the types, in the stack's order.
func (s Stack) OfType(types ...string) []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if slices.Contains(types, r.Type) {
			found = append(found, r)
		}
	}
	return found
}

// Finding is one fault.
type Finding struct {
	URN, Name string // of the resource; empty for the stack as a whole
	Path      string // of the input; empty when it is about the resource
	Is, Want  string
}

func (f Finding) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s is %s, want %s", f.Path, f.Is, f.Want))
}

// Report collects a rule's findings.
type Report struct{ Findings []Finding }

// fault reports the value at n.
func (p *Report) fault(r Resource, n Property, want string) {
	p.about(r, n.Path, n.show(), want)
}

// about reports what a value alone does not show.
func (p *Report) about(r Resource, path, is, want string) {
	p.Findings = append(p.Findings, Finding{URN: r.URN, Name: r.Name, Path: path, Is: is, Want: want})
}

// isTrue wants true. Absent is not.
func (p *Report) isTrue(r Resource, n Property) {
	if !n.Unknown() && !n.True() {
		p.fault(r, n, "true")
	}
}

// isNotTrue wants false or nothing.
func (p *Report) isNotTrue(r Resource, n Property) {
	if !n.Unknown() && n.True() {
		p.fault(r, n, "false")
	}
}

// isOneOf wants one of the texts. Absent is none.
func (p *Report) isOneOf(r Resource, n Property, texts ...string) {
	if !n.Unknown() && !slices.Contains(texts, n.Text()) {
		p.fault(r, n, strings.Join(texts, " or "))
	}
}

// isSet wants any value.
func (p *Report) isSet(r Resource, n Property, what string) {
	if !n.Unknown() && (n.Absent() || n.value.IsString() && n.Text() == "") {
		p.fault(r, n, what)
	}
}

// isAtLeast wants a number of at least least. Absent is none.
func (p *Report) isAtLeast(r Resource, n Property, least float64, why string) {
	if v, ok := n.Number(); !n.Unknown() && (!ok || v < least) {
		p.fault(r, n, fmt.Sprintf("at least %v%s", least, why))
	}
}

// contains wants all texts in a list. A list with unknown elements is undecided.
func (p *Report) contains(r Resource, n Property, texts ...string) {
	if n.Undecided() {
		return
	}
	have := n.texts()
	for _, want := range texts {
		if !slices.Contains(have, want) {
			p.fault(r, n, "a list with "+strings.Join(texts, ", "))
			return
		}
	}
}

// LooksAt tells whether the rule checks resources of a type one by one.
func (r Rule) LooksAt(typ string) bool {
	return r.Check != nil && (len(r.Types) == 0 || slices.Contains(r.Types, typ))
}

// Find looks for what a rule is about in one resource. A stack rule finds nothing in it.
func (r Rule) Find(res Resource, t Thresholds) []Finding {
	if !r.LooksAt(res.Type) {
		return nil
	}
	var report Report
	r.Check(res, t, &report)
	return report.Findings
}

// FindInStack looks for what a rule is about in a whole stack. A resource rule finds nothing in it.
func (r Rule) FindInStack(s Stack, t Thresholds) []Finding {
	if r.CheckStack == nil {
		return nil
	}
	var report Report
	r.CheckStack(s, t, &report)
	return report.Findings
}
