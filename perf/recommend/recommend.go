// Package recommend turns a diagnosis into changes of a stack's file that can be made.
//
// Owns: which keys mend which cause, by how much, what is predicted of it and how, the patch. Does not own: the
// diagnosis (perf/diagnose), what a stack may say (stacks), policies and prices of a plan (the caller has them
// checked).
package recommend

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/ragscale/ragscale/perf/diagnose"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/stacks"
)

// Cost is what a stack costs, USD a month at list prices: with the fewest nodes, and with all that autoscaling may
// reach.
type Cost struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// Check prices what a stack declares with some values of its file. Its error says why it may not be: a policy or the
// budget.
type Check func(values map[string]string) (Cost, error)

// Input is what recommendations are made of.
type Input struct {
	Diagnosis *diagnose.Diagnosis
	Run       *load.Run
	File      string // Pulumi.<stack>.yaml
	Name      string // as a patch has it; "" for the last part of File
	Text      []byte // what it says
	Check     Check
}

// Recommendation is one change, or none.
type Recommendation struct {
	Cause string `json:"cause"` // "" of changing nothing
	Says  string `json:"says"`
	Edits []Edit `json:"edits"`
	Patch string `json:"patch"`
	// Times is how many times the capacity of what binds becomes.
	Times   float64 `json:"times"`
	Predict Effect  `json:"predicted"`
	// AddsLeast and AddsMost are what it adds to the bill, USD a month: with the fewest nodes, and with the most.
	AddsLeast float64 `json:"addsLeastUSD"`
	AddsMost  float64 `json:"addsMostUSD"`
	Risk      string  `json:"risk"`
	Undo      string  `json:"undo"`
	WhyNext   string  `json:"whyNotTheNext"`
	// Verified is whether it was tried: never here.
	Verified bool   `json:"verified"`
	Try      string `json:"try"` // the command that tries it, or why none does

	text []byte
}

// ByHand is what no key mends.
type ByHand struct {
	Cause   string `json:"cause"`
	Says    string `json:"says"`
	Section string `json:"section"` // of docs/operations.md
}

// Answer is the stable answer of `ragscale recommend --json`.
type Answer struct {
	Run     string           `json:"run"`
	Outcome diagnose.Outcome `json:"outcome"`
	Says    string           `json:"says"`
	// Recommendations are ordered by predicted effect for a dollar; none where all is to be done by hand, or nothing is
	// known.
	Recommendations []Recommendation `json:"recommendations"`
	ByHand          []ByHand         `json:"byHand"`
	Refused         []string         `json:"refused"` // changes that were considered and may not be, with the reason
	File            string           `json:"file"`

	read []byte
}

// For recommends. Its error says that file, run and diagnosis do not belong together.
func For(in Input) (*Answer, error) {
	d := in.Diagnosis
	values, err := stacks.ParseFile(in.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.File, err)
	}
	stack := in.Run.Environment["stack"]
	cfg, err := stacks.Parse(stack, values)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.File, err)
	}
	if then, now := in.Run.Environment["configuration"], cfg.Digest(); then != now {
		return nil, fmt.Errorf("%s has changed since run %s (configuration %s, now %s): what it would recommend is of "+
			"another "+
			"stack; `ragscale load run %s --stack %s` measures this one", in.File, in.Run.Name, cmp.Or(then, "not kept"), now,
			in.Run.Scenario.Name, stack)
	}
	a := &Answer{Run: d.Run, Outcome: d.Outcome, Says: d.Says, File: in.File, read: in.Text,
		Recommendations: []Recommendation{}, ByHand: []ByHand{}, Refused: []string{}}
	now, err := in.Check(values)
	if err != nil {
		return nil, fmt.Errorf("%s as it is: %w", in.File, err)
	}
	m := maker{Input: in, cfg: cfg, values: values, now: now, answer: a}
	m.make()
	return a, nil
}

// maker makes an answer.
type maker struct {
	Input
	cfg    *stacks.Config
	values map[string]string
	now    Cost
	answer *Answer
}

func (m *maker) make() {
	if m.Diagnosis.Outcome == diagnose.None {
		m.answer.Recommendations = []Recommendation{nothing(m.Diagnosis)}
		return
	}
	for _, f := range m.Diagnosis.Findings {
		m.mend(f)
	}
	m.order()
}

// nothing is the answer where nothing holds the run up.
func nothing(d *diagnose.Diagnosis) Recommendation {
	return Recommendation{
		Says: "change nothing: " + d.Says, Edits: []Edit{}, Predict: Effect{How: "nothing is changed"},
		Risk: "none", Undo: "nothing to undo", Try: "nothing to try",
		WhyNext: "whatever is bought now would stand idle at this load",
	}
}

