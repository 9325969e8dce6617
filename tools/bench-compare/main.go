// Command bench-compare shows how often comparisons of load tests are wrong: perf/compare beside what pipelines use in
// its place, on the same simulated runs.
//
// Each pair is of two systems, with some runs of each: the same system twice (a claim is a false alarm), or one that is
// 10 % slower (no claim is a miss). Response times are log-normal within a run; from run to run their level varies. A
// second table holds trials in pairs (perf/trial) against such runs, on machines that drift.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/ragscale/ragscale/perf/compare"
)

// run is one run of a system: its 95th percentile, and some of its requests.
type run struct {
	p95      float64
	requests []float64
}

// side is what one comparison has of a system.
type side []run

// gate says whether the second of two sides is slower.
type gate struct {
	name string
	runs int // of each side that it looks at; 0 for all
	says func(then, now side) bool
}

const slowdown = 1.1

func main() {
	pairs := flag.Int("pairs", 1000, "pairs of each kind")
	requests := flag.Int("requests", 2000, "requests of a run that Mann and Whitney's test looks at")
	flag.Parse()
	if *pairs < 1 || *requests < 1 {
		fmt.Fprintln(os.Stderr, "bench-compare: -pairs and -requests want 1 or more")
		os.Exit(1)
	}
	gates := []gate{
		{name: "perf/compare", says: ours},
		{name: "fixed 5 %, one run", runs: 1, says: fixed(0.05)},
		{name: "fixed 10 %, one run", runs: 1, says: fixed(0.1)},
		{name: "Mann-Whitney over requests, 1 %", runs: 1, says: overRequests},
		{name: "Mann-Whitney over runs, 5 % (benchstat)", says: overRuns},
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "noise of p95\truns a side\tgate\tfalse alarms\t10 %% slowdown found\tpairs\n")
	for _, noise := range []float64{0.02, 0.03, 0.05} {
		for _, runs := range []int{4, 6, 12} {
			random := rand.New(rand.NewPCG(1, uint64(runs)))
			alarms, found := trials(random, gates, *pairs, runs, *requests, noise)
			for i, g := range gates {
				fmt.Fprintf(table, "%.0f %%\t%d\t%s\t%.1f %%\t%.1f %%\t%d\n",
					noise*100, runs, g.name, share(alarms[i], *pairs), share(found[i], *pairs), *pairs)
			}
		}
	}
	_ = table.Flush()
	if err := pairedTable(context.Background(), os.Stdout, *pairs); err != nil {
		fmt.Fprintln(os.Stderr, "bench-compare:", err)
		os.Exit(1)
	}
}

func share(n, of int) float64 { return 100 * float64(n) / float64(of) }

// trials counts what each gate claims of pairs that are the same, and of pairs whose second is slower.
func trials(random *rand.Rand, gates []gate, pairs, runs, requests int, noise float64) (alarms, found []int) {
	alarms, found = make([]int, len(gates)), make([]int, len(gates))
	for range pairs {
		then, same := system(random, runs, requests, noise, 1), system(random, runs, requests, noise, 1)
		slower := system(random, runs, requests, noise, slowdown)
		for i, g := range gates {
			if g.claims(then, same) {
				alarms[i]++
			}
			if g.claims(then, slower) {
				found[i]++
			}
		}
	}
	return alarms, found
}

func (g gate) claims(then, now side) bool {
	if g.runs > 0 {
		then, now = then[:g.runs], now[:g.runs]
	}
	return g.says(then, now)
}

// system makes runs of one.
func system(random *rand.Rand, runs, requests int, noise, slower float64) (all side) {
	const median, sigma = 100, 0.6
	for range runs {
		level := median * slower * math.Exp(noise*random.NormFloat64())
		r := run{p95: level * math.Exp(1.645*sigma), requests: make([]float64, requests)}
		for i := range r.requests {
			r.requests[i] = level * math.Exp(sigma*random.NormFloat64())
		}
		all = append(all, r)
	}
	return all
}

func ours(then, now side) bool {
	values := func(s side) (all []compare.Value) {
		for _, r := range s {
			all = append(all, compare.Value{Value: r.p95, Samples: float64(len(r.requests))})
		}
		return all
	}
	answer := compare.Compare([]compare.Series{{Figure: "p95", Then: values(then), Now: values(now)}})[0]
	return answer.Outcome == compare.Regressed
}

func fixed(limit float64) func(then, now side) bool {
	return func(then, now side) bool { return now[0].p95 > then[0].p95*(1+limit) }
}

func overRequests(then, now side) bool {
	return slower(then[0].requests, now[0].requests, 0.01)
}

func overRuns(then, now side) bool {
	p95 := func(s side) (all []float64) {
		for _, r := range s {
			all = append(all, r.p95)
		}
		return all
	}
	return slower(p95(then), p95(now), 0.05)
}

// slower is Mann and Whitney's test, both sides of the distribution: exact for up to 20 values a side, by the normal
// distribution for more. No two of these values are the same.
func slower(then, now []float64, alpha float64) bool {
	u := 0.0 // pairs in which now is the larger
	sorted := slices.Sorted(slices.Values(then))
	for _, v := range now {
		below, _ := slices.BinarySearch(sorted, v)
		u += float64(below)
	}
	n, m := float64(len(then)), float64(len(now))
	if u <= n*m/2 {
		return false
	}
	if max(len(then), len(now)) <= 20 {
		return 2*exact(len(then), len(now), int(u)) <= alpha
	}
	z := (u - n*m/2 - 0.5) / math.Sqrt(n*m*(n+m+1)/12)
	return math.Erfc(z/math.Sqrt2) <= alpha
}

// exact is how likely u or more of the n × m pairs are in order, by chance.
func exact(n, m, u int) float64 {
	// ways[k] is in how many orders of i and m values k pairs are in order: a Gaussian binomial coefficient.
	ways := []float64{1}
	for i := 1; i <= n; i++ {
		ways = divide(multiply(ways, m+i), i)
	}
	var all, atLeast float64
	for k, w := range ways {
		all += w
		if k >= u {
			atLeast += w
		}
	}
	return atLeast / all
}

// multiply is by 1 - q^k.
func multiply(a []float64, k int) []float64 {
	product := make([]float64, len(a)+k)
	for i, v := range a {
		product[i] += v
		product[i+k] -= v
	}
	return product
}

// divide is by 1 - q^k, without a rest.
func divide(a []float64, k int) []float64 {
	quotient := make([]float64, len(a)-k)
	for i := range quotient {
		quotient[i] = a[i]
		if i >= k {
			quotient[i] += quotient[i-k]
		}
	}
	return quotient
}
