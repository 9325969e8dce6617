package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ragscale/ragscale/perf/compare"
)

const (
	// leastSamples of both sides together make a function be asked about, and so many for each window in the mean: the
	// choice does not look at the difference, so it biases no answer (Bourgon 2010, doi:10.1073/pnas.0914005107).
	leastSamples   = 100
	leastPerWindow = 2
	// found is how often a change is found of the size that a comparison says it finds.
	found = 0.95
)

// asked is a function that a comparison asks about.
type asked struct {
	index     int
	k         [2]float64 // samples then and now
	n         [2]float64 // of all functions, in its weight
	own       float64    // how much windows vary, beside counting: 1 is counting alone
	spread    float64    // the same, moderated over functions
	change    float64    // logarithm of now to then
	deviation float64    // of that
}

// compare asks about each function. common is what the middle one changed by.
func (t *tallied) compare(see float64) (changes []Change, common float64, untested int) {
	all, untested := t.ask()
	if why := t.lacking(all); why != "" {
		for _, a := range all {
			c := t.describe(a)
			c.Outcome, c.Why, c.P = TooFew, why, 1
			changes = append(changes, c)
		}
		order(changes)
		return changes, 0, untested
	}
	freedom := moderate(all, float64(len(t.cells[0])+len(t.cells[1])-2))
	middle, variance := center(all)
	p := make([]float64, len(all))
	for i, a := range all {
		p[i] = 2 * freedom.Survival(math.Abs(a.score(middle, variance)))
	}
	p = compare.Adjust(p)
	quantile := freedom.Quantile(1-compare.Alpha/2/float64(len(all))) + freedom.Quantile(found)
	for i, a := range all {
		c := t.describe(a)
		c.P = p[i]
		deviation := math.Sqrt(a.deviation*a.deviation + variance)
		wide := freedom.Quantile(0.975) * deviation
		c.Change, c.Low, c.High = share(a.change-middle), share(a.change-middle-wide), share(a.change-middle+wide)
		c.Smallest = share(quantile * deviation)
		c.decide(a.change-middle, see, quantile*deviation)
		changes = append(changes, c)
	}
	order(changes)
	return changes, share(middle), untested
}

// share is a change of logarithms as one of shares; what is above a million is that.
func share(logarithm float64) float64 { return min(math.Expm1(logarithm), 1e6) }

// ask chooses the functions that have samples enough, and counts the others.
func (t *tallied) ask() (all []asked, untested int) {
	windows := float64(len(t.cells[0]) + len(t.cells[1]))
	for i := range t.names {
		a := asked{index: i}
		for s, cells := range t.cells {
			for _, c := range cells {
				a.k[s] += c.count[i]
				a.n[s] += c.of[i]
			}
		}
		if a.k[0]+a.k[1] < max(leastSamples, leastPerWindow*windows) || a.n[0] == 0 || a.n[1] == 0 {
			untested++
			continue
		}
		a.own = t.variation(i, a)
		a.change = math.Log((a.k[1]+0.5)/a.n[1]) - math.Log((a.k[0]+0.5)/a.n[0])
		all = append(all, a)
	}
	return all, untested
}

// variation is Pearson's statistic of a function's windows, each side with a part of its own.
func (t *tallied) variation(i int, a asked) float64 {
	var sum float64
	for s, cells := range t.cells {
		part := a.k[s] / a.n[s]
		for _, c := range cells {
			if expected := c.of[i] * part; expected > 0 && part < 1 {
				sum += (c.count[i] - expected) * (c.count[i] - expected) / (expected * (1 - part))
			}
		}
	}
	return sum / float64(max(len(t.cells[0])+len(t.cells[1])-2, 1))
}

// lacking says why nothing can be told, "" where it can.
func (t *tallied) lacking(all []asked) string {
	then, now := len(t.cells[0]), len(t.cells[1])
	switch {
	case then < leastWindows || now < leastWindows:
		return fmt.Sprintf("there are %d windows then and %d now, want %d or more of each", then, now, leastWindows)
	case len(all) < leastFunctions:
		return fmt.Sprintf("%d functions have samples enough to be asked about, want %d, so that one can be held against "+
			"the others", len(all), leastFunctions)
	}
	return ""
}

