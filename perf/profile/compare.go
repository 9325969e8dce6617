package profile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/compare"
)

// Outcome is what a function did from one side to the other.
type Outcome string

// Outcomes. A function costs more or less beside the others of its tier.
const (
	More   Outcome = "MORE"
	Less   Outcome = "LESS"
	Same   Outcome = "SAME"
	TooFew Outcome = "TOO FEW SAMPLES"
)

// Compared are the kinds that a test is for: their samples are counted. Delays (mutex, block) are dominated by few
// large ones, and what is there at a moment (heap, goroutine) is no sum over requests.
func Compared() []Kind { return []Kind{CPU, Allocs} }

// Comparison says what functions cost on two sides, per what was served.
//
// What is asked of a function is whether its part of the tier's cost changed against that of the other functions. So
// what slows everything down together, a busier machine or a larger request, is the change of the whole (Total), and
// highlights no function; and neither the rate of sampling nor the time that profiles last is in the answer.
//
// The unit is a window of a pod. For each function, the samples on one side, given those on both, are binomial for the
// sides' totals, shifted by the middle function's change; what windows vary beyond that is estimated from the windows
// of each function, moderated over functions (Smyth 2004, doi:10.2202/1544-6115.1027), never below that of counting
// nor below the function's own. Probabilities are Student's, raised for their number as Benjamini and Hochberg do. A
// change is told from Alpha on, of Least at the least.
//
// What it needs: by counting alone, a change by a share c is found 95 times in 100 from 2 × ((z1 + z2)/ln(1+c))²
// samples of the function on each side, z1 + z2 being 5.4 for 60 functions: some 25,000 for 5 %, 6,400 for 10 %, 1,800
// for 20 %. Where a function's windows vary by 1 % of themselves it is 45,000 in 24 windows for 5 %, as the tests
// simulate. At Go's 100 samples a second of each busy core, a function with a tenth of two busy cores has 1,200 a
// minute. Windows are 3 of each side at least.
//
// What it does not see: a change of all functions together; a change of who called a function, where its own part
// stays; that a function was renamed, which is one that is gone and one that is new. Windows of one run share that run:
// what varies from run to run, beyond all functions together, is seen only where a side is several runs.
type Comparison struct {
	Then      []string       `json:"then"` // names of sets
	Now       []string       `json:"now"`
	Kind      Kind           `json:"kind"`
	Tier      string         `json:"tier"`
	Unit      string         `json:"unit"`
	Per       string         `json:"per"`       // what values are of
	Windows   [2]int         `json:"windows"`   // of pods, then and now
	Served    [2]float64     `json:"served"`    // then and now
	Samples   [2]float64     `json:"samples"`   // then and now
	Total     compare.Answer `json:"total"`     // of all functions together
	Common    float64        `json:"common"`    // the middle function's change of its part; others are held against it
	Builds    [2][]Build     `json:"builds"`    // then and now
	Notes     []string       `json:"notes"`     // what is to be known about the answer
	Functions []Change       `json:"functions"` // those that changed first, then by samples
	Untested  int            `json:"untested"`  // functions with too few samples to be asked about
	See       float64        `json:"see"`       // the change that has to be seen, for a function to be the same
}

// Change is what one function did.
type Change struct {
	Name     string     `json:"name"`
	Outcome  Outcome    `json:"outcome"`
	Why      string     `json:"why,omitempty"` // of too few samples
	Then     float64    `json:"then"`          // in the function itself, per what was served
	Now      float64    `json:"now"`
	Samples  [2]float64 `json:"samples"`  // then and now
	Change   float64    `json:"change"`   // against the other functions, as a share
	Low      float64    `json:"low"`      // the interval that holds it with 95 %
	High     float64    `json:"high"`     // likewise
	P        float64    `json:"p"`        // of a change as large by chance, corrected for the number of functions
	Smallest float64    `json:"smallest"` // the smallest increase that would have been found 95 times in 100
}

