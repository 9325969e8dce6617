package executor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

func stage(length time.Duration, target int) options.Stage {
	return options.Stage{Duration: options.Duration{Duration: length}, Target: &target}
}

// atMillis are all arrivals from a number on, in ms.
func atMillis(a arrivals, first int64) []int64 {
	var all []int64
	for k := first; ; k++ {
		at, ok := a.at(k)
		if !ok {
			return all
		}
		all = append(all, at.Round(time.Millisecond).Milliseconds())
	}
}

func TestArrivalsAtAConstantRateAreEvenlySpread(t *testing.T) {
	got := atMillis(arrivalsOf(5, []options.Stage{stage(2*time.Second, 5)}, time.Second), 0)
	want := []int64{0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800}
	if diff := cmp.Diff(want, got[:10]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The times are those at which k6 v2.2.0 began iterations, to some milliseconds.
func TestArrivalsOfARampFollowItsIntegral(t *testing.T) {
	got := atMillis(arrivalsOf(0, []options.Stage{stage(2*time.Second, 10), stage(time.Second, 0)}, time.Second), 1)
	want := []int64{632, 894, 1095, 1265, 1414, 1549, 1673, 1789, 1897, 2000, 2106, 2225, 2368, 2553}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUsersOfARampComeAndGoOneByOne(t *testing.T) {
	got := stepsOf(0, []options.Stage{stage(2*time.Second, 4), stage(time.Second, 0), stage(0, 2)}, options.Whole())
	ms := time.Millisecond
	want := []step{
		{0, 0}, {500 * ms, 1}, {1000 * ms, 2}, {1500 * ms, 3}, {2000 * ms, 4}, {2250 * ms, 3}, {2500 * ms, 2}, {2750 * ms, 1},
		{3000 * ms, 0}, {3000 * ms, 1}, {3000 * ms, 2},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(step{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUsersOfARampAreDividedAmongSegments(t *testing.T) {
	stages := []options.Stage{stage(time.Second, 7), stage(time.Second, 2)}
	var parts [][]step
	for _, segment := range []string{"0:1/4", "1/4:2/4", "2/4:3/4", "3/4:1"} {
		s, err := options.ParseSegment(segment, "0,1/4,2/4,3/4,1")
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, stepsOf(0, stages, s))
	}
	at := func(steps []step, when time.Duration) (users int64) {
		for _, s := range steps {
			if s.at <= when {
				users = s.users
			}
		}
		return users
	}
	whole := stepsOf(0, stages, options.Whole())
	for _, s := range whole {
		sum := int64(0)
		for _, part := range parts {
			sum += at(part, s.at)
		}
		if sum != s.users {
			t.Errorf("after %s the segments have %d users, want %d", s.at, sum, s.users)
		}
	}
}
