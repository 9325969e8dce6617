package profile

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Report is what a set tells: the stable answer of `ragscale profile --json`.
type Report struct {
	Name     string     `json:"name"`
	Run      string     `json:"run,omitempty"`
	Stack    string     `json:"stack"`
	TakenAt  time.Time  `json:"takenAt"`
	Windows  int        `json:"windows"` // of time
	Pods     int        `json:"pods"`
	Hotspots []Hotspots `json:"hotspots"` // by tier, then by kind
	Notes    []string   `json:"notes"`    // what is to be known about the figures
	Missing  []Missing  `json:"missing"`
	Trees    []*Node    `json:"-"` // of each of the hotspots
}

// leastShare is the part of a whole from which a function is in a report.
const leastShare = 0.0005

// Report sums a set up.
func (p *Profiles) Report() (*Report, error) {
	r := &Report{
		Name: p.Name, Run: p.Run, Stack: p.Stack, TakenAt: p.TakenAt, Hotspots: []Hotspots{}, Notes: []string{},
		Missing: slices.Concat([]Missing{}, p.Missing),
	}
	numbers, names := map[int]bool{}, map[string]bool{}
	for _, w := range p.Windows {
		numbers[w.Number], names[w.Pod] = true, true
	}
	r.Windows, r.Pods = len(numbers), len(names)
	var faults []error
	for _, tier := range p.Tiers() {
		for _, kind := range Kinds() {
			faults = append(faults, r.add(p, tier, kind))
		}
		r.covered(p, tier)
		if n := len(p.Builds(tier)); n > 1 {
			r.Notes = append(r.Notes, fmt.Sprintf("tier %s ran %d builds (%s): its figures are of all of them",
				tier, n, list(p.Builds(tier))))
		}
	}
	r.lacking(p)
	return r, errors.Join(faults...)
}

// add sums one kind of one tier up.
func (r *Report) add(p *Profiles, tier string, kind Kind) error {
	h, found, err := p.Hotspots(tier, kind)
	if err != nil {
		return fmt.Errorf("tier %s: %s: %w", tier, kind, err)
	}
	if !found {
		return nil
	}
	tree, err := p.Tree(tier, kind, h.Of)
	if err != nil {
		return fmt.Errorf("tier %s: %s: %w", tier, kind, err)
	}
	if forms[kind].lasts && h.Per != served(tier) && h.Kind == CPU {
		r.Notes = append(r.Notes, fmt.Sprintf("tier %s served no %s meanwhile: its figures are of a second of a pod",
			tier, served(tier)))
	}
	h.Functions = slices.DeleteFunc(h.Functions, func(f Function) bool { return max(f.CumPart, f.Share) < leastShare })
	r.Hotspots, r.Trees = append(r.Hotspots, h), append(r.Trees, tree)
	return nil
}

// leastCovered is the part of the CPU time that profiles have to account for, without a note.
const leastCovered = 0.8

// covered notes where samples account for less CPU time than the process used by its own clock: samples were lost, or
// are not taken as often as the profile says. Parts of the whole are right then, values too small.
func (r *Report) covered(p *Profiles, tier string) {
	var sampled, used float64
	for _, one := range p.of(tier, CPU) {
		value, _ := columns(one.Profile, CPU)
		for _, s := range one.Sample {
			sampled += float64(s.Value[value]) / 1e9
		}
		sampled += one.own / 1e9
		used += one.CPU * one.share()
	}
	if used > 0 && sampled < leastCovered*used {
		r.Notes = append(r.Notes, fmt.Sprintf("the samples of tier %s account for %.0f %% of the CPU time that its pods "+
			"used by their own clock, %.1f s: parts of the whole are right, values are too small by that",
			tier, 100*sampled/used, used))
	}
}

// lacking says what a set does not have.
func (r *Report) lacking(p *Profiles) {
	for _, tier := range []string{API, Worker} {
		if !slices.Contains(p.Tiers(), tier) {
			r.Missing = append(r.Missing, Missing{"tier " + tier, "none of its pods was profiled"})
		}
	}
	for _, kind := range Kinds() {
		if len(p.of("", kind)) == 0 {
			r.Missing = append(r.Missing, Missing{string(kind), "it was not taken"})
		}
	}
	if p.Run == "" {
		r.Notes = append(r.Notes, "no load test went on: the figures are of what users asked for meanwhile")
	}
}