// moderate sets each function's spread: drawn to what functions have in common by as much as they have in common (Smyth
// 2004, section 6.2), and not below the function's own or that of counting. It returns the distribution of the
// statistic.
func moderate(all []asked, d float64) distuv.StudentsT {
	var logs []float64
	for _, a := range all {
		logs = append(logs, math.Log(max(a.own, 0.01))-mathext.Digamma(d/2)+math.Log(d/2))
	}
	mean, variance := stat.MeanVariance(logs, nil)
	prior, freedom := math.Exp(mean), math.Inf(1)
	if rest := variance - trigamma(d/2); rest > 0 {
		freedom = 2 * inverseTrigamma(rest)
		prior = math.Exp(mean + mathext.Digamma(freedom/2) - math.Log(freedom/2))
	}
	for i := range all {
		a := &all[i]
		moderated := prior
		if !math.IsInf(freedom, 1) {
			moderated = (freedom*prior + d*a.own) / (freedom + d)
		}
		a.spread = max(1, moderated, a.own)
		part := (a.k[0] + a.k[1]) / (a.n[0] + a.n[1])
		a.deviation = math.Sqrt(a.spread * (1 - min(part, 0.99)) * (1/(a.k[0]+0.5) + 1/(a.k[1]+0.5)))
	}
	return distuv.StudentsT{Sigma: 1, Nu: min(freedom+d, 1e4)}
}

// trigamma is the second derivative of the logarithm of the gamma function: Hurwitz' zeta of 2.
func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// inverseTrigamma is by halving: the function falls from infinity to 0.
func inverseTrigamma(y float64) float64 {
	low, high := -20.0, 20.0 // natural logarithms
	for range 80 {
		if middle := (low + high) / 2; trigamma(math.Exp(middle)) > y {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp((low + high) / 2)
}

// center is the median of the changes, each weighted by its precision, so that one function that changed, even a large
// one, moves it little; and its variance, as that of a median of normal values.
func center(all []asked) (middle, variance float64) {
	ranked := slices.Clone(all)
	slices.SortFunc(ranked, func(a, b asked) int { return cmp.Compare(a.change, b.change) })
	var whole float64
	for _, a := range ranked {
		whole += 1 / a.deviation
	}
	var below float64
	for _, a := range ranked {
		if below += 1 / a.deviation; below >= whole/2 {
			middle = a.change
			break
		}
	}
	return middle, math.Pi / 2 * float64(len(all)) / (whole * whole)
}

// score is how far the samples of now are from their share of both sides', in deviations.
func (a asked) score(middle, variance float64) float64 {
	both := a.k[0] + a.k[1]
	odds := a.n[1] * math.Exp(middle)
	p := odds / (odds + a.n[0])
	part := min(both/(a.n[0]+a.n[1]), 0.99)
	counting := both * p * (1 - p)
	return (a.k[1] - both*p) / math.Sqrt(a.spread*counting*(1-part)+counting*counting*variance)
}

// describe is what does not depend on the other functions.
func (t *tallied) describe(a asked) Change {
	c := Change{Name: t.names[a.index], P: 1, Samples: [2]float64{math.Round(a.k[0]), math.Round(a.k[1])}}
	for s, to := range []*float64{&c.Then, &c.Now} {
		var value float64
		for _, one := range t.cells[s] {
			value += one.value[a.index]
		}
		*to = ratio(value, t.served(s))
	}
	return c
}

// decide says what a function did. seen is the logarithm of the smallest change that would have been found.
func (c *Change) decide(change, see, seen float64) {
	switch told := c.P <= compare.Alpha && math.Abs(change) >= math.Log1p(Least); {
	case told && change > 0:
		c.Outcome = More
	case told:
		c.Outcome = Less
	case c.Smallest <= see:
		c.Outcome = Same
	default:
		c.Outcome = TooFew
		more := seen / math.Log1p(see)
		c.Why = fmt.Sprintf("only an increase of %.0f %% would have been found, want %.0f %%: some %.0f times the samples",
			c.Smallest*100, see*100, math.Ceil(more*more))
	}
}

// order puts what changed first, then what has the most samples.
func order(changes []Change) {
	rank := map[Outcome]int{More: 0, Less: 0, Same: 1, TooFew: 1}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank[a.Outcome], rank[b.Outcome]),
			cmp.Compare(max(b.Samples[0], b.Samples[1]), max(a.Samples[0], a.Samples[1])), strings.Compare(a.Name, b.Name))
	})
}
