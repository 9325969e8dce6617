package executor

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// arrive begins iterations at a rate, whether or not earlier ones are over.
func (s *Scenario) arrive(ctx context.Context) {
	stages, start := s.Stages, s.StartRate
	if s.Executor == options.ConstantArrivalRate {
		stages, start = []options.Stage{{Duration: s.Duration, Target: &s.Rate}}, s.Rate
	}
	load, grace, end := s.within(ctx, total(stages))
	defer end()
	a := &arriving{Scenario: s, grace: grace}
	a.idle = make(chan User, a.cap())
	defer a.leave()
	if !a.prepare(load) {
		return
	}
	arrivals := arrivalsOf(start, stages, s.TimeUnit.Duration)
	// A constant rate begins with an arrival, a ramp with the wait for its first one.
	first := int64(0)
	if s.Executor == options.RampingArrivalRate {
		first = 1
	}
	for k := int64(0); a.cap() > 0; k++ {
		at, ok := arrivals.at(first + s.numbers.Nth(k))
		if !ok || !until(load, s.Began.Add(at)) {
			break
		}
		a.begin()
	}
	<-load.Done()
}

// arriving is an arrival rate that runs.
type arriving struct {
	*Scenario
	grace  context.Context //nolint:containedctx // the scenario's, which iterations begin in
	idle   chan User
	made   int64
	making atomic.Bool
	warned bool
	busy   sync.WaitGroup
}

// cap is how many users there may be.
func (a *arriving) cap() int64 { return a.Segment.Share(int64(a.MaxVUs)) }

// prepare takes the users that are there before the first arrival.
func (a *arriving) prepare(ctx context.Context) bool {
	for range a.Segment.Share(int64(a.PreAllocatedVUs)) {
		u, err := a.Users.Take(ctx)
		if err != nil {
			return false
		}
		a.made++
		a.idle <- u
	}
	return true
}

// begin gives an arrival to an idle user. Where there is none it is dropped, and another user is made for those that
// come, up to the most.
func (a *arriving) begin() {
	select {
	case u := <-a.idle:
		a.busy.Go(func() {
			a.act(a.grace, u)
			a.idle <- u
		})
		return
	default:
	}
	a.Drop(a.Scenario, 1)
	switch {
	case a.making.Load():
	case a.made < a.cap():
		a.made++
		a.making.Store(true)
		a.busy.Go(a.more)
	case !a.warned:
		a.warned = true
		a.Warn("Insufficient VUs, reached %d active VUs and cannot initialize more", a.made)
	}
}

func (a *arriving) more() {
	defer a.making.Store(false)
	u, err := a.Users.Make(a.grace)
	if err != nil {
		a.Warn("another user could not be made: %v", err)
		return
	}
	a.idle <- u
}

// leave waits for what is in flight and gives users back.
func (a *arriving) leave() {
	a.busy.Wait()
	close(a.idle)
	for u := range a.idle {
		a.Users.Give(u)
	}
}

// arrivals are the times at which iterations are due: when the rate's integral over time passes each whole number.
type arrivals struct{ parts []part }

// part is a stage: from its beginning, which some arrivals came before, the rate goes from one to another.
type part struct {
	began, length time.Duration
	before        float64
	from, to      float64 // per ns
}

func arrivalsOf(start int, stages []options.Stage, unit time.Duration) arrivals {
	var a arrivals
	began, before, from := time.Duration(0), 0.0, float64(start)/float64(unit)
	for _, stage := range stages {
		p := part{began, stage.Duration.Duration, before, from, float64(*stage.Target) / float64(unit)}
		a.parts = append(a.parts, p)
		began, before, from = began+p.length, before+p.count(), p.to
	}
	return a
}

// count is how many arrivals a part has.
func (p part) count() float64 { return (p.from + p.to) / 2 * float64(p.length) }

// at is when the arrival of a number, from 0, is due. It is false when there are fewer.
func (a arrivals) at(number int64) (time.Duration, bool) {
	for _, p := range a.parts {
		left := float64(number) - p.before
		if left < p.count() || left == p.count() && number > 0 && p.to > 0 {
			return p.began + p.after(left), true
		}
	}
	return 0, false
}

// after is the time in which a part has so many arrivals: from·t + (to-from)/length·t²/2, solved for t.
func (p part) after(count float64) time.Duration {
	if count <= 0 {
		return 0
	}
	slope := (p.to - p.from) / float64(p.length)
	return time.Duration(2 * count / (p.from + math.Sqrt(math.Max(0, p.from*p.from+2*slope*count))))
}
