package trial

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
)

// faults is the figure that no other may be better without.
const faults = "faults"

// Answer is what the pairs say of a figure. Changes are shares of A; of a ratio they are differences.
type Answer struct {
	Figure     string          `json:"figure"`
	Unit       string          `json:"unit"`
	Outcome    compare.Outcome `json:"outcome"`
	Why        string          `json:"why,omitempty"` // of UNDECIDED
	Judged     bool            `json:"judged"`        // the trial is decided by it
	A          float64         `json:"a"`             // the middle of the blocks
	B          float64         `json:"b"`
	Change     float64         `json:"change"`
	Low        float64         `json:"low"` // the interval that holds the change with 95 %, whenever one looks
	High       float64         `json:"high"`
	Evidence   float64         `json:"evidence"` // that there is a change: odds against chance, however often one looks
	Noise      float64         `json:"noise"`    // deviation of a pair's change, on the scale of the test
	Smallest   float64         `json:"smallest"` // the smallest change that would have been seen by now
	Pairs      int             `json:"pairs"`
	MoreBlocks int             `json:"moreBlocks"` // until it is decided, if it goes on like this; -1 for too many to say
}

// series is a figure over the pairs.
type series struct {
	figure      load.Figure
	judged      bool
	differences []float64
	floor       float64 // of their variance
	middle      float64 // of A, on the scale of the test
	sequence
}

// Judge says what pairs tell so far. The answers together claim a change of the same against the same with Alpha at
// most, however often they are asked for (e-BH: Wang and Ramdas 2022, "False discovery rate control with e-values"), over
// those that the trial is decided by; the others are shown beside them.
func Judge(pairs []Pair, o Options) ([]Answer, compare.Outcome) {
	var all []series
	var evidence []float64
	for _, figure := range figuresOf(pairs) {
		s := seriesOf(figure, pairs)
		s.judged = figure.Name == faults || len(o.Figures) == 0 || slices.Contains(o.Figures, figure.Name)
		s.sequence = sequenceOf(s.differences, s.floor)
		all = append(all, s)
		if s.judged {
			evidence = append(evidence, s.evidence())
		}
	}
	needed := neededEvidence(evidence)
	answers := make([]Answer, len(all))
	for i, s := range all {
		answers[i] = s.answer(o.Margin, needed)
	}
	holdToFaults(answers)
	return answers, outcome(answers)
}

// neededEvidence is from which on a figure has changed: of K figures the k that changed have K/kα at least.
func neededEvidence(evidence []float64) float64 {
	slices.Sort(evidence)
	figures := float64(len(evidence))
	for i, e := range evidence {
		if least := figures / (figures - float64(i)) / Alpha; e >= least {
			return least
		}
	}
	return max(figures, 1) / Alpha
}

// figuresOf are those that any block has, in the order in which blocks have them.
func figuresOf(pairs []Pair) (all []load.Figure) {
	for _, p := range pairs {
		for _, f := range slices.Concat(p.A, p.B) {
			if _, known := named(all, f.Name); !known {
				all = append(all, f)
			}
		}
	}
	return all
}

func named(all []load.Figure, name string) (load.Figure, bool) {
	i := slices.IndexFunc(all, func(f load.Figure) bool { return f.Name == name })
	if i < 0 {
		return load.Figure{}, false
	}
	return all[i], true
}

// seriesOf takes the differences of pairs that have a figure on both sides: of values those of logarithms, of ratios
// those of the arc sines of their roots, whose noise from counting is the same for rare and for frequent events.
func seriesOf(figure load.Figure, pairs []Pair) series {
	s := series{figure: figure, floor: 2 * finest * finest}
	var counting, from []float64
	for _, p := range pairs {
		a, hasA := named(p.A, figure.Name)
		b, hasB := named(p.B, figure.Name)
		switch {
		case !hasA || !hasB:
		case figure.IsRatio() && a.Samples > 0 && b.Samples > 0:
			from = append(from, angle(a.Value))
			s.differences = append(s.differences, angle(b.Value)-angle(a.Value))
			counting = append(counting, 1/(4*a.Samples)+1/(4*b.Samples))
		case !figure.IsRatio() && a.Value > 0 && b.Value > 0:
			from = append(from, math.Log(a.Value))
			s.differences = append(s.differences, math.Log(b.Value/a.Value))
		}
	}
	if len(from) > 0 {
		s.middle = median(from)
	}
	if len(counting) > 0 {
		s.floor = median(counting)
	}
	return s
}

