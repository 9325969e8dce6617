package queueing

import (
	"math"
	"testing"
)

func near(got, want, share float64) bool {
	return math.Abs(got-want) <= share*math.Abs(want) || got == want
}

// TestErlangC holds the wait to rows computed from Erlang's formula by other means, service rate 1, and to textbooks'
// limits: one server waits ρ of the time, ρ/(1−ρ) long.
func TestErlangC(t *testing.T) {
	for _, c := range []struct {
		servers                        int
		busy, waits, mean, p95, digits float64
	}{
		{1, 0.9, 0.9, 9.0, 28.903718, 5e-7},
		{4, 0.8, 0.596432, 0.745541, 3.098679, 5e-6},
		{10, 0.8, 0.40918, 0.20459, 1.051066, 5e-6},
		{20, 0.9, 0.550769, 0.275385, 1.199646, 5e-6},
		{37, 0.72, 0.038614, 0.003727, 0, 5e-4},
	} {
		w := Station{Servers: c.servers, Seconds: 1, CV2: 1}.Wait(c.busy * float64(c.servers))
		if !near(w.Share, c.waits, max(c.digits, 1e-5)) || !near(w.Mean(), c.mean, max(c.digits, 2e-4)) ||
			!near(w.Quantile(0.95), c.p95, c.digits) {
			t.Errorf("%d servers at %v: %v wait, %v s on average, p95 %v; want %v, %v, %v", c.servers, c.busy, w.Share,
				w.Mean(), w.Quantile(0.95), c.waits, c.mean, c.p95)
		}
	}
}

func TestWaitAtItsEnds(t *testing.T) {
	s := Station{Servers: 3, Seconds: 0.5, CV2: 1}
	if w := s.Wait(0); w != (Wait{}) {
		t.Errorf("nobody comes: %+v", w)
	}
	if w := s.Wait(6); w.Share != 1 || !math.IsInf(w.Mean(), 1) {
		t.Errorf("as many as it holds come: %+v", w)
	}
	if half := (Station{Servers: 1, Seconds: 1}).Wait(0.9).Mean(); !near(half, 4.5, 1e-9) {
		t.Errorf("constant service waits %v s, want half of exponential service's 9", half)
	}
	if w := (Station{Servers: 1}).Wait(9); w != (Wait{}) {
		t.Errorf("a station that takes no time: %+v", w)
	}
}

// TestResponseOfOneExponentialServer: all of it is exponential with mean 1/(µ−λ), a mixture of gammas that sums up to it.
func TestResponseOfOneExponentialServer(t *testing.T) {
	for _, busy := range []float64{0.3, 0.7, 0.9} {
		s := Station{Servers: 1, Seconds: 1, CV2: 1}
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
