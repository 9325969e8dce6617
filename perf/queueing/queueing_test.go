package queueing

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// The rows were computed apart from this package, to the digits given.
func TestErlangC(t *testing.T) {
	for _, c := range []struct {
		servers                int
		rho, waits, mean, tail float64
	}{
		{1, 0.9, 0.9, 9, 28.903718}, {4, 0.8, 0.596432, 0.745541, 3.098679}, {10, 0.8, 0.40918, 0.20459, 1.051066},
		{20, 0.9, 0.550769, 0.275385, 1.199646}, {37, 0.72, 0.038614, 0.003727, 0},
	} {
		q := Queue{Servers: c.servers, Rate: c.rho * float64(c.servers), Service: 1}
		for name, pair := range map[string][2]float64{
			"share that waits": {q.Waiting(), c.waits}, "mean wait": {q.MeanWait(), c.mean}, "p95": {q.WaitPercentile(0.95), c.tail},
		} {
			if math.Abs(pair[0]-pair[1]) > 5.1e-7 {
				t.Errorf("%d servers, ρ %v: %s is %.7f, want %v", c.servers, c.rho, name, pair[0], pair[1])
			}
		}
	}
	if q := (Queue{Servers: 2, Rate: 2, Service: 1}); q.Waiting() != 1 || !math.IsInf(q.MeanWait(), 1) || !math.IsInf(q.WaitPercentile(.5), 1) {
		t.Error("a queue that grows without end has a mean wait")
	}
}

// Source: R. Jain, The Art of Computer Systems Performance Analysis (Wiley, 1991), table 34.1.
func TestClosedNetworkOfATextbook(t *testing.T) {
	stations := []Station{{"CPU", 0.125 * 16, 1}, {"disk A", 0.3 * 10, 1}, {"disk B", 0.2 * 5, 1}}
	for _, c := range []struct {
		users                     int
		response, x, cpu, a, b, w float64
	}{
		{1, 6, 0.1, 0.2, 0.3, 0.1, 0}, {2, 7.4, 0.175, 0.421, 0.684, 0.193, 0}, {3, 9.088, 0.229, 0.651, 1.158, 0.273, 0},
		{4, 11.051, 0.266, 0.878, 1.721, 0.338, 0}, {5, 13.256, 0.290, 1.088, 2.365, 0.388, 0},
		{17, 47.045, 0.333, 1.974, 13.195, 0.499, 0}, {20, 56.016, 0.333, 1.991, 16.177, 0.5, 0},
	} {
		s, err := Closed(stations, c.users, 4)
		if err != nil {
			t.Fatal(err)
		}
		got := []float64{s.Response, s.Throughput, s.Stations[0].Inside, s.Stations[1].Inside, s.Stations[2].Inside}
		for i, want := range []float64{c.response, c.x, c.cpu, c.a, c.b} {
			if math.Abs(got[i]-want) > 5.01e-4 {
				t.Errorf("%d users, value %d: %.4f, want %v", c.users, i, got[i], want)
			}
		}
	}
}

// chain solves the Markov chain of the network: its states are how many are at each station, the last of which is the
// pause, with a rate of its own.
func chain(t *testing.T, stations []Station, users int, think float64) (x float64, inside []float64) {
	t.Helper()
	all := append(append([]Station{}, stations...), Station{"pause", think, 0})
	var states [][]int
	var each func(left int, so []int)
	each = func(left int, so []int) {
		if len(so) == len(all)-1 {
			states = append(states, append(append([]int{}, so...), left))
			return
		}
		for n := 0; n <= left; n++ {
			each(left-n, append(append([]int{}, so...), n))
		}
	}
	each(users, nil)
	number := map[[8]int]int{}
	key := func(s []int) (k [8]int) { copy(k[:], s); return k }
	for i, s := range states {
		number[key(s)] = i
	}
	rate := func(s []int, k int) float64 {
		working := s[k]
		if c := all[k].Servers; c > 0 {
			working = min(working, c)
		}
		return float64(working) / all[k].Demand
	}
	m := mat.NewDense(len(states), len(states), nil)
	b := mat.NewVecDense(len(states), nil)
	for i, s := range states {
		for k := range all {
			if s[k] == 0 {
				continue
			}
			to := append([]int{}, s...)
			to[k]--
			to[(k+1)%len(all)]++
			j := number[key(to)]
			m.Set(j, i, m.At(j, i)+rate(s, k))
			m.Set(i, i, m.At(i, i)-rate(s, k))
		}
	}
	for i := range states { // the shares of time sum to 1
		m.Set(0, i, 1)
	}
	b.SetVec(0, 1)
	var p mat.VecDense
	if err := p.SolveVec(m, b); err != nil {
		t.Fatal(err)
	}
	inside = make([]float64, len(stations))
	for i, s := range states {
		x += p.AtVec(i) * rate(s, len(all)-1)
		for k := range stations {
			inside[k] += p.AtVec(i) * float64(s[k])
		}
	}
	return x, inside
}