func angle(ratio float64) float64 { return math.Asin(math.Sqrt(max(0, min(ratio, 1)))) }

// value is a place on the scale of the test in the scale of people.
func (s series) value(y float64) float64 {
	if s.figure.IsRatio() {
		return math.Pow(math.Sin(max(0, min(y, math.Pi/2))), 2)
	}
	return math.Exp(y)
}

// change is a difference on the scale of the test in the scale of people.
func (s series) change(difference float64) float64 {
	if s.figure.IsRatio() {
		return s.value(s.middle+difference) - s.value(s.middle)
	}
	return math.Expm1(difference)
}

func (s series) answer(margin, needed float64) Answer {
	a := Answer{Figure: s.figure.Name, Unit: s.figure.Unit, Outcome: Undecided, Judged: s.judged, Evidence: 1,
		Pairs: len(s.differences)}
	if len(s.differences) == 0 {
		a.Why, a.MoreBlocks = "no pair has it on both sides", -1
		return a
	}
	a.A, a.B = s.value(s.middle), s.value(s.middle+s.mean)
	a.Change, a.Noise, a.Evidence = s.change(s.mean), s.deviation, s.evidence()
	if s.figure.IsRatio() {
		margin = ratioMargin
	}
	a.Outcome = s.outcome(margin, needed)
	if a.Low, a.High = a.Change, a.Change; s.enough() {
		radius := s.radius(around)
		a.Low, a.High = s.change(s.mean-radius), s.change(s.mean+radius)
		a.Smallest = s.change(s.smallest(1 / needed))
	}
	if a.Outcome == Undecided {
		a.MoreBlocks = s.more(margin, needed)
		a.Why = "more pairs would tell"
		if a.MoreBlocks < 0 {
			a.Why = fmt.Sprintf("%d pairs would not tell", mostPairs)
		}
	}
	a.bound()
	return a
}

// bound takes out what JSON has no number for: an interval without an end is as wide as can be said.
func (a *Answer) bound() {
	for _, v := range []*float64{&a.Low, &a.High, &a.Smallest, &a.Evidence} {
		*v = max(-1e12, min(*v, 1e12))
	}
}

// outcome is SAME where the interval is within the margin, else a change where there is evidence enough.
func (s series) outcome(margin, needed float64) compare.Outcome {
	if !s.enough() {
		return Undecided
	}
	radius := s.radius(around)
	low, high := s.change(s.mean-radius), s.change(s.mean+radius)
	worse := s.mean > 0 != (s.figure.Better == load.Higher)
	switch {
	case high <= margin && low >= -margin/(1+margin):
		return compare.Same
	case s.evidence() < needed:
		return Undecided
	case worse:
		return compare.Regressed
	}
	return compare.Improved
}

// more is how many further blocks decide, if they are like those so far; -1 for more than a trial may have.
func (s series) more(margin, needed float64) int {
	further := sort.Search(mostPairs+1, func(pairs int) bool {
		later := s
		later.sequence = s.after(s.n + float64(pairs))
		return later.outcome(margin, needed) != Undecided
	})
	if further > mostPairs {
		return -1
	}
	return 2 * further
}

// holdToFaults takes back what got better while answers got wrong, or may have.
func holdToFaults(answers []Answer) {
	i := slices.IndexFunc(answers, func(a Answer) bool { return a.Figure == faults })
	if i < 0 || answers[i].Outcome == compare.Same || answers[i].Outcome == compare.Improved {
		return
	}
	for j := range answers {
		if answers[j].Outcome == compare.Improved {
			answers[j].Outcome = Undecided
			answers[j].Why = "fewer right answers are no better ones"
			answers[j].MoreBlocks = cmp.Or(answers[i].MoreBlocks, -1)
		}
	}
}

// outcome of a trial is the worst of the figures that it is decided by.
func outcome(answers []Answer) compare.Outcome {
	found := map[compare.Outcome]bool{}
	for _, a := range answers {
		if a.Judged {
			found[a.Outcome] = true
		}
	}
	for _, o := range []compare.Outcome{compare.Regressed, Undecided, compare.Improved, compare.Same} {
		if found[o] {
			return o
		}
	}
	return Undecided
}
