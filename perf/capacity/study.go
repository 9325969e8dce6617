package capacity

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/queueing"
	"github.com/ragscale/ragscale/perf/telemetry"
)

// Study is what runs of steps or breakpoint tell of a stack.
type Study struct {
	Runs    []string `json:"runs"`
	Levels  []Level  `json:"levels"`
	Law     *Fit     `json:"law"`
	Model   *Model   `json:"model"`
	Demands []Demand `json:"demands"`
	// Disagreement of the law and the model where both speak of the same load, as a share; at most 0.15 of a study.
	Disagreement float64  `json:"disagreement"`
	HeldOut      HeldOut  `json:"heldOut"`
	Notes        []string `json:"notes"` // what is doubtful or missing
}

// Source is a run with what its stack told meanwhile; nil for nothing.
type Source struct {
	Run  *load.Run
	Told *telemetry.Telemetry
}

// NewStudy makes one of runs of one stack. Its error names the run that is missing: where there are too few levels,
// where they do not reach far enough, where law and model disagree by more than 15 %.
func NewStudy(sources []Source, h Hardware, servers map[Tier]int) (*Study, error) {
	s := &Study{Notes: []string{}}
	var runs []*load.Run
	for _, one := range sources {
		runs = append(runs, one.Run)
		s.Runs = append(s.Runs, one.Run.Name)
	}
	if len(runs) == 0 {
		return nil, errors.New("no run of steps or breakpoint, want one: ragscale load run steps")
	}
	if err := Alike(runs); err != nil {
		return nil, err
	}
	think := math.Inf(1)
	for _, one := range sources {
		levels, err := Levels(one.Run)
		if err != nil {
			return nil, err
		}
		s.Levels = append(s.Levels, levels...)
		think = min(think, one.Run.Scenario.ThinkSeconds)
	}
	if err := pauses(runs); err != nil {
		return nil, err
	}
	s.Notes = append(s.Notes, Doubts(s.Levels)...)
	if err := s.fitLaw(); err != nil {
		return nil, err
	}
	demands, missing := Demands(sources, h)
	s.Demands, s.Notes = demands, append(s.Notes, missing...)
	return s, s.build(h, servers, think)
}

// pauses wants the same of all runs with users: the model has one.
func pauses(runs []*load.Run) error {
	for _, r := range runs[1:] {
		if a, b := runs[0].Scenario, r.Scenario; a.Levels > 0 && b.Levels > 0 && a.ThinkSeconds != b.ThinkSeconds {
			return fmt.Errorf("users of run %s pause %v s, those of %s %v s, want runs of one scenario", runs[0].Name,
				a.ThinkSeconds, r.Name, b.ThinkSeconds)
		}
	}
	return nil
}

func (s *Study) fitLaw() error {
	fit, err := FitLaw(PointsOf(s.Levels))
	if err != nil {
		return fmt.Errorf("runs %s: %w; run ragscale load run steps", strings.Join(s.Runs, ", "), err)
	}
	if doubts := fit.Doubts(); len(doubts) > 0 {
		return fmt.Errorf("runs %s: the law cannot be trusted: %s; run ragscale load run steps with more users "+
			"(ragscale:loadTests.scenarios.steps)", strings.Join(s.Runs, ", "), strings.Join(doubts, "; "))
	}
	s.Law = fit
	for _, b := range fit.Bounds {
		s.Notes = append(s.Notes, fmt.Sprintf("the law lies on its bound %s: free, the coefficient would have no meaning", b))
	}
	return nil
}

// Demand is a tier's, false where it was not told.
func (s *Study) Demand(tier Tier) (Demand, bool) {
	i := slices.IndexFunc(s.Demands, func(d Demand) bool { return d.Tier == tier })
	if i < 0 {
		return Demand{}, false
	}
	return s.Demands[i], true
}

