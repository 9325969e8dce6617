package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// load is a number of clients who each ask again when they have their answer, in turns of some seconds.
type load struct {
	name    string
	clients int
	think   time.Duration // mean pause between two requests, exponentially distributed
	next    func(client int, random *rand.Rand) request
}

// sample is what a load's turn has measured.
type sample struct {
	took   []time.Duration // answers that were wanted, sorted
	faults int             // none, or another status than was wanted
	within time.Duration
	cores  float64 // that the generator itself has used
}

func (s sample) rate() float64 { return float64(len(s.took)) / s.within.Seconds() }

// percentile is the nearest rank's, in ms; 0 without answers.
func (s sample) percentile(p float64) float64 {
	if len(s.took) == 0 {
		return 0
	}
	i := min(int(p*float64(len(s.took))), len(s.took)-1)
	return float64(s.took[i].Microseconds()) / 1000
}

// turn runs l for a time.
func (l load) turn(ctx context.Context, addr string, d time.Duration) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, err := own()
	if err != nil {
		return sample{}, err
	}
	begin := time.Now()
	defer time.AfterFunc(d, cancel).Stop() // a deadline would fail connections before the context says why
	var one sync.Mutex
	var all sample
	var clients sync.WaitGroup
	for i := range l.clients {
		clients.Go(func() {
			s := l.drive(ctx, addr, i)
			one.Lock()
			defer one.Unlock()
			all.took, all.faults = append(all.took, s.took...), all.faults+s.faults
		})
	}
	clients.Wait()
	after, err := own()
	slices.Sort(all.took)
	all.within = time.Since(begin)
	all.cores = (after - before).Seconds() / all.within.Seconds()
	return all, err
}

// drive is one client's turn. What is in flight at its end is not counted.
func (l load) drive(ctx context.Context, addr string, i int) sample {
	var s sample
	c := client{addr: addr}
	defer c.close()
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	for l.pause(ctx, random) {
		r := l.next(i, random)
		begin := time.Now()
		status, _, err := c.ask(ctx, r)
		if ctx.Err() != nil {
			break
		}
		if err != nil || status != r.want {
			s.faults++
			continue
		}
		s.took = append(s.took, time.Since(begin))
	}
	return s
}

// pause thinks, and says whether there is time left.
func (l load) pause(ctx context.Context, random *rand.Rand) bool {
	if l.think > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(random.ExpFloat64() * float64(l.think))):
		}
	}
	return ctx.Err() == nil
}
