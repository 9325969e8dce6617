package trial_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
)

// arm is a server: what it answers to its nth request, and how long it says that took.
type arm func(n int) (status int, took float64)

// servers is a stage of two of them. What a request took is what the answer says: no clock is asked.
type servers struct {
	t       *testing.T
	arms    map[trial.Side]arm
	random  *rand.Rand
	urls    map[trial.Side]string
	close   []func()
	now     time.Time
	broken  func(block int) error // of the generator
	raise   error
	blocks  []trial.Side
	cleared int
}

const took = "X-Took"

func (s *servers) Raise(context.Context, map[trial.Side]trial.Arm) error {
	s.urls = map[trial.Side]string{}
	for side, answer := range s.arms {
		n := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			status, millis := answer(n)
			n++
			w.Header().Set(took, strconv.FormatFloat(millis, 'g', -1, 64))
			w.WriteHeader(status)
		}))
		s.urls[side], s.close = server.URL, append(s.close, server.Close)
	}
	return s.raise
}

func (s *servers) Clear(context.Context) error {
	s.cleared++
	for _, c := range s.close {
		c()
	}
	return nil
}

// requests of a block.
const requests = 60

func (s *servers) Block(ctx context.Context, side trial.Side, length, _ time.Duration) ([]load.Figure, error) {
	s.now = s.now.Add(length)
	s.blocks = append(s.blocks, side)
	if s.broken != nil {
		if err := s.broken(len(s.blocks)); err != nil {
			return nil, err
		}
	}
	var times []float64
	for range requests {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.urls[side], nil)
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue // nobody answers
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			millis, err := strconv.ParseFloat(response.Header.Get(took), 64)
			if err != nil {
				s.t.Error(err)
			}
			times = append(times, millis*(1+0.02*s.random.NormFloat64()))
		}
	}
	return figures(times), ctx.Err()
}

// figures of right answers.
func figures(times []float64) []load.Figure {
	wrong := float64(requests - len(times))
	all := []load.Figure{{Name: "faults", Unit: "ratio", Better: load.Lower, Value: wrong / requests, Events: wrong, Samples: requests}}
	if len(times) > 0 {
		slices.Sort(times)
		all = append(all, load.Figure{Name: "response p95", Unit: "ms", Better: load.Lower, Value: times[len(times)*95/100], Samples: float64(len(times))})
	}
	return all
}

func steady(millis float64) arm { return func(int) (int, float64) { return http.StatusOK, millis } }

// stageOf has these arms on it.
func stageOf(t *testing.T, a, b arm) *servers {
	return &servers{t: t, arms: map[trial.Side]arm{trial.A: a, trial.B: b}, random: rand.New(rand.NewPCG(5, 5)), now: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
}

func (s *servers) run(ctx context.Context, looked func(*trial.Trial)) (*trial.Trial, error) {
	return trial.Run(ctx, s, trial.Options{Block: 10 * time.Second, Budget: 20 * time.Minute, Margin: 0.05, Seed: 1, Now: func() time.Time { return s.now }}, looked)
}

func unwatched(*trial.Trial) {}

// dying answers until its nth request.
func dying(n int, answer arm) arm {
	return func(i int) (int, float64) {
		if i >= n {
			return http.StatusServiceUnavailable, 0.1
		}
		return answer(i)
	}
}

func TestArmsOfKnownKinds(t *testing.T) {
	// Both get slower by a third over twenty blocks, which pairs do not see.
	drifting := func(millis float64) arm {
		return func(n int) (int, float64) { return http.StatusOK, millis * (1 + float64(n)/(20*requests)) }
	}
	failing := func(every int, millis float64) arm {
		return func(n int) (int, float64) {
			if n%every == 0 {
				return http.StatusInternalServerError, 0.1
			}
			return http.StatusOK, millis
		}
	}
	for name, c := range map[string]struct {
		a, b arm
		want compare.Outcome
		why  string
	}{
		"the same":                              {steady(50), steady(50), compare.Same, ""},
		"slower":                                {steady(50), steady(55), compare.Regressed, ""},
		"faster":                                {steady(50), steady(44), compare.Improved, ""},
		"the same, on a machine that slows":     {drifting(50), drifting(50), compare.Same, ""},
		"slower, on a machine that slows":       {drifting(50), drifting(56), compare.Regressed, ""},
		"half of the answers are quick errors":  {steady(50), failing(2, 5), compare.Regressed, ""},
		"a tenth are, and the others are quick": {steady(50), failing(10, 20), compare.Regressed, ""},
		"all answers are quick errors":          {steady(50), dying(0, nil), compare.Regressed, "B gave no right answer in 3 pairs in a row"},
		"it dies on the way":                    {steady(50), dying(4*requests, steady(50)), compare.Regressed, ""},
		"A dies on the way":                     {dying(2*requests, steady(50)), steady(50), trial.Undecided, "A gave no right answer in 3 pairs in a row"},
		"both die":                              {dying(requests, steady(50)), dying(requests, steady(50)), trial.Undecided, "neither arm gave a right answer in 3 pairs in a row"},
		// 60 requests of a block are too few to say that a fifth is a fifth within a hundredth.
		"errors of both alike": {failing(5, 50), failing(5, 50), trial.Undecided, "its budget of 20m0s is spent"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stageOf(t, c.a, c.b)
			got, err := s.run(t.Context(), unwatched)
			if err != nil || got.Outcome != c.want || !strings.HasPrefix(got.Why, c.why) || s.cleared != 1 {
				t.Errorf("%s after %d pairs, because %q, cleared %d times, error %v; want %s, %q\n%+v", got.Outcome, len(got.Pairs), got.Why, s.cleared, err, c.want, c.why, got.Answers)
			}
			for _, a := range got.Answers {
				if c.want == compare.Regressed && a.Outcome == compare.Improved {
					t.Errorf("%s is said to be better: %+v", a.Figure, a)
				}
			}
		})
	}
}