// build makes the model of what has servers, and holds it beside the law.
func (s *Study) build(h Hardware, servers map[Tier]int, think float64) (err error) {
	var own []queueing.Station
	origins := map[string]string{}
	for _, d := range s.Demands {
		if n := servers[d.Tier]; n > 0 || h.Cores > 0 && d.Tier != Connections {
			own = append(own, queueing.Station{Name: string(d.Tier), Demand: d.Seconds, Servers: n})
			if h.Cores == 0 {
				origins[string(d.Tier)] = d.Origin
			}
		}
	}
	used := slices.DeleteFunc(slices.Clone(s.Levels), func(l Level) bool { return len(PointsOf([]Level{l})) == 0 })
	s.HeldOut = holdOut(used, think)
	if s.Model, err = newModel(used, own, origins, h.Cores, think); err != nil {
		return err
	}
	var at Level
	if s.Disagreement, at = s.Model.disagreement(s.Law.Law, used); s.Disagreement > bestAgreement {
		return fmt.Errorf("at %.1f requests/s the law and the model of the platform differ by %.0f %%, want at most %.0f: "+
			"what the bottleneck takes of a request is not among the demands (%s), or the runs are too short to tell; run "+
			"ragscale load run steps with its telemetry, on a quiet stack", at.X, 100*s.Disagreement, 100*bestAgreement,
			s.demandText())
	}
	return nil
}

// most is the greatest throughput that was measured.
func (s *Study) most() (x float64) {
	for _, l := range s.Levels {
		x = max(x, l.X)
	}
	return x
}

func (s *Study) demandText() string {
	if len(s.Demands) == 0 {
		return "none is known"
	}
	var all []string
	for _, d := range s.Demands {
		all = append(all, fmt.Sprintf("%s %.2f ms", d.Tier, 1000*d.Seconds))
	}
	return strings.Join(all, ", ")
}

// P95 is the 95th percentile of simple requests with n in the system, s: the law's mean response times what the levels
// have of p95 to mean, linear between them. NaN where no level has one.
func (s *Study) P95(n float64) float64 {
	return n / s.Law.Throughput(n) * s.spread(n)
}

// spread is p95 over mean, by requests in the system.
func (s *Study) spread(n float64) float64 {
	var known []Level
	for _, l := range s.Levels {
		if l.P95 != nil && l.Response > 0 && l.Wrong <= mostWrong {
			known = append(known, l)
		}
	}
	if len(known) == 0 {
		return math.NaN()
	}
	slices.SortFunc(known, func(a, b Level) int { return cmp.Compare(a.N, b.N) })
	ratio := func(l Level) float64 { return *l.P95 / l.Response }
	for i, l := range known {
		if n > l.N {
			continue
		}
		if i == 0 || l.N == known[i-1].N {
			return ratio(l)
		}
		before := known[i-1]
		return ratio(before) + (n-before.N)/(l.N-before.N)*(ratio(l)-ratio(before))
	}
	return ratio(known[len(known)-1])
}

// Holds is the greatest throughput whose p95 is within a limit, s, no further than the law may speak, and why no more.
func (s *Study) Holds(p95 float64) (x, n float64, why string) {
	peak, _ := s.Law.Peak()
	end, why := s.Law.Reach(), fmt.Sprintf("the law speaks no further than %v × what was measured", trustedReach)
	if peak < end {
		end, why = peak, "throughput falls beyond it"
	}
	if math.IsNaN(s.P95(end)) {
		return s.Law.Throughput(end), end, why + "; no level has requests enough for a p95"
	}
	if s.P95(end) <= p95 {
		return s.Law.Throughput(end), end, why
	}
	low, high := 0.0, end
	for range 100 {
		if n = low + (high-low)/2; s.P95(n) <= p95 {
			low = n
		} else {
			high = n
		}
	}
	return s.Law.Throughput(low), low, fmt.Sprintf("p95 reaches its objective, %v s", p95)
}