func TestClosedNetworkAgreesWithItsMarkovChain(t *testing.T) {
	for name, c := range map[string]struct {
		stations []Station
		users    int
		think    float64
	}{
		"one server each":    {[]Station{{"a", 0.2, 1}, {"b", 0.5, 1}}, 7, 1},
		"several servers":    {[]Station{{"a", 0.9, 3}, {"b", 0.5, 2}, {"c", 0.1, 1}}, 9, 0.7},
		"one has no queue":   {[]Station{{"a", 0.9, 3}, {"b", 0.5, 0}, {"c", 0.4, 1}}, 8, 0.3},
		"more than there is": {[]Station{{"a", 0.3, 1}, {"b", 2, 20}}, 12, 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			x, inside := chain(t, c.stations, c.users, c.think)
			s, err := Closed(c.stations, c.users, c.think)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(s.Throughput/x-1) > 1e-9 {
				t.Errorf("X is %v, the chain's %v", s.Throughput, x)
			}
			sum := c.think * s.Throughput
			for k, load := range s.Stations {
				if math.Abs(load.Inside-inside[k]) > 1e-9 {
					t.Errorf("%s has %v inside, the chain's %v", load.Name, load.Inside, inside[k])
				}
				sum += load.Inside
			}
			if math.Abs(sum-float64(c.users)) > 1e-8 {
				t.Errorf("%v users are somewhere, of %d", sum, c.users)
			}
		})
	}
}

// Two stations of which the second never has a queue and takes no time are one M/M/c; many users who pause long are an
// open stream.
func TestOpenNetworkIsWhatAClosedOneTendsTo(t *testing.T) {
	stations := []Station{{"pods", 0.05, 4}, {"database", 0.02, 2}}
	const users, rate = 1500, 60.0
	open, err := Open(stations, rate)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := Closed(stations, users, users/rate-open.Response)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(closed.Response/open.Response-1) > 0.01 || math.Abs(closed.Throughput/rate-1) > 0.001 {
		t.Errorf("closed %+v, open %+v", closed, open)
	}
	if _, err := Open(stations, 120); err == nil || err.Error() != "pods would be busy for 150 % of its time, want below 100 %\n"+
		"database would be busy for 120 % of its time, want below 100 %" {
		t.Errorf("%v", err)
	}
}

func TestManyServersAndUsersKeepTheirDigits(t *testing.T) {
	stations := []Station{{"pods", 0.4, 160}, {"database", 0.03, 32}, {"cache", 0.002, 1}}
	bounds := BoundsOf(stations, 1)
	if bounds.Bottleneck != "pods" || math.Abs(bounds.Throughput-400) > 1e-9 {
		t.Fatalf("%+v", bounds)
	}
	before := 0.0
	for _, users := range []int{1, 100, 500, 700, 1500} {
		s, err := Closed(stations, users, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s.Throughput < before || s.Throughput > bounds.Throughput*(1+1e-9) || s.Throughput > float64(users)/1.432+1e-9 {
			t.Errorf("%d users: X is %v after %v, the bounds %v and %v", users, s.Throughput, before, bounds.Throughput, float64(users)/1.432)
		}
		before = s.Throughput
	}
	if before < 399.9 {
		t.Errorf("X is %v, far from its bound", before)
	}
}

func TestFaultsOfANetworkAreNamed(t *testing.T) {
	_, err := Closed([]Station{{"a", -1, 1}, {"b", math.NaN(), -2}}, 3, 1)
	want := "stations[0] a has demand -1 s and 1 servers, want 0 or more of both\nstations[1] b has demand NaN s and -2 servers, want 0 or more of both"
	if err == nil || err.Error()[:len(want)] != want {
		t.Errorf("%v", err)
	}
	if _, err := Closed([]Station{{"a", 1, 1}}, 0, 1); err == nil {
		t.Error("0 users are taken")
	}
}
