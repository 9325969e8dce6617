package queueing

import (
	"errors"
	"fmt"
	"math"
)

// Station is a resource of a network that requests pass.
type Station struct {
	Name    string  `json:"name"`
	Demand  float64 `json:"demandSeconds"` // of it that one request takes, s
	Servers int     `json:"servers"`       // that work at once, from one queue; 0 where nobody waits: only time passes
}

// Solution is what a network does with a load.
type Solution struct {
	Throughput float64 `json:"throughput"` // per second
	Response   float64 `json:"response"`   // mean, s, without the users' pause
	// Stations have the network's order.
	Stations []StationLoad `json:"stations"`
}

// StationLoad is a station's part in it.
type StationLoad struct {
	Name        string  `json:"name"`
	Utilisation float64 `json:"utilisation"` // of its servers; of one without a queue what is in it on average
	Residence   float64 `json:"residence"`   // of a request, its wait included, s
	Inside      float64 `json:"inside"`      // requests in it on average
}

// MostUsers bounds what Closed takes: its time grows with the square.
const MostUsers = 20_000

func checkStations(stations []Station) error {
	var faults []error
	sum := 0.0
	for i, s := range stations {
		if !(s.Demand >= 0) || math.IsInf(s.Demand, 0) || s.Servers < 0 {
			faults = append(faults, fmt.Errorf("stations[%d] %s has demand %v s and %d servers, want 0 or more of both", i,
				s.Name, s.Demand, s.Servers))
		}
		sum += s.Demand
	}
	if sum <= 0 {
		faults = append(faults, errors.New("stations have no demand, want one that has"))
	}
	return errors.Join(faults...)
}

// Closed solves a network exactly that users circle in, who pause thinkSeconds between two requests. The stations share
// one class of requests and serve them as they come, at random times, or all alike.
//
// It gives the mean values of exact mean value analysis by Buzen's convolution, since the analysis' own recursion loses
// all digits where stations have many servers. Sources: J. P. Buzen, "Computational algorithms for closed queueing
// networks with exponential servers", CACM 16(9), 1973; M. Reiser, S. S. Lavenberg, JACM 27(2), 1980.
func Closed(stations []Station, users int, thinkSeconds float64) (*Solution, error) {
	if users < 1 || users > MostUsers || !(thinkSeconds >= 0) {
		return nil, fmt.Errorf("%d users who pause %v s, want 1 to %d and 0 s or more", users, thinkSeconds, MostUsers)
	}
	if err := checkStations(stations); err != nil {
		return nil, err
	}
	all := append([]Station{{Name: "pause", Demand: thinkSeconds}}, stations...)
	unit := 0.0 // demands are counted in it, so that factors stay near 1
	for _, s := range all {
		unit = max(unit, s.Demand/float64(max(1, s.Servers)))
	}
	factors := make([]series, len(all))
	for i, s := range all {
		factors[i] = s.factors(users, unit)
	}
	return solve(all, factors, users, unit), nil
}

// series are numbers by how many are inside, as logarithms: they leave the range of a float64.
type series []float64

// factors are those of the product form: demand^n / ∏ of how many work at once.
func (s Station) factors(users int, unit float64) series {
	f := make(series, users+1)
	step := math.Log(s.Demand / unit)
	for n := 1; n <= users; n++ {
		working := n
		if s.Servers > 0 {
			working = min(n, s.Servers)
		}
		f[n] = f[n-1] + step - math.Log(float64(working))
	}
	return f
}

// with is the convolution of two series.
func (a series) with(b series) series {
	all := make(series, len(a))
	terms := make([]float64, len(a))
	for n := range all {
		most := math.Inf(-1)
		for i := 0; i <= n; i++ {
			terms[i] = a[i] + b[n-i]
			most = max(most, terms[i])
		}
		sum := 0.0
		for i := 0; i <= n; i++ {
			sum += math.Exp(terms[i] - most)
		}
		all[n] = most + math.Log(sum)
	}
	return all
}

