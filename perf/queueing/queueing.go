// Package queueing solves queues and networks of them: Erlang's formulas with their correction for service times that
// are not exponential, the distribution of responses, closed and open networks of stations with one class of requests,
// exactly, and their asymptotic bounds.
//
// Owns: the formulas, with their sources. Does not own: what a station is of a platform, and what it takes of a request
// (perf/capacity, perf/twin).
//
// Times are seconds, rates are per second, shares are from 0 to 1.
package queueing
