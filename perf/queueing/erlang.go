package queueing

import "math"

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

// Queue is some servers behind one queue, first come, first served: M/G/c.
type Queue struct {
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

// Most is the rate that it holds, requests/s.
func (q Queue) Most() float64 {
	if q.Seconds <= 0 {
		return math.Inf(1)
	}
	return float64(q.Servers) / q.Seconds
}

// Wait is that of Poisson arrivals at a rate, requests/s, below the most that it holds: Erlang's, by
// (1 + CV²)/2 (Lee and Longton, 1959; Allen, Probability, Statistics and Queueing Theory, 1990). From the most on it
// is infinite.
func (q Queue) Wait(rate float64) Wait {
	most := q.Most()
	if rate <= 0 || math.IsInf(most, 1) {
		return Wait{}
	}
	if rate >= most {
		return Wait{1, math.Inf(1)}
	}
	return Wait{ErlangC(q.Servers, rate*q.Seconds), (1 + q.CV2) / 2 / (most - rate)}
}
