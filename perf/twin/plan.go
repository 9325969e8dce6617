package twin

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/ragscale/ragscale/perf/twin/curve"
	"github.com/ragscale/ragscale/stacks"
)

// Input is what a plan is made of.
type Input struct {
	Config       *stacks.Config
	Declared     Declared
	MachineCores int // of stack local
	Load         curve.Curve
	Measured     *Measured // nil: what the stack's file implies
	Seed         uint64
	Search       bool
}

// Plan is how a stack scales under a load, and what would do better.
type Plan struct {
	Stack       string       `json:"stack"`
	Load        Load         `json:"load"`
	Objective   Objective    `json:"objective"`
	Assumptions []Assumption `json:"assumptions"`
	PodReady    float64      `json:"podReadySeconds"`  // from its decision until a pod serves, where there is room
	NodeReady   float64      `json:"nodeReadySeconds"` // more, where a node must come
	Result      *Result      `json:"result"`
	Reaction    *Reaction    `json:"reaction"` // null for a load that asks for no more than the fewest replicas
	Shortages   []Shortage   `json:"shortages"`
	Search      *Search      `json:"search"` // null where it was not asked for, or would take minutes
	Suggestions []Suggestion `json:"suggestions"`
	Unsure      []string     `json:"unsure"` // what is not validated, and what was left out
}

// Load is the load of a plan.
type Load struct {
	Name     string  `json:"name"`
	Seconds  float64 `json:"seconds"`
	First    float64 `json:"firstRPS"`
	Peak     float64 `json:"peakRPS"`
	Requests float64 `json:"requests"`
}

// BaseOf is the rate that a stack's fewest replicas are asked for, requests/s, and half of a peak at the most: where
// shapes of load begin.
func BaseOf(c *stacks.Config, peak float64) float64 {
	return math.Min(peak/2, c.RPSPerPod()*float64(c.SLO.HPA.MinReplicas))
}

// New makes a plan.
func New(ctx context.Context, in Input) (*Plan, error) {
	s, assumed, err := Of(in.Config, in.Declared, in.MachineCores)
	if err != nil {
		return nil, fmt.Errorf("stack %s: %w", in.Config.Stack, err)
	}
	if in.Measured != nil {
		calibrated, measured := s.Calibrated(*in.Measured)
		s, assumed = calibrated, Override(assumed, measured)
	}
	p := &Plan{Stack: s.Name, Objective: s.Objective, Assumptions: assumed, PodReady: s.Pod.ReadySeconds(),
		NodeReady: s.Nodes.ScanSeconds/2 + s.Nodes.StartSeconds, Shortages: []Shortage{}, Suggestions: []Suggestion{},
		Load: Load{in.Load.Name, in.Load.Seconds(), in.Load.Rate(0), in.Load.Peak(), in.Load.Requests()}}
	if p.Result, err = Simulate(ctx, s, in.Load, Options{Seed: in.Seed}); err != nil {
		return nil, err
	}
	p.Shortages = append(p.Shortages, s.Shortages(p.Result, in.Load)...)
	for i := range p.Shortages {
		p.Shortages[i].Rests = s.rests(p.Shortages[i], in.Measured != nil)
	}
	if r, ok := s.React(p.Result, in.Load); ok {
		p.Reaction = &r
	}
	p.Unsure = unsure(in)
	if !in.Search {
		return p, nil
	}
	p.Search, err = s.Try(ctx, in.Load, in.Seed)
	if errors.Is(err, ErrLong) {
		p.Unsure = append(p.Unsure, fmt.Sprintf("No other policy was tried: %v (--load).", ErrLong))
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if best := p.Search.Best; best != nil && !best.Declared {
		perPod := func(most int) float64 { return in.Config.SLO.ThroughputRPS / float64(most) }
		start := float64(in.Config.Autoscaling.NodeStartSeconds)
		p.Suggestions = append(p.Suggestions, s.Suggest(best.Policy, perPod, start)...)
	}
	return p, nil
}

// unsure is what a reader has to know.
func unsure(in Input) []string {
	all := []string{"Validated against two recorded runs of the real controllers; twenty are wanted."}
	if in.Measured == nil {
		all = append(all,
			"No run was named (--run): what a request takes is what the stack's file implies, and not measured.")
	}
	all = append(all, "Left out: spot nodes that do not come or go, lost nodes and zones, caches that warm up, "+
		"retries of clients, and the database beyond its connections.")
	return all
}
