package executor

import (
	"context"
	"sync"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// step is a change of how many users there are.
type step struct {
	at    time.Duration
	users int64
}

// stepsOf are the changes of a ramp for a segment's share: users come and go one by one, evenly over a stage.
func stepsOf(start int, stages []options.Stage, segment options.Segment) []step {
	steps := []step{{0, segment.Share(int64(start))}}
	add := func(at time.Duration, all int64) {
		if users := segment.Share(all); users != steps[len(steps)-1].users {
			steps = append(steps, step{at, users})
		}
	}
	began, now := time.Duration(0), int64(start)
	for _, stage := range stages {
		length, change := stage.Duration.Duration, int64(*stage.Target)-now
		sign, n := int64(1), change
		if change < 0 {
			sign, n = -1, -change
		}
		for k := int64(1); k <= n; k++ {
			add(began+time.Duration(float64(length)*float64(k)/float64(n)), now+sign*k)
		}
		began, now = began+length, now+change
	}
	return steps
}

// ramp has as many users as the stages say.
func (s *Scenario) ramp(ctx context.Context) {
	load, grace, end := s.within(ctx, total(s.Stages))
	defer end()
	r := &ramping{Scenario: s, load: load, grace: grace}
	for _, step := range stepsOf(s.StartVUs, s.Stages, s.Segment) {
		if !until(load, s.Began.Add(step.at)) {
			break
		}
		r.set(int(step.users))
	}
	<-load.Done()
	r.running.Wait()
}

// ramping is a ramp that runs. Places are for users; the first so many are to be filled.
type ramping struct {
	*Scenario
	load, grace context.Context //nolint:containedctx // the scenario's, which users come and go in
	places      []*place
	running     sync.WaitGroup
}

func (r *ramping) set(users int) {
	for len(r.places) < users {
		r.places = append(r.places, &place{ramping: r})
	}
	for i, p := range r.places {
		if i < users {
			p.fill()
		} else {
			p.empty()
		}
	}
}

// place is filled by a user or not. A user that is to go may end its iteration within the grace of ramps, and stays
// when it is wanted again before.
type place struct {
	*ramping
	one       sync.Mutex
	wanted    bool
	busy      bool
	interrupt context.CancelFunc
	patience  *time.Timer
}

func (p *place) fill() {
	p.one.Lock()
	defer p.one.Unlock()
	if p.patience != nil {
		p.patience.Stop()
		p.patience = nil
	}
	p.wanted = true
	if !p.busy {
		p.busy = true
		p.running.Go(p.work)
	}
}

func (p *place) empty() {
	p.one.Lock()
	defer p.one.Unlock()
	if p.wanted && p.busy {
		p.patience = time.AfterFunc(p.GracefulRampDown.Duration, p.end)
	}
	p.wanted = false
}

// end interrupts what the place's user does, unless it is wanted again.
func (p *place) end() {
	p.one.Lock()
	defer p.one.Unlock()
	if !p.wanted && p.interrupt != nil {
		p.interrupt()
	}
}

func (p *place) work() {
	u, err := p.Users.Take(p.load)
	if err != nil {
		p.one.Lock()
		defer p.one.Unlock()
		p.busy = false
		return
	}
	defer p.Users.Give(u)
	for {
		ctx, goOn := p.next()
		if !goOn {
			return
		}
		p.act(ctx, u)
	}
}

// next tells whether there is another iteration, and its context.
func (p *place) next() (context.Context, bool) {
	p.one.Lock()
	defer p.one.Unlock()
	if p.interrupt != nil {
		p.interrupt()
		p.interrupt = nil
	}
	if !p.wanted || p.load.Err() != nil {
		p.busy = false
		return nil, false
	}
	ctx, cancel := context.WithCancel(p.grace)
	p.interrupt = cancel
	return ctx, true
}
