// Package queueing is how long requests wait where several servers share one queue.
//
// Owns: Erlang's formulas, their correction for service times that are not exponential, the distribution of responses.
// Does not own: which stations there are (perf/twin).
package queueing

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ErlangC is the share of requests that find all servers busy, of Poisson arrivals and exponential service: servers and
// the load in erlangs. It is 1 from where the load is as much as the servers hold. Erlang's B comes first, by its
// recursion B(c) = a·B(c−1) / (c + a·B(c−1)), which does not overflow (Erlang, 1917; Cooper, Introduction to Queueing
// Theory, 1981).
func ErlangC(servers int, erlangs float64) float64 {
	if erlangs <= 0 {
		return 0
	}
	c := float64(servers)
	if erlangs >= c {
		return 1
	}
	b := 1.0
	for k := 1; k <= servers; k++ {
		b = erlangs * b / (float64(k) + erlangs*b)
	}
	return b / (1 - erlangs/c*(1-b))
}

// Station is some servers behind one queue, first come, first served.
type Station struct {
	Servers int
	Seconds float64 // mean service at one server
	CV2     float64 // squared coefficient of variation of service: 1 is exponential, 0 constant
}

// Wait is how long requests wait in the queue: how many of them, as a share, and those for how long on average, s.
// The tail is exponential, which is exact for exponential service and near it in heavy traffic.
type Wait struct{ Share, Seconds float64 }

// Mean is that over all requests, s.
func (w Wait) Mean() float64 { return w.Share * w.Seconds }

// Quantile is the time that a share of requests waits at most, s.
func (w Wait) Quantile(share float64) float64 {
	if 1-share >= w.Share {
		return 0
	}
	return w.Seconds * math.Log(w.Share/(1-share))
}

// Most is the rate that the station holds, requests/s.
func (s Station) Most() float64 {
	if s.Seconds <= 0 {
		return math.Inf(1)
	}
	return float64(s.Servers) / s.Seconds
}

// Wait is that of Poisson arrivals at a rate, requests/s, below the most that the station holds: Erlang's, by
// (1 + CV²)/2 (Lee and Longton, 1959; Allen, Probability, Statistics and Queueing Theory, 1990). From the most on it
// is infinite.
func (s Station) Wait(rate float64) Wait {
	most := s.Most()
	if rate <= 0 || math.IsInf(most, 1) {
		return Wait{}
	}
	if rate >= most {
		return Wait{1, math.Inf(1)}
	}
	return Wait{ErlangC(s.Servers, rate*s.Seconds), (1 + s.CV2) / 2 / (most - rate)}
}

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

// Service is one service of the station.
func (s Station) Service() Time { return Time{s.Seconds, s.CV2 * s.Seconds * s.Seconds} }

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
