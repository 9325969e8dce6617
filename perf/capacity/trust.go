package capacity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// trustedLevels is how many levels a fit wants: with six of the published Cisco series β is below 0.
	trustedLevels = 6
	// trustedReach is how far beyond the largest N a law alone may speak: at 1.33 times it missed that series by 4 %, at
	// 1.6 times by 13 %, at 2 times by 18 %, at 4 times by 33 %.
	trustedReach = 1.3
	// kneeShare is how much of the way to proportional growth may be left at the last level for it to be past the knee.
	kneeShare = 0.75
)

// Doubts say why a fit may not be trusted, each with what would mend it; none for one that may.
func (f *Fit) Doubts() []string {
	var all []string
	n := 0.0
	levels := map[float64]bool{}
	for _, p := range f.Points {
		n = max(n, p.N)
		levels[p.N] = true
	}
	if len(levels) < trustedLevels {
		all = append(all, fmt.Sprintf("it has %d levels, want %d or more", len(levels), trustedLevels))
	}
	if share := f.Throughput(n) / (f.Gamma * n); share > kneeShare {
		all = append(all, fmt.Sprintf("its last level still brings %.0f %% of proportional growth, want load that reaches "+
			"past the knee, where it is %.0f %% or less", 100*share, 100*kneeShare))
	}
	return all
}

// Reach is the largest N that the law may speak of alone: 1.3 times the largest that was measured.
func (f *Fit) Reach() float64 {
	n := 0.0
	for _, p := range f.Points {
		n = max(n, p.N)
	}
	return trustedReach * n
}

// Prediction is what is expected of a level.
type Prediction struct {
	X      float64 `json:"x"`
	Within Range   `json:"within"` // where a further measurement lies, with the confidence asked for
	Beyond bool    `json:"beyond"` // further than the law may speak of alone
}

// resamples of a bootstrap: enough for ends of a 90 % interval that move by a tenth of its width.
const resamples = 400

// Predict says what throughput is to be expected of n in the system. The interval is a bootstrap of residuals: the law
// is fitted again to its own values with residuals drawn anew, and a further residual is added for the measurement
// itself. Residuals are relative, for loads are noisy in proportion; they are raised by their leverage, and by
// Student's t to the normal distribution's, for few of them tell little of their spread. Source: A. C. Davison, D. V.
// Hinkley, Bootstrap Methods and their Application (1997), 6.2.3 and 7.2. The same points give the same interval.
func (f *Fit) Predict(n, confidence float64) Prediction {
	return f.predict(func(l Law) float64 { return l.Throughput(n) }, n, confidence)
}

// PredictUsers is Predict for users who pause.
func (f *Fit) PredictUsers(users, thinkSeconds, confidence float64) Prediction {
	in := users - thinkSeconds*f.Users(users, thinkSeconds)
	return f.predict(func(l Law) float64 { return l.Users(users, thinkSeconds) }, in, confidence)
}

func (f *Fit) predict(of func(Law) float64, n, confidence float64) Prediction {
	p := Prediction{X: of(f.Law), Beyond: n > f.Reach()}
	left := f.residuals(confidence)
	random := rand.New(rand.NewPCG(uint64(len(f.Points)), 17)) //nolint:gosec // the same answer each time, no secret
	var values []float64
	for range resamples {
		values = append(values, of(f.again(left, random))*max(0, 1+left[random.IntN(len(left))]))
	}
	slices.Sort(values)
	p.Within = Range{quantile(values, (1-confidence)/2), quantile(values, (1+confidence)/2)}
	return p
}

// residuals are what the fit leaves of each point, as a share of it, centred and raised.
func (f *Fit) residuals(confidence float64) []float64 {
	normal, _ := f.normal(f.Points)
	inverse, ok := inverted(normal, f.free)
	share := (1 + confidence) / 2
	raise := f.student().Quantile(share) / distuv.UnitNormal.Quantile(share)
	var all []float64
	for _, p := range f.Points {
		left := raise * (p.X/f.Throughput(p.N) - 1)
		if ok {
			left /= math.Sqrt(max(1-f.leverage(p, inverse), 0.05))
		}
		all = append(all, left)
	}
	mean := stat.Mean(all, nil)
	for i := range all {
		all[i] -= mean
	}
	return all
}

// leverage is how much of a point's own value the fit follows.
func (f *Fit) leverage(p Point, inverse *mat.Dense) (h float64) {
	s := f.slopes(p.N)
	for i, a := range f.free {
		for j, b := range f.free {
			h += s[a] * inverse.At(i, j) * s[b]
		}
	}
	return h
}

// again is the law of one drawing.
func (f *Fit) again(left []float64, random *rand.Rand) Law {
	points := slices.Clone(f.Points)
	for i, p := range points {
		points[i].X = f.Throughput(p.N) * max(1e-9, 1+left[random.IntN(len(left))])
	}
	l, _ := descend(points, f.inside())
	return l
}

// inside is the law, a little within its bounds, to start from.
func (f *Fit) inside() Law {
	return Law{Alpha: min(max(f.Alpha, 1e-6), 0.999), Beta: max(f.Beta, 1e-12), Gamma: f.Gamma}
}

// quantile of values in order, linear between them.
func quantile(values []float64, share float64) float64 {
	at := share * float64(len(values)-1)
	i := int(math.Floor(at))
	if i+1 >= len(values) {
		return values[len(values)-1]
	}
	return values[i] + (at-float64(i))*(values[i+1]-values[i])
}

// median of values, NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return quantile(slices.Sorted(slices.Values(values)), 0.5)
}

// heldConfidence is that of the intervals in which held-out levels should lie.
const heldConfidence = 0.9

// HeldOut is how well levels are predicted by the law that all the others give: each between the least and the
// greatest is left out in turn.
type HeldOut struct {
	Levels int     `json:"levels"`
	Inside int     `json:"inside"` // of them, within the 90 % interval of their prediction
	Missed float64 `json:"missed"` // by, as a share: the median
}

// holdOut leaves each level out; of too few levels nothing is told.
func holdOut(levels []Level, think float64) (h HeldOut) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, l := range levels {
		least, most = min(least, l.N), max(most, l.N)
	}
	var missed []float64
	for i, l := range levels {
		if l.N == least || l.N == most {
			continue
		}
		others := append(append([]Level{}, levels[:i]...), levels[i+1:]...)
		fit, err := FitLaw(PointsOf(others))
		if err != nil {
			continue
		}
		said := fit.ofLevel(l, think)
		h.Levels++
		missed = append(missed, math.Abs(said.X/l.X-1))
		if said.Within.Low <= l.X && l.X <= said.Within.High {
			h.Inside++
		}
	}
	if h.Levels > 0 {
		h.Missed = median(missed)
	}
	return h
}

// ofLevel predicts a level by what was declared of it: its users, or as many requests in the system.
func (f *Fit) ofLevel(l Level, think float64) Prediction {
	if l.Users > 0 {
		return f.PredictUsers(l.Users, think, heldConfidence)
	}
	return f.Predict(l.N, heldConfidence)
}