// mend takes the first of a remedy's variants that may be, and says what is to be done by hand beside it.
func (m *maker) mend(f diagnose.Finding) {
	r, known := remedies[f.Cause]
	if !known || r.byHand != "" {
		says := r.byHand
		if !known {
			says = "see the section"
		}
		m.answer.ByHand = append(m.answer.ByHand, ByHand{f.Cause, says, f.Section})
	}
	for _, way := range r.ways {
		for _, v := range way(m) {
			one, why := m.try(f, v)
			if why == "" {
				m.answer.Recommendations = append(m.answer.Recommendations, one)
				break
			}
			m.answer.Refused = append(m.answer.Refused, why)
		}
	}
}

// try holds a variant against all that may refuse it.
func (m *maker) try(f diagnose.Finding, v variant) (r Recommendation, why string) {
	said := fmt.Sprintf("%s: %s", f.Cause, describe(v.edits))
	text, err := edited(m.Text, v.edits)
	if err != nil {
		return r, fmt.Sprintf("%s: %v", said, err)
	}
	values, err := stacks.ParseFile(text)
	if err != nil {
		return r, fmt.Sprintf("%s: %v", said, err)
	}
	cfg, err := stacks.Parse(m.cfg.Stack, values)
	if err != nil {
		return r, fmt.Sprintf("%s: refused by the stack's rules: %v", said, err)
	}
	if maps.Equal(values, m.values) || v.holds != nil && !v.holds(cfg) {
		return r, said + ": would change nothing of what binds"
	}
	cost, err := m.Check(values)
	if err != nil {
		return r, fmt.Sprintf("%s: refused by policies or budget: %v", said, err)
	}
	return Recommendation{
		Cause: f.Cause, Says: v.says, Edits: v.edits, text: text, Patch: patch(m.patched(), m.Text, text),
		Times: v.times, Predict: m.predict(f, v.times), AddsLeast: cost.Least - m.now.Least,
		AddsMost: cost.Most - m.now.Most, Risk: v.risk, Undo: undo(m.patched()), Try: m.trial(v.edits),
	}, ""
}

func describe(edits []Edit) string {
	text := ""
	for i, e := range edits {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %s to %s", e.Key, e.Was, e.To)
	}
	return text
}

func undo(file string) string {
	return fmt.Sprintf("`git checkout -- %s`, or the patch with `git apply --reverse`; then bring the stack up again", file)
}

// patched is the file's name as a patch has it.
func (m *maker) patched() string { return cmp.Or(m.Name, filepath.Base(m.File)) }

// order puts first what does most for a dollar, and says why it is before the next. What adds nothing to the bill
// goes by its effect, before all that does. Changes for the first cause stand before those for another, which may not
// be seen until the first is mended.
func (m *maker) order() {
	rank := func(r Recommendation) int {
		return slices.IndexFunc(m.Diagnosis.Findings, func(f diagnose.Finding) bool { return f.Cause == r.Cause })
	}
	all := m.answer.Recommendations
	slices.SortStableFunc(all, func(a, b Recommendation) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.perDollar(), a.perDollar()))
	})
	for i := range all {
		if i+1 == len(all) {
			all[i].WhyNext = "there is no other"
			continue
		}
		all[i].WhyNext = all[i].before(all[i+1])
	}
}

// leastUSD is a dollar a month: what costs less costs nothing that anyone would choose by.
const leastUSD = 1

// perDollar is the predicted gain, ms of a mean request, for a dollar a month of what is added at the least.
func (r Recommendation) perDollar() float64 {
	return r.Predict.gain() / max(leastUSD, (r.AddsLeast+r.AddsMost)/2)
}

func (r Recommendation) before(next Recommendation) string {
	if r.Cause != next.Cause {
		return fmt.Sprintf("the next mends %s, which may not be seen until %s is mended", next.Cause, r.Cause)
	}
	return fmt.Sprintf("the next (%s) is predicted to gain %.3g ms for a dollar a month, this %.3g", describe(next.Edits),
		next.perDollar(), r.perDollar())
}

// Apply writes what a recommendation makes of a stack's file, which has to be as it was read. write replaces a file
// as a whole.
func (a *Answer) Apply(i int, write func(name string, text []byte) error) error {
	if i < 0 || i >= len(a.Recommendations) {
		return fmt.Errorf("there are %d recommendations, want one of them", len(a.Recommendations))
	}
	r := a.Recommendations[i]
	if len(r.Edits) == 0 {
		return errors.New("it changes nothing: there is nothing to apply")
	}
	now, err := os.ReadFile(a.File)
	if err != nil {
		return err
	}
	if !slices.Equal(now, a.read) {
		return fmt.Errorf("%s has changed since it was read, want it as it was: `ragscale recommend` again", a.File)
	}
	return write(a.File, r.text)
}
