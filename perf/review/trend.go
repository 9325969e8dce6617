package review

import (
	"cmp"
	"slices"
	"time"

	"github.com/ragscale/ragscale/perf/changepoint"
	"github.com/ragscale/ragscale/perf/load"
)

// Trend is how a figure went over the runs that have it.
type Trend struct {
	Figure string    `json:"figure"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"` // the oldest first
	// Then and Now are the medians of the three oldest and the three newest; all of them where there are fewer than six.
	Then float64 `json:"then"`
	Now  float64 `json:"now"`
}

// Change is where a figure changed for more than one run.
type Change struct {
	Figure  string        `json:"figure"`
	Unit    string        `json:"unit"`
	Run     string        `json:"run"` // the first after it
	After   string        `json:"after"`
	At      time.Time     `json:"at"`     // when that run began
	Before  float64       `json:"before"` // mean since the change before
	Then    float64       `json:"then"`   // mean until the next one
	P       float64       `json:"p"`
	Better  bool          `json:"better"`
	Differs []load.Change `json:"differs"` // between both runs' fingerprints
}

// How sure and how large a change has to be. Of a series of 10 to 100 runs of nothing but noise some 1 to 4 % are said
// to change (perf/changepoint's tests): a change is a place to look at.
var changeOptions = changepoint.Options{Window: 50, MaxP: 0.001, LeastRel: 0.02}

// ends is how many runs stand for the beginning, and for the end.
const ends = 3

// trends follows each figure over runs.
func trends(runs []*load.Run) ([]Trend, []Change) {
	trends, changes := []Trend{}, []Change{}
	for _, figure := range figuresOf(runs) {
		var with []*load.Run
		t := Trend{Figure: figure.Name, Unit: figure.Unit}
		for _, run := range runs {
			if f, measured := figureOf(run, figure.Name); measured {
				with, t.Values = append(with, run), append(t.Values, f.Value)
			}
		}
		if len(with) == 0 {
			continue
		}
		n := len(t.Values)
		if t.Then, t.Now = median(t.Values), median(t.Values); n >= 2*ends {
			t.Then, t.Now = median(t.Values[:ends]), median(t.Values[n-ends:])
		}
		trends = append(trends, t)
		for _, p := range changepoint.Find(t.Values, changeOptions) {
			before, first := with[p.Index-1], with[p.Index]
			changes = append(changes, Change{
				Figure: figure.Name, Unit: figure.Unit, Run: first.Name, After: before.Name, At: first.BeganAt,
				Before: p.Before, Then: p.Then, P: p.P, Better: p.Then > p.Before == (figure.Better == load.Higher),
				Differs: load.Changes([]*load.Run{before}, []*load.Run{first}),
			})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Run, b.Run)) })
	return trends, changes
}

// figuresOf are those that any run has, in the order in which runs have them.
func figuresOf(runs []*load.Run) (all []load.Figure) {
	for _, run := range runs {
		for _, f := range run.Figures {
			if !slices.ContainsFunc(all, func(known load.Figure) bool { return known.Name == f.Name }) {
				all = append(all, f)
			}
		}
	}
	return all
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
