package queueing

import (
	"math"
	"testing"
)

func near(got, want, share float64) bool {
	return math.Abs(got-want) <= share*math.Abs(want) || got == want
}

func TestWaitAtItsEnds(t *testing.T) {
	s := Queue{Servers: 3, Seconds: 0.5, CV2: 1}
	if w := s.Wait(0); w != (Wait{}) {
		t.Errorf("nobody comes: %+v", w)
	}
	if w := s.Wait(6); w.Share != 1 || !math.IsInf(w.Mean(), 1) {
		t.Errorf("as many as it holds come: %+v", w)
	}
	if half := (Queue{Servers: 1, Seconds: 1}).Wait(0.9).Mean(); !near(half, 4.5, 1e-9) {
		t.Errorf("constant service waits %v s, want half of exponential service's 9", half)
	}
	if w := (Queue{Servers: 1}).Wait(9); w != (Wait{}) {
		t.Errorf("a station that takes no time: %+v", w)
	}
}

// TestResponseOfOneExponentialServer: all of it is exponential with mean 1/(µ−λ), a mixture of gammas that sums up to it.
func TestResponseOfOneExponentialServer(t *testing.T) {
	for _, busy := range []float64{0.3, 0.7, 0.9} {
		s := Queue{Servers: 1, Seconds: 1, CV2: 1}
		r := Response{Wait: s.Wait(busy), Rest: s.Service()}
		for _, share := range []float64{0.5, 0.95, 0.99} {
			if got, want := r.Quantile(share), -math.Log(1-share)/(1-busy); !near(got, want, 0.045) {
				t.Errorf("%v busy: %v %% within %v s, want %v", busy, 100*share, got, want)
			}
		}
	}
}

func TestDelayShiftsAndSometimesMixes(t *testing.T) {
	r := Response{Delay: 2, Rest: Time{Mean: 0.1}}
	if r.Within(2.05) != 0 || r.Within(2.11) != 1 {
		t.Errorf("%v and %v within 2.05 and 2.11 s, want 0 and 1", r.Within(2.05), r.Within(2.11))
	}
	if got := (Time{Mean: 4}).Sometimes(0.25); !near(got.Mean, 1, 1e-12) || !near(got.Variance, 3, 1e-12) {
		t.Errorf("%+v, want a mean of 1 and a variance of 3", got)
	}
}
