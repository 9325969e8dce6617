package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// summaryOf are the statistics that k6 keeps of samples: percentiles are interpolated between the two nearest
// samples.
func summaryOf(samples []float64, percents []float64) Metric {
	samples = slices.Sorted(slices.Values(samples))
	last := float64(len(samples) - 1)
	values := map[string]float64{"count": float64(len(samples)), "min": samples[0], "max": samples[len(samples)-1]}
	for _, percent := range percents {
		at := last * percent / 100
		below := int(at)
		above := min(below+1, len(samples)-1)
		values[fmt.Sprintf("p(%v)", percent)] = samples[below] + (samples[above]-samples[below])*(at-float64(below))
	}
	return Metric{Values: values}
}

// asked are the percentiles that the scripts ask for (config.js).
func asked() []float64 {
	var all []float64
	for i := 1; i < 180; i++ {
		all = append(all, float64(i)/2)
	}
	for i := 900; i < 990; i++ {
		all = append(all, float64(i)/10)
	}
	for i := 9900; i < 10_000; i += 2 {
		all = append(all, float64(i)/100)
	}
	return all
}

// skews are how the generators of a run may differ: response times of generator i of n, and how many.
var skews = map[string]func(random *rand.Rand, i, n int) (samples []float64){
	"alike": func(random *rand.Rand, _, _ int) []float64 { return logNormal(random, 20_000, 100, 0.6) },
	"one is 50 % slower": func(random *rand.Rand, i, _ int) []float64 {
		if i == 0 {
			return logNormal(random, 20_000, 150, 0.6)
		}
		return logNormal(random, 20_000, 100, 0.6)
	},
	"one is 3 times slower with a tenth of the load": func(random *rand.Rand, i, _ int) []float64 {
		if i == 0 {
			return logNormal(random, 2000, 300, 0.6)
		}
		return logNormal(random, 20_000, 100, 0.6)
	},
	"each slower than the one before": func(random *rand.Rand, i, n int) []float64 {
		return logNormal(random, 10_000, 100*(1+float64(i)/float64(n)), 0.4)
	},
	"two kinds of answers": func(random *rand.Rand, i, _ int) []float64 {
		hits, misses := logNormal(random, 18_000-1000*(i%5), 2, 0.3), logNormal(random, 2000+1000*(i%5), 80, 0.5)
		return append(hits, misses...)
	},
	"whole milliseconds": func(random *rand.Rand, _, _ int) []float64 {
		samples := logNormal(random, 20_000, 400, 0.5)
		for i := range samples {
			samples[i] = math.Round(samples[i])
		}
		return samples
	},
}

func logNormal(random *rand.Rand, n int, median, sigma float64) []float64 {
	samples := make([]float64, n)
	for i := range samples {
		samples[i] = median * math.Exp(sigma*random.NormFloat64())
	}
	return samples
}

func TestPercentilesOfSeveralGeneratorsAreThoseOfAllTheirSamples(t *testing.T) {
	for name, skew := range skews {
		for _, n := range []int{2, 3, 5, 8, 16} {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			var all []float64
			var parts pooled
			for i := range n {
				samples := skew(random, i, n)
				all = append(all, samples...)
				d, ok := distributionOf(summaryOf(samples, asked()))
				if !ok {
					t.Fatal("no distribution")
				}
				parts = append(parts, d)
			}
			for percent, within := range map[float64]float64{50: 0.002, 95: 0.002, 99: 0.005} {
				want := summaryOf(all, []float64{percent}).Values[fmt.Sprintf("p(%v)", percent)]
				if got := parts.quantile(percent / 100); math.Abs(got-want) > within*want {
					t.Errorf("%s, %d generators: p%v is %v, want %v within %v %%", name, n, percent, got, want, within*100)
				}
			}
		}
	}
}

func TestPercentilesOfOneGeneratorAreItsOwn(t *testing.T) {
	m := summaryOf(logNormal(rand.New(rand.NewPCG(1, 2)), 500, 100, 1), asked())
	d, _ := distributionOf(m)
	for _, percent := range asked() {
		if got, want := (pooled{d}).quantile(percent/100), m.Values[fmt.Sprintf("p(%v)", percent)]; got != want {
			t.Errorf("p%v is %v, want %v", percent, got, want)
		}
	}
}

func TestSamplesThatAreAllTheSameHaveOnePercentile(t *testing.T) {
	same, _ := distributionOf(summaryOf([]float64{5, 5, 5}, asked()))
	other, _ := distributionOf(summaryOf([]float64{7}, asked()))
	for share, want := range map[float64]float64{0.5: 5, 0.74: 5, 0.8: 7, 0.99: 7} {
		if got := (pooled{same, other}).quantile(share); math.Abs(got-want) > 1e-9 {
			t.Errorf("of 5, 5, 5 and 7: %v is %v, want %v", share, got, want)
		}
	}
}

func TestWhatHasNoSamplesHasNoDistribution(t *testing.T) {
	for name, values := range map[string]map[string]float64{
		"none": {"count": 0, "min": 0, "max": 0, "p(95)": 0}, "a counter": {"count": 7, "rate": 1}, "a rate": {"passes": 1, "fails": 2},
	} {
		if _, ok := distributionOf(Metric{Values: values}); ok {
			t.Errorf("%s: has one", name)
		}
	}
}
