// Package capacity says how much load a stack holds, what gives out first, and what it takes to hold more.
//
// Owns: levels of load cut from a run, the Universal Scalability Law, the model of the platform with measured demands,
// the choice of sizes from the catalogue. Does not own: making load (components/loadtest), runs and their stores
// (perf/load), solving queues (perf/queueing), what a stack is made of (stacks), prices (catalogue/price), flags
// (cmd/ragscale).
//
// Times are seconds, rates are per second, shares are from 0 to 1.
package capacity