// nothing is the series of no station.
func nothing(users int) series {
	s := make(series, users+1)
	for n := 1; n <= users; n++ {
		s[n] = math.Inf(-1)
	}
	return s
}

// Throughputs are those of a closed network with 0 to so many users, per second: one pass of what Closed does for one
// number of them. Stations are taken as checked.
func Throughputs(stations []Station, users int, think float64) []float64 {
	all := append([]Station{{Name: "pause", Demand: think}}, stations...)
	unit := 0.0
	for _, s := range all {
		unit = max(unit, s.Demand/float64(max(1, s.Servers)))
	}
	whole := nothing(users)
	for _, s := range all {
		if s.Demand > 0 {
			whole = whole.with(s.factors(users, unit))
		}
	}
	x := make([]float64, users+1)
	for n := 1; n <= users; n++ {
		x[n] = math.Exp(whole[n-1]-whole[n]) / unit
	}
	return x
}

// solve reads the mean values off. Station 0 is the pause.
func solve(all []Station, factors []series, users int, unit float64) *Solution {
	before := []series{nothing(users)} // of the stations before each
	for _, f := range factors {
		before = append(before, before[len(before)-1].with(f))
	}
	whole := before[len(factors)]
	x := math.Exp(whole[users-1]-whole[users]) / unit
	s := &Solution{Throughput: x, Response: float64(users)/x - all[0].Demand, Stations: make([]StationLoad, len(all)-1)}
	after := nothing(users) // of the stations after each
	for k := len(all) - 1; k > 0; k-- {
		others := before[k].with(after)
		inside := 0.0
		for n := 1; n <= users; n++ {
			inside += float64(n) * math.Exp(factors[k][n]+others[users-n]-whole[users])
		}
		s.Stations[k-1] = StationLoad{Name: all[k].Name, Utilisation: x * all[k].Demand / float64(max(1, all[k].Servers)),
			Residence: inside / x, Inside: inside}
		after = after.with(factors[k])
	}
	return s
}

// Open solves a network exactly that requests pass at a rate of their own, each station as M/M/c (Jackson's theorem,
// Operations Research 5(4), 1957). It is an error where a station has more to do than it can: the error names all.
func Open(stations []Station, rate float64) (*Solution, error) {
	if err := checkStations(stations); err != nil {
		return nil, err
	}
	var faults []error
	s := &Solution{Throughput: rate}
	for _, one := range stations {
		load := StationLoad{Name: one.Name, Utilisation: rate * one.Demand, Residence: one.Demand}
		if one.Servers > 0 && one.Demand > 0 {
			q := Queue{Servers: one.Servers, Rate: rate, Service: one.Demand}
			load.Utilisation = q.Utilisation()
			load.Residence += q.MeanWait()
			if load.Utilisation >= 1 {
				faults = append(faults, fmt.Errorf("%s would be busy for %.0f %% of its time, want below 100 %%", one.Name,
					100*load.Utilisation))
			}
		}
		load.Inside = rate * load.Residence
		s.Response += load.Residence
		s.Stations = append(s.Stations, load)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// Bounds are the asymptotic bounds of a closed network.
// Source: E. D. Lazowska and others, Quantitative System Performance (1984), section 5.2.
type Bounds struct {
	Throughput float64 `json:"throughput"` // no more than 1/Dmax, per second; +Inf where nobody waits
	Users      float64 `json:"users"`      // N*: from so many on some wait, (ΣD + Z)/Dmax
	Bottleneck string  `json:"bottleneck"`
}

// BoundsOf are those of stations, with users who pause.
func BoundsOf(stations []Station, thinkSeconds float64) Bounds {
	most, sum := 0.0, thinkSeconds
	b := Bounds{Throughput: math.Inf(1), Users: math.Inf(1)}
	for _, s := range stations {
		sum += s.Demand
		if s.Servers > 0 && s.Demand/float64(s.Servers) > most {
			most, b.Bottleneck = s.Demand/float64(s.Servers), s.Name
		}
	}
	if most > 0 {
		b.Throughput, b.Users = 1/most, sum/most
	}
	return b
}
