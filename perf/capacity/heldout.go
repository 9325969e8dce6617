package capacity

import "math"

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
