// Package admission decides who is served while not everybody can be.
//
// Owns: the priorities of requests, the bound on those at work, the memory of what comes and goes, the error of what was not
// begun. Does not own: the wait for a connection to the database (package postgres), how the error is answered.
package admission

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Priority is who is served first. Probes have none: they are always answered.
type Priority int

// Priorities. The zero value is that of reads and of small writes.
const (
	Normal Priority = iota
	Low             // uploads and complex searches: they cost most, and can wait
)

// Priorities are all there are.
var Priorities = []Priority{Normal, Low}

// String is the priority as metrics name it.
func (p Priority) String() string {
	if p == Low {
		return "low"
	}
	return "normal"
}

// Share is the part of what is scarce that a priority may use up, before the rest is left to the others.
func (p Priority) Share() float64 {
	if p == Low {
		return 0.5
	}
	return 1
}

type priorityKey struct{}

// With returns a context whose work has priority p.
func With(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// Of returns the priority of the work that is done in ctx.
func Of(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}

// Reasons for which something is not begun.
const (
	Requests    = "requests"    // as many requests are at work as may be
	Connections = "connections" // a connection to the database would come too late, or did not come in time
	Memory      = "memory"      // what comes from its client, or goes there, would take more than there is
)

// Reasons are all there are.
var Reasons = []string{Requests, Connections, Memory}

// Overloaded is the error of what was not begun, for others are still being served.
type Overloaded struct {
	Reason   string
	Priority Priority
}

func (e *Overloaded) Error() string {
	return fmt.Sprintf("overloaded: no room for %s priority, short of %s", e.Priority, e.Reason)
}

// Gate bounds the requests at work. Who waits for a client is not at work.
type Gate struct {
	most   int64
	atWork atomic.Int64
}

// NewGate returns a gate that lets most requests in at once.
func NewGate(most int) *Gate { return &Gate{most: int64(most)} }

// Limit is how many it lets in at once.
func (g *Gate) Limit() int { return int(g.most) }

// Enter lets a request in, who must call leave at its end, or returns an Overloaded at once.
func (g *Gate) Enter(p Priority) (leave func(), err error) {
	if g.atWork.Add(1) > int64(float64(g.most)*p.Share()) {
		g.leave()
		return nil, &Overloaded{Reason: Requests, Priority: p}
	}
	return g.leave, nil
}

func (g *Gate) leave() { g.atWork.Add(-1) }
