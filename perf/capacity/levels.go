package capacity

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ragscale/ragscale/perf/load"
)

// Level is a load that was held, or of a load that rises a part, and what came of it.
type Level struct {
	AtSeconds float64  `json:"atSeconds"` // where what counts of it begins, after the beginning of the load
	Seconds   float64  `json:"seconds"`   // that count
	Slices    int      `json:"slices"`    // of the run's time that count
	Dropped   int      `json:"dropped"`   // slices at its beginning that do not: it was not settled yet
	Users     float64  `json:"users"`     // at the same time; 0 where requests came at a rate
	Offered   float64  `json:"offered"`   // requests per second that were meant to come; 0 of users
	X         float64  `json:"x"`         // right answers per second
	Response  float64  `json:"response"`  // mean, s
	P95       *float64 `json:"p95"`       // of simple requests, s; the median of the slices'; null for too few
	N         float64  `json:"n"`         // requests in the system, by Little's law X·R
	Wrong     float64  `json:"wrong"`     // share of answers
	// Unaccounted is the share of the users whom Little's law U = X·(R + Z) does not find; 0 where requests came at a
	// rate.
	Unaccounted float64 `json:"unaccounted"`
	Rising      bool    `json:"rising"` // load rose meanwhile: nothing of it is quite settled
}

const (
	// mostUnaccounted is how far Little's law may be off: the time of requests is known from percentiles only, and
	// uploads wait between theirs.
	mostUnaccounted = 0.1
	// mostWrong is from when on answers are no measure of capacity: refusals are quick.
	mostWrong = 0.05
	// risingLevels is how many parts a rising load is cut into.
	risingLevels = 12
)

// following are the kinds of requests that belong to an upload's action: their user does not pause after them.
var following = []string{"upload-status", "upload-search", "delete"}

// Levels cuts a run of steps or breakpoint into its levels. Of a level that was held the ramp does not count, nor does
// what comes before it is settled: where to cut is told by the marginal standard error rule (K. P. White, "An
// effective truncation heuristic for bias reduction in simulation output", Simulation 69(6), 1997), at most half.
func Levels(run *load.Run) ([]Level, error) {
	if err := run.Fit(); err != nil {
		return nil, err
	}
	s := run.Scenario
	if s.Levels == 0 && !s.StopAtFault {
		return nil, fmt.Errorf("run %s has one load throughout, %d users, want levels: ragscale load run steps", run.Name,
			s.Users)
	}
	parts := run.Slices()
	if len(parts) == 0 {
		return nil, fmt.Errorf("run %s has no slices of its time, want a run of these scripts: ragscale load run steps",
			run.Name)
	}
	if s.StopAtFault {
		return rising(s, parts), nil
	}
	return held(run, parts)
}

// held cuts a load that was held at each of its levels.
func held(run *load.Run, parts []load.Slice) (all []Level, err error) {
	s := run.Scenario
	width, ramp := s.DurationSeconds/float64(s.Levels), s.RampUpSeconds/float64(s.Levels)
	var faults []error
	for i := range s.Levels {
		from, to := float64(i)*width+ramp, float64(i+1)*width
		within := slices.Collect(func(yield func(load.Slice) bool) {
			for _, p := range parts {
				if p.AtSeconds >= from-1e-6 && p.AtSeconds+p.Seconds <= to+1e-6 && !yield(p) {
					return
				}
			}
		})
		if len(within) == 0 {
			faults = append(faults, fmt.Errorf("run %s: level %d of %d, %.0f to %.0f s, has no slice of its own, want levels "+
				"longer than their ramp and two slices", run.Name, i+1, s.Levels, from, to))
			continue
		}
		cut := unsettled(within)
		l := levelOf(within[cut:], s.ThinkSeconds)
		l.Dropped, l.Users = cut, math.Round(float64(s.Users)*float64(i+1)/float64(s.Levels))
		l.Unaccounted = 1 - l.accounted/l.Users
		all = append(all, l.Level)
	}
	return all, errors.Join(faults...)
}

