// Package executor lets virtual users act as scenarios say: how many, when, how often.
//
// Owns: the six executors, pace, what happens to iterations in flight at an end. Does not own: what an iteration does,
// how users are made.
//
// Source: https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/ and .../concepts/graceful-stop/ ; read
// 2026-11-30.
package executor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// User is a virtual user.
type User interface {
	// Act runs one iteration; when the context ends, it interrupts it.
	Act(ctx context.Context, s *Scenario, iteration int64)
}

// Users are those that have nothing to do.
type Users interface {
	// Take waits for one. It fails when the context ends.
	Take(ctx context.Context) (User, error)
	Give(u User)
	// Make makes another one.
	Make(ctx context.Context) (User, error)
}

// Scenario is one that runs.
type Scenario struct {
	options.Scenario
	Segment options.Segment
	Users   Users
	Drop    func(s *Scenario, n int64) // counts iterations that should have been begun
	Warn    func(format string, a ...any)

	Began   time.Time
	begun   atomic.Int64    // iterations
	numbers options.Segment // of the iterations that are this generator's
}

// Plan is what a scenario needs of users, and how long it may take, graceful stop included.
type Plan struct {
	Users, Most int // made before the run; at the same time
	Length      time.Duration
}

// PlanOf is the plan for a segment's share of a scenario.
func PlanOf(s *options.Scenario, segment options.Segment) Plan {
	share := func(n int) int { return int(segment.Share(int64(n))) }
	switch s.Executor {
	case options.RampingVUs:
		most := s.StartVUs
		for _, stage := range s.Stages {
			most = max(most, *stage.Target)
		}
		return Plan{share(most), share(most), total(s.Stages) + s.GracefulStop.Duration}
	case options.ConstantArrivalRate:
		return Plan{share(s.PreAllocatedVUs), share(s.MaxVUs), s.Duration.Duration + s.GracefulStop.Duration}
	case options.RampingArrivalRate:
		return Plan{share(s.PreAllocatedVUs), share(s.MaxVUs), total(s.Stages) + s.GracefulStop.Duration}
	case options.ConstantVUs:
		return Plan{share(s.VUs), share(s.VUs), s.Duration.Duration + s.GracefulStop.Duration}
	}
	return Plan{share(s.VUs), share(s.VUs), s.MaxDuration.Duration + s.GracefulStop.Duration}
}

func total(stages []options.Stage) time.Duration {
	sum := time.Duration(0)
	for _, stage := range stages {
		sum += stage.Duration.Duration
	}
	return sum
}

// Run runs the scenario to its end.
func (s *Scenario) Run(ctx context.Context) {
	s.Began = time.Now()
	s.numbers = s.Segment
	switch s.Executor { // generators without users take no part
	case options.SharedIterations:
		s.numbers = s.Segment.Of(int64(s.VUs))
	case options.ConstantArrivalRate, options.RampingArrivalRate:
		s.numbers = s.Segment.Of(int64(s.MaxVUs))
	}
	switch s.Executor {
	case options.ConstantVUs:
		s.constant(ctx)
	case options.RampingVUs:
		s.ramp(ctx)
	case options.SharedIterations:
		s.share(ctx)
	case options.PerVUIterations:
		s.each(ctx)
	default:
		s.arrive(ctx)
	}
}

// Iterations are how many were begun by this generator.
func (s *Scenario) Iterations() int64 { return s.begun.Load() }

// InTest is the number, in the whole test, of one of this generator's iterations.
func (s *Scenario) InTest(iteration int64) int64 { return s.numbers.Nth(iteration) }

// Progress is how much of the scenario is over, from 0 to 1.
func (s *Scenario) Progress() float64 {
	length := s.Duration.Duration
	switch s.Executor {
	case options.SharedIterations, options.PerVUIterations:
		iterations := s.Iterations()
		if s.Executor == options.PerVUIterations {
			return min(1, float64(iterations)/float64(max(1, s.Iterations64()*s.Segment.Share(int64(s.VUs)))))
		}
		return min(1, float64(iterations)/float64(max(1, s.numbers.Share(s.Iterations64()))))
	case options.RampingVUs, options.RampingArrivalRate:
		length = total(s.Stages)
	}
	return min(1, float64(time.Since(s.Began))/float64(max(1, length)))
}

// Iterations64 is how many iterations are declared.
func (s *Scenario) Iterations64() int64 { return int64(s.Scenario.Iterations) }

// within returns a context that ends with the load, and one that ends with the grace for what is then in flight.
func (s *Scenario) within(ctx context.Context, length time.Duration) (load, grace context.Context, end func()) {
	grace, endGrace := context.WithTimeout(ctx, length+s.GracefulStop.Duration)
	load, endLoad := context.WithTimeout(grace, length)
	return load, grace, func() { endLoad(); endGrace() }
}

// act lets a user run the scenario's next iteration.
func (s *Scenario) act(ctx context.Context, u User) { u.Act(ctx, s, s.begun.Add(1)-1) }

// together runs work for n users at once, each with a user of its own.
func (s *Scenario) together(ctx context.Context, n int64, work func(u User)) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			u, err := s.Users.Take(ctx)
			if err != nil {
				return
			}
			defer s.Users.Give(u)
			work(u)
		})
	}
	all.Wait()
}

// constant keeps a number of users at it for a time.
func (s *Scenario) constant(ctx context.Context) {
	load, grace, end := s.within(ctx, s.Duration.Duration)
	defer end()
	s.together(load, s.Segment.Share(int64(s.VUs)), func(u User) {
		for load.Err() == nil {
			s.act(grace, u)
		}
	})
	<-load.Done() // without users too
}

// share lets users take iterations from a common heap.
func (s *Scenario) share(ctx context.Context) {
	load, grace, end := s.within(ctx, s.MaxDuration.Duration)
	defer end()
	iterations := s.numbers.Share(s.Iterations64())
	var taken atomic.Int64
	s.together(load, s.Segment.Share(int64(s.VUs)), func(u User) {
		for load.Err() == nil && taken.Add(1) <= iterations {
			s.act(grace, u)
		}
	})
	s.dropped(iterations - s.begun.Load())
}

// each lets every user run the same number of iterations.
func (s *Scenario) each(ctx context.Context) {
	load, grace, end := s.within(ctx, s.MaxDuration.Duration)
	defer end()
	users := s.Segment.Share(int64(s.VUs))
	s.together(load, users, func(u User) {
		for i := int64(0); load.Err() == nil && i < s.Iterations64(); i++ {
			s.act(grace, u)
		}
	})
	s.dropped(users*s.Iterations64() - s.begun.Load())
}

func (s *Scenario) dropped(n int64) {
	if n > 0 {
		s.Drop(s, n)
	}
}

// until waits for a time and tells whether it came before the context's end.
func until(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
