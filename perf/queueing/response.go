package queueing

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Time is a time by its first two moments, s.
type Time struct{ Mean, Variance float64 }

// Plus is the sum of two independent times.
func (t Time) Plus(other Time) Time { return Time{t.Mean + other.Mean, t.Variance + other.Variance} }

// Sometimes is a time that a share of requests takes, and the others none.
func (t Time) Sometimes(share float64) Time {
	second := share * (t.Variance + t.Mean*t.Mean)
	mean := share * t.Mean
	return Time{mean, max(0, second-mean*mean)}
}

// Service is one service of the queue.
func (q Queue) Service() Time { return Time{q.Seconds, q.CV2 * q.Seconds * q.Seconds} }

// Time is a wait's two moments: a share of an exponential time.
func (w Wait) Time() Time { return Time{w.Seconds, w.Seconds * w.Seconds}.Sometimes(w.Share) }

// Response is how long requests take: a delay that all have, a wait that some have, and the rest of the way.
type Response struct {
	Delay float64
	Wait  Wait
	Rest  Time
}

// Within is the share of requests that take no longer than a time, s. Both sorts, with a wait and without, are taken
// for gamma distributed by their first two moments, which is exact for exponential times.
func (r Response) Within(seconds float64) float64 {
	t := seconds - r.Delay
	if t < 0 {
		return 0
	}
	waits := r.Rest.Plus(Time{r.Wait.Seconds, r.Wait.Seconds * r.Wait.Seconds})
	switch share := r.Wait.Share; {
	case share <= 0:
		return r.Rest.within(t)
	case share >= 1:
		return waits.within(t)
	default:
		return (1-share)*r.Rest.within(t) + share*waits.within(t)
	}
}

// within is the gamma distribution function with the time's moments.
func (t Time) within(seconds float64) float64 {
	if t.Mean <= 0 || t.Variance <= 1e-12*t.Mean*t.Mean {
		if seconds >= t.Mean {
			return 1
		}
		return 0
	}
	return mathext.GammaIncReg(t.Mean*t.Mean/t.Variance, seconds*t.Mean/t.Variance)
}

// Quantile is the time that a share of requests takes at most, s, by bisection to a thousandth.
func (r Response) Quantile(share float64) float64 {
	least, most := r.Delay, r.Delay+r.Wait.Seconds+r.Rest.Mean+1e-6
	for r.Within(most) < share {
		least, most = most, 2*most
		if math.IsInf(most, 1) || math.IsNaN(most) {
			return math.Inf(1)
		}
	}
	for most-least > 1e-3*most {
		if middle := (least + most) / 2; r.Within(middle) < share {
			least = middle
		} else {
			most = middle
		}
	}
	return most
}