// While errors are not ruled out, nothing is better.
func TestQuickErrorsAreNeverFaster(t *testing.T) {
	s := stageOf(t, steady(50), func(n int) (int, float64) {
		if n%25 == 0 {
			return http.StatusInternalServerError, 0.1
		}
		return http.StatusOK, 5
	})
	got, err := s.run(t.Context(), func(so *trial.Trial) {
		for _, a := range so.Answers {
			if a.Outcome == compare.Improved {
				t.Errorf("after %d pairs %s is better", len(so.Pairs), a.Figure)
			}
		}
	})
	if err != nil || got.Outcome == compare.Improved || got.Outcome == compare.Same {
		t.Errorf("%s, %v", got.Outcome, err)
	}
}

func TestOrderIsRandomAndTheSeeds(t *testing.T) {
	orders := map[uint64]string{}
	for range 2 {
		for seed := range uint64(6) {
			s := stageOf(t, steady(50), func(n int) (int, float64) { return http.StatusOK, 50 + float64(n%7) })
			got, err := trial.Run(t.Context(), s, trial.Options{Block: time.Second, Budget: 20 * time.Second, Margin: 0.0001, Seed: seed, Now: func() time.Time { return s.now }}, unwatched)
			if err != nil {
				t.Fatal(err)
			}
			var order strings.Builder
			for i, p := range got.Pairs {
				fmt.Fprint(&order, p.First)
				if s.blocks[2+2*i] != p.First || s.blocks[3+2*i] == p.First { // after the blocks that warm up
					t.Fatalf("pair %d: %s first, blocks %v", i, p.First, s.blocks)
				}
			}
			if known, again := orders[seed]; again && known != order.String() {
				t.Errorf("seed %d: %s, then %s", seed, known, order.String())
			}
			orders[seed] = order.String()
		}
	}
	if different := slices.Compact(slices.Sorted(maps.Values(orders))); len(different) < 5 {
		t.Errorf("orders of six seeds: %v", different)
	}
}

func TestATrialEndsWithItsBudgetAndSaysHowMuchMoreWouldTell(t *testing.T) {
	s := stageOf(t, steady(50), func(n int) (int, float64) { return http.StatusOK, 51 + float64(n/requests%3) })
	got, err := trial.Run(t.Context(), s, trial.Options{Block: 10 * time.Second, Budget: 100 * time.Second, Margin: 0.05, Seed: 1, Now: func() time.Time { return s.now }}, unwatched)
	if err != nil || got.Outcome != trial.Undecided || got.Why != "its budget of 1m40s is spent" || len(got.Pairs) != 5 {
		t.Fatalf("%s after %d pairs, because %q, %v", got.Outcome, len(got.Pairs), got.Why, err)
	}
	for _, a := range got.Answers {
		if a.Outcome == trial.Undecided && (a.MoreBlocks < 2 || a.MoreBlocks%2 != 0) {
			t.Errorf("%s: %d more blocks", a.Figure, a.MoreBlocks)
		}
	}
}

func TestAnInterruptKeepsWhatThereIs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := stageOf(t, steady(50), steady(50))
	got, err := s.run(ctx, func(so *trial.Trial) {
		if len(so.Pairs) == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(got.Pairs) != 2 || got.Why != "it was interrupted" || got.Outcome != trial.Undecided || s.cleared != 1 {
		t.Errorf("%+v, cleared %d times, %v", got, s.cleared, err)
	}
}

func TestAnInterruptInABlockDropsItsPair(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := stageOf(t, steady(50), steady(50))
	s.broken = func(block int) error {
		if block == 6 {
			cancel()
		}
		return nil
	}
	got, err := s.run(ctx, unwatched)
	if !errors.Is(err, context.Canceled) || len(got.Pairs) != 1 || len(got.Dropped) != 0 || s.cleared != 1 {
		t.Errorf("%d pairs, dropped %v, cleared %d times, %v", len(got.Pairs), got.Dropped, s.cleared, err)
	}
}

func TestAFaultOfTheGeneratorDropsItsPairAlone(t *testing.T) {
	s := stageOf(t, steady(50), steady(50))
	s.broken = func(block int) error {
		if block == 6 {
			return errors.New("no room")
		}
		return nil
	}
	got, err := s.run(t.Context(), unwatched)
	if err != nil || got.Outcome != compare.Same || len(got.Dropped) != 1 || !strings.HasSuffix(got.Dropped[0], "no room") {
		t.Errorf("%s, dropped %v, %v", got.Outcome, got.Dropped, err)
	}
	s = stageOf(t, steady(50), steady(50))
	s.broken = func(block int) error {
		if block > 6 {
			return errors.New("no room")
		}
		return nil
	}
	got, err = s.run(t.Context(), unwatched)
	if err != nil || got.Outcome != trial.Undecided || got.Why != "3 pairs in a row were not measured: no room" || len(got.Pairs) != 2 || s.cleared != 1 {
		t.Errorf("%s, %q, %d pairs, cleared %d times, %v", got.Outcome, got.Why, len(got.Pairs), s.cleared, err)
	}
}

func TestArmsThatDoNotStandAreRemoved(t *testing.T) {
	s := stageOf(t, steady(50), steady(50))
	s.raise = errors.New("B: pod is not ready")
	got, err := s.run(t.Context(), unwatched)
	if got != nil || err == nil || err.Error() != "arms: B: pod is not ready" || s.cleared != 1 || len(s.blocks) != 0 {
		t.Errorf("%+v, %v, cleared %d times", got, err, s.cleared)
	}
}