// rising cuts a load that rises throughout.
func rising(s load.Scenario, parts []load.Slice) (all []Level) {
	width := (len(parts) + risingLevels - 1) / risingLevels
	for chunk := range slices.Chunk(parts, width) {
		l := levelOf(chunk, s.ThinkSeconds).Level
		l.Rising = l.AtSeconds < s.RampUpSeconds
		share := 1.0
		if middle := l.AtSeconds + l.Seconds/2; middle < s.RampUpSeconds {
			share = middle / s.RampUpSeconds
		}
		l.Offered = share * float64(s.Users) / s.ThinkSeconds
		all = append(all, l)
	}
	return all
}

// summed is a level and how many users its figures account for.
type summed struct {
	Level
	accounted float64
}

func levelOf(parts []load.Slice, think float64) summed {
	l := summed{Level: Level{AtSeconds: parts[0].AtSeconds, Slices: len(parts)}}
	var requests, actions, took, wrong, answers float64
	var p95 []float64
	for _, p := range parts {
		l.Seconds += p.Seconds
		wrong, answers = wrong+p.Wrong, answers+p.Answers
		for kind, t := range p.Kinds {
			requests, took = requests+t.Requests, took+t.Requests*t.Mean/1000
			if !slices.Contains(following, kind) {
				actions += t.Requests
			}
		}
		if p.Response != nil && p.Response.P95 != nil {
			p95 = append(p95, *p.Response.P95/1000)
		}
	}
	if answers > 0 {
		l.Wrong = wrong / answers
	}
	if l.Seconds == 0 || requests == 0 {
		return l
	}
	l.X = requests / l.Seconds * (1 - l.Wrong)
	l.Response = took / requests
	l.N = took / l.Seconds
	l.accounted = l.N + actions/l.Seconds*think
	if m := median(p95); len(p95) > 0 {
		l.P95 = &m
	}
	return l
}

// unsettled is how many slices at the beginning of a level to drop, for the rest to be told most exactly.
func unsettled(parts []load.Slice) int {
	best, cut := math.Inf(1), 0
	for d := 0; d <= len(parts)/2; d++ {
		var mean, squares float64
		rest := parts[d:]
		for _, p := range rest {
			mean += p.Answers / p.Seconds / float64(len(rest))
		}
		for _, p := range rest {
			off := p.Answers/p.Seconds - mean
			squares += off * off
		}
		if e := squares / math.Pow(float64(len(rest)), 2); e < best-1e-12 {
			best, cut = e, d
		}
	}
	return cut
}

// Doubts say what is wrong with levels; none for those that may be relied on.
func Doubts(levels []Level) (all []string) {
	for i, l := range levels {
		if math.Abs(l.Unaccounted) > mostUnaccounted {
			all = append(all, fmt.Sprintf("level %d: %.0f users, of whom X·(R + Z) finds %.0f: Little's law is broken by "+
				"%.0f %%: generators were slow, or users had left", i+1, l.Users, l.Users*(1-l.Unaccounted),
				100*math.Abs(l.Unaccounted)))
		}
		if l.Wrong > mostWrong {
			all = append(all, fmt.Sprintf("level %d: %.0f %% of its answers were wrong or none: it is left out", i+1,
				100*l.Wrong))
		}
	}
	return all
}

// PointsOf are what laws are fitted to: levels with right answers, that Little's law holds for.
func PointsOf(levels []Level) (all []Point) {
	for _, l := range levels {
		if l.Wrong <= mostWrong && math.Abs(l.Unaccounted) <= mostUnaccounted && l.N > 0 && l.X > 0 {
			all = append(all, Point{N: l.N, X: l.X})
		}
	}
	return all
}

// Alike wants runs of one stack in one state: what differs is named.
func Alike(runs []*load.Run) error {
	var faults []error
	for _, r := range runs[1:] {
		for _, key := range []string{"stack", "region", "image", "databaseClass", "cacheNode", "configuration"} {
			if a, b := runs[0].Environment[key], r.Environment[key]; a != b {
				faults = append(faults, fmt.Errorf("runs %s and %s differ in %s, %q and %q, want runs of one stack in one state",
					runs[0].Name, r.Name, key, a, b))
			}
		}
	}
	return errors.Join(faults...)
}
