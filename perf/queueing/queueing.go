// Package queueing solves queues and networks of them: Erlang's formulas, closed and open networks of stations with one
// class of requests, exactly, and their asymptotic bounds.
//
// Owns: the formulas, with their sources. Does not own: what a station is of a platform, and what it takes of a request
// (perf/capacity).
//
// Times are seconds, rates are per second, shares are from 0 to 1.
package queueing
