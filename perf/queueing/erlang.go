package queueing

import "math"

// ErlangB is the share of arrivals that a group of servers without a queue turns away: offered is λ/µ, in Erlang.
// Source: the recursion B(n) = aB(n−1) / (n + aB(n−1)), as in R. B. Cooper, Introduction to Queueing Theory (2nd ed.,
// 1981), section 3.2. Servers below 1 turn all away.
func ErlangB(servers int, offered float64) float64 {
	b := 1.0
	for n := 1; n <= servers; n++ {
		b = offered * b / (float64(n) + offered*b)
	}
	return b
}

// Queue is M/M/c: arrivals and service at random, one queue before equal servers.
type Queue struct {
	Servers int
	Rate    float64 // of arrivals, per second
	Service float64 // of one request, s
}

// Utilisation of the servers; 1 or more is a queue that grows without end.
func (q Queue) Utilisation() float64 { return q.Rate * q.Service / float64(q.Servers) }

// Waiting is the share of requests that wait, Erlang C; 1 where the queue grows without end.
// Source: as ErlangB; C = B / (1 − ρ(1−B)).
func (q Queue) Waiting() float64 {
	rho := q.Utilisation()
	if rho >= 1 {
		return 1
	}
	b := ErlangB(q.Servers, q.Rate*q.Service)
	return b / (1 - rho*(1-b))
}

// MeanWait is how long requests wait, s: C / (cµ − λ). +Inf where the queue grows without end.
func (q Queue) MeanWait() float64 {
	if q.Utilisation() >= 1 {
		return math.Inf(1)
	}
	return q.Waiting() / q.drain()
}

// drain is cµ − λ.
func (q Queue) drain() float64 { return float64(q.Servers)/q.Service - q.Rate }

// WaitPercentile is the wait that a share of requests does not exceed, s: P(W > t) = C·exp(−(cµ−λ)t).
func (q Queue) WaitPercentile(share float64) float64 {
	if q.Utilisation() >= 1 {
		return math.Inf(1)
	}
	if c := q.Waiting(); c > 1-share {
		return math.Log(c/(1-share)) / q.drain()
	}
	return 0
}