// Options of a comparison.
type Options struct {
	Kind Kind
	Tier string
	See  float64 // the change that has to be seen for SAME, as a share; 0 for DefaultSee
}

// DefaultSee is a change that is worth looking for.
const DefaultSee = 0.05

const (
	// Least is the smallest change that is told, as a share.
	Least = 0.02
	// leastWindows is how many each side has to have: with fewer nobody knows how they vary.
	leastWindows = 3
	// leastFunctions is how many there have to be for one to be held against the others.
	leastFunctions = 5
)

// Check wants options that can be answered.
func (o Options) Check() error {
	var faults []error
	if !slices.Contains(Compared(), o.Kind) {
		faults = append(faults, fmt.Errorf("kind is %q, want cpu or allocs: of the others there is no test", o.Kind))
	}
	if o.See != 0 && !(o.See >= Least && o.See <= 10) { // what is no number, too
		faults = append(faults, fmt.Errorf("the change to be seen is %v, want a share from %v to 10", o.See, Least))
	}
	return errors.Join(faults...)
}

// Compare compares sets of two sides: several of a side are runs that were made alike.
func Compare(then, now []*Profiles, o Options) (*Comparison, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.See = cmp.Or(o.See, DefaultSee)
	sides := [2]side{sideOf(then, o), sideOf(now, o)}
	c := &Comparison{
		Kind: o.Kind, Tier: o.Tier, Unit: o.Kind.Unit(), Per: served(o.Tier), See: o.See, Notes: []string{},
		Then: sides[0].names, Now: sides[1].names, Functions: []Change{},
	}
	var faults []error
	for i, s := range sides {
		if len(s.parts) == 0 {
			faults = append(faults, fmt.Errorf("%s: there is no %s profile of tier %s, want some",
				strings.Join(s.names, ", "), o.Kind, o.Tier))
		}
		c.Windows[i], c.Builds[i] = len(s.parts), s.builds
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	t := tally(sides, o.Kind)
	for i := range sides {
		c.Served[i], c.Samples[i] = t.served(i), t.samples(i)
	}
	c.total(sides)
	c.notes(sides)
	c.Functions, c.Common, c.Untested = t.compare(o.See)
	return c, nil
}

// side is what there is of one.
type side struct {
	names  []string
	stacks []string
	parts  []part
	runs   [][]part // by set
	builds []Build
}

func sideOf(all []*Profiles, o Options) (s side) {
	s.names = []string{}
	for _, p := range all {
		parts := p.of(o.Tier, o.Kind)
		s.names, s.stacks = append(s.names, p.Name), append(s.stacks, p.Stack)
		s.parts, s.runs = append(s.parts, parts...), append(s.runs, parts)
		for _, b := range p.Builds(o.Tier) {
			if !slices.Contains(s.builds, b) {
				s.builds = append(s.builds, b)
			}
		}
	}
	return s
}

// total compares what the tier spends in all, per what was served: run by run where each side has two, else window by
// window.
func (c *Comparison) total(sides [2]side) {
	series := compare.Series{Figure: fmt.Sprintf("%s per %s", c.Kind, c.Per), Unit: c.Unit}
	byRun := len(sides[0].runs) > 1 && len(sides[1].runs) > 1
	for i, values := range []*[]compare.Value{&series.Then, &series.Now} {
		groups := sides[i].runs
		if !byRun {
			groups = nil
			for _, p := range sides[i].parts {
				groups = append(groups, []part{p})
			}
		}
		for _, group := range groups {
			if v := perServed(group, c.Kind); v > 0 {
				*values = append(*values, compare.Value{Value: v})
			}
		}
	}
	c.Total = compare.Compare([]compare.Series{series})[0]
	if !byRun {
		c.Notes = append(c.Notes, "the change of the whole is held against how windows vary, and not runs: a machine that "+
			"was busier on one side changes it too; name two runs or more of each side")
	}
}

// perServed is what some profiles have in all, per what was served meanwhile; 0 where nothing was.
func perServed(parts []part, kind Kind) float64 {
	var sum, of float64
	for _, p := range parts {
		value, _ := columns(p.Profile, kind)
		for _, s := range p.Sample {
			sum += float64(s.Value[value])
		}
		of += p.requests()
	}
	return ratio(sum, of)
}

// notes are what is to be known about both sides.
func (c *Comparison) notes(sides [2]side) {
	if !slices.Equal(sorted(sides[0].builds), sorted(sides[1].builds)) {
		c.Notes = append(c.Notes, fmt.Sprintf("the builds differ: then %s; now %s. Functions are compared by name",
			list(sides[0].builds), list(sides[1].builds)))
	}
	stacks := slices.Compact(slices.Sorted(slices.Values(slices.Concat(sides[0].stacks, sides[1].stacks))))
	if len(stacks) > 1 {
		c.Notes = append(c.Notes, fmt.Sprintf("the profiles are of stacks %s: what differs between them differs here",
			strings.Join(stacks, " and ")))
	}
	for i, when := range []string{"then", "now"} {
		if c.Served[i] == 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("no %s was served %s: what functions cost per %s is not known, their parts "+
				"of the whole are compared", c.Per, when, c.Per))
		}
	}
}

