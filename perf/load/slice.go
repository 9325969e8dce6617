package load

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Slices is what one generator measured in parts of its time, as components/loadtest/k6/slices.js
// writes it.
type Slices struct {
	Seconds float64   `json:"seconds"` // of each
	Shares  []float64 `json:"shares"`  // of the percentiles of a row, the least and the largest among them
	// Took are the times of requests by kind, ms; a row is the slice's number, how many, then the percentiles.
	Took   map[string][][]float64 `json:"took"`
	Faults [][]float64            `json:"faults"` // number, wrong ones, all
}

// Slice is what a run measured in a part of its time, over all generators.
type Slice struct {
	AtSeconds float64         `json:"atSeconds"` // its beginning, after that of the load
	Seconds   float64         `json:"seconds"`   // how long it is
	Answers   float64         `json:"answers"`
	Wrong     float64         `json:"wrong"` // of the answers
	Response  *Took           `json:"response"`
	Complex   *Took           `json:"complexSearch"`
	Kinds     map[string]Took `json:"kinds"`
}

// Took is how long requests took, ms; null where there are too few for a percentile.
type Took struct {
	Requests float64  `json:"requests"`
	Mean     float64  `json:"mean"` // from the percentiles, linear between them
	P50      *float64 `json:"p50"`
	P95      *float64 `json:"p95"`
	P99      *float64 `json:"p99"`
}

const (
	mostSlices  = 10_000
	complexKind = "search-complex" // the kind of requests that objective complex-search is about
)

// check wants what merging relies on.
func (s *Slices) check() error {
	if s == nil {
		return nil
	}
	var faults []error
	if s.Seconds <= 0 {
		faults = append(faults, fmt.Errorf("slices.seconds is %v, want more than 0", s.Seconds))
	}
	if n := len(s.Shares); n < 2 || s.Shares[0] != 0 || s.Shares[n-1] != 1 || !slices.IsSorted(s.Shares) {
		faults = append(faults, fmt.Errorf("slices.shares are %v, want them to rise from 0 to 1", s.Shares))
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Took)) {
		faults = append(faults, checkRows("took."+kind, s.Took[kind], 2+len(s.Shares)))
	}
	return errors.Join(append(faults, checkRows("faults", s.Faults, 3))...)
}

// checkRows names the first of some rows that is none.
func checkRows(name string, all [][]float64, length int) error {
	for i, row := range all {
		if len(row) != length || row[0] != math.Trunc(row[0]) || row[0] < 0 || row[0] >= mostSlices || row[1] < 0 {
			return fmt.Errorf("slices.%s[%d] is %v, want %d values: a slice from 0 to %d, a count, …",
				name, i, row, length, mostSlices-1)
		}
	}
	return nil
}

// distribution is a row's.
func (s *Slices) distribution(row []float64) Distribution {
	d := Distribution{Count: row[1]}
	for i, share := range s.Shares {
		d.points = append(d.points, point{share, row[2+i]})
	}
	return d
}

// gathered is a slice while it is gathered.
type gathered struct {
	answers, wrong float64
	took           map[string]pooled
}

// Slices are the parts of a run's time in order, nil for results without them. A generator that began later than the
// first has its slices where they were in time, to half of one.
func (r *Run) Slices() []Slice {
	seconds := r.sliceSeconds()
	if seconds == 0 {
		return nil
	}
	parts := map[int]*gathered{}
	for _, one := range r.results {
		late := one.BeganAt.Sub(r.BeganAt).Seconds()
		one.Slices.gather(parts, int(math.Round(late/seconds)))
	}
	var all []Slice
	for _, number := range slices.Sorted(maps.Keys(parts)) {
		at := float64(number) * seconds
		all = append(all, parts[number].slice(at, min(seconds, max(r.Seconds(), r.Scenario.DurationSeconds)-at)))
	}
	return all
}

// sliceSeconds is how long slices are, 0 where generators have none, or of different lengths.
func (r *Run) sliceSeconds() (seconds float64) {
	for _, one := range r.results {
		if one.Slices == nil || seconds != 0 && one.Slices.Seconds != seconds {
			return 0
		}
		seconds = one.Slices.Seconds
	}
	return seconds
}

func (s *Slices) gather(parts map[int]*gathered, later int) {
	at := func(number float64) *gathered {
		i := int(number) + later
		if parts[i] == nil {
			parts[i] = &gathered{took: map[string]pooled{}}
		}
		return parts[i]
	}
	for kind, rows := range s.Took {
		for _, row := range rows {
			if p := at(row[0]); row[1] > 0 {
				p.took[kind] = append(p.took[kind], s.distribution(row))
			}
		}
	}
	for _, row := range s.Faults {
		p := at(row[0])
		p.wrong, p.answers = p.wrong+row[1], p.answers+row[2]
	}
}

func (p *gathered) slice(at, seconds float64) Slice {
	s := Slice{AtSeconds: at, Seconds: seconds, Answers: p.answers, Wrong: p.wrong, Kinds: map[string]Took{}}
	var response pooled
	for _, kind := range slices.Sorted(maps.Keys(p.took)) {
		s.Kinds[kind] = *p.took[kind].took()
		if kind != complexKind {
			response = append(response, p.took[kind]...)
		}
	}
	s.Response, s.Complex = response.took(), p.took[complexKind].took()
	return s
}

// took are the percentiles that a pool has samples enough for, nil of none.
func (p pooled) took() *Took {
	if len(p) == 0 {
		return nil
	}
	t := &Took{Requests: p.count(), Mean: p.mean()}
	for share, to := range map[float64]**float64{0.5: &t.P50, 0.95: &t.P95, 0.99: &t.P99} {
		if t.Requests >= math.Ceil(leastBeyond/(1-share)-1e-6) {
			value := p.quantile(share)
			*to = &value
		}
	}
	return t
}