func sorted(builds []Build) (all []string) {
	for _, b := range builds {
		all = append(all, b.String())
	}
	slices.Sort(all)
	return all
}

func list(builds []Build) string { return strings.Join(sorted(builds), " and ") }

// tallied are the samples of both sides, by function and window.
type tallied struct {
	names []string
	cells [2][]cell
}

// cell is a window of a pod: samples of each function, in the order of names, and of all functions in that one's
// weight.
type cell struct {
	count, of []float64
	value     []float64 // in the kind's unit
	served    float64
}

// sums are what the functions of a profile have themselves.
type sums struct{ value, events map[string]float64 }

func sumsOf(p part, kind Kind) sums {
	s := sums{map[string]float64{}, map[string]float64{}}
	value, counted := columns(p.Profile, kind)
	for _, sample := range p.Sample {
		name := frames(sample)[0]
		s.value[name] += float64(sample.Value[value])
		s.events[name] += events(sample, kind, p.Period, value, counted)
	}
	return s
}

// tally counts samples. One of a CPU profile is a period. Of allocations a sample stands for as many bytes as those of
// its function do in the mean.
func tally(sides [2]side, kind Kind) *tallied {
	var all [2][]sums
	whole := sums{map[string]float64{}, map[string]float64{}}
	for i, s := range sides {
		for _, p := range s.parts {
			one := sumsOf(p, kind)
			all[i] = append(all[i], one)
			for name := range one.value {
				whole.value[name] += one.value[name]
				whole.events[name] += one.events[name]
			}
		}
	}
	t := &tallied{names: slices.Sorted(maps.Keys(whole.value))}
	for i := range all {
		for j, one := range all[i] {
			p := sides[i].parts[j]
			t.cells[i] = append(t.cells[i], t.cell(one, p.requests(), func(name string) float64 {
				if kind == CPU {
					return float64(p.Period)
				}
				return ratio(whole.value[name], whole.events[name])
			}))
		}
	}
	return t
}

// cell counts a window's samples, of which each stands for so much of the value.
func (t *tallied) cell(one sums, served float64, unit func(name string) float64) cell {
	n := len(t.names)
	c := cell{count: make([]float64, n), of: make([]float64, n), value: make([]float64, n), served: served}
	var total float64
	for _, v := range one.value {
		total += v
	}
	for i, name := range t.names {
		c.value[i] = one.value[name]
		c.count[i], c.of[i] = ratio(one.value[name], unit(name)), ratio(total, unit(name))
	}
	return c
}

func (t *tallied) served(side int) (sum float64) {
	for _, c := range t.cells[side] {
		sum += c.served
	}
	return sum
}

func (t *tallied) samples(side int) (sum float64) {
	for _, c := range t.cells[side] {
		for _, n := range c.count {
			sum += n
		}
	}
	return math.Round(sum)
}
