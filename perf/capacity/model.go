package capacity

import (
	"fmt"
	"math"

	"github.com/ragscale/ragscale/perf/queueing"
)

// Model is the platform as a network of stations, with demands that were measured.
type Model struct {
	Stations []queueing.Station `json:"stations"`
	Origins  map[string]string  `json:"origins"` // of each station's demand, by its name
	Think    float64            `json:"thinkSeconds"`

	most  int                   // users that it is asked about
	table map[float64][]float64 // throughput of 0, 1, … users, by their pause
}

// Names of stations that are no tier with a demand of its own.
const (
	wayStation     = "the way, and what nobody waits for"
	machineStation = "the machine's cores"
)

// newModel builds a network of stations with servers of their own, and finds what is left.
//
// The way is what the lowest level's response has beyond what the stations take at its throughput: nobody waits for
// it. Where all share the cores of one machine, its station has the demand by which the levels' throughput is met
// best, and not less than what was measured of its parts: what the load balancer, the system and the generators use
// has no series.
func newModel(
	levels []Level, own []queueing.Station, origins map[string]string, cores int, think float64,
) (*Model, error) {
	if len(levels) == 0 {
		return nil, fmt.Errorf("no level has right answers, want %d or more", trustedLevels)
	}
	m := &Model{Origins: origins, Think: think}
	for _, l := range levels {
		m.most = max(m.most, int(math.Ceil(max(l.Users, l.N)))+2)
	}
	if cores == 0 {
		m.Stations = withWay(levels, own)
		m.Origins[wayStation] = "response at the lowest level − what the other stations take of it"
		return m, nil
	}
	least, most := 0.0, 0.0
	for _, s := range own {
		least += s.Demand
	}
	for _, l := range levels {
		most = max(most, l.X)
	}
	fit := func(demand float64) []queueing.Station {
		return withWay(levels, []queueing.Station{{Name: machineStation, Demand: demand, Servers: cores}})
	}
	limit := float64(cores) / most
	demand := golden(max(least, limit/20), max(2*least, 1.5*limit), func(d float64) float64 {
		trial := &Model{Stations: fit(d), Think: think, most: m.most}
		sum := 0.0
		for _, l := range levels {
			sum += math.Pow(math.Log(trial.throughput(l)/l.X), 2)
		}
		return sum
	})
	m.Stations = fit(demand)
	m.Origins[machineStation] = fmt.Sprintf("what meets the throughput of %d levels best; %.2f ms of it are measured of "+
		"the API, the workers, the databases and the cache", len(levels), 1000*least)
	m.Origins[wayStation] = "response at the lowest level − what the cores take of it"
	return m, nil
}

// withWay adds the way.
func withWay(levels []Level, own []queueing.Station) []queueing.Station {
	lowest := levels[0]
	for _, l := range levels {
		if l.N < lowest.N {
			lowest = l
		}
	}
	way := 0.0
	if busy, err := queueing.Open(own, lowest.X); err == nil {
		way = max(0, lowest.Response-busy.Response)
	}
	return append(append([]queueing.Station{}, own...), queueing.Station{Name: wayStation, Demand: way})
}

// golden finds where f is least between two values, to a thousandth of their distance.
func golden(low, high float64, f func(float64) float64) float64 {
	share := (math.Sqrt(5) - 1) / 2
	a, b := high-share*(high-low), low+share*(high-low)
	fa, fb := f(a), f(b)
	for range 16 {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - share*(high-low)
			fa = f(a)
		} else {
			low, a, fa = a, b, fb
			b = low + share*(high-low)
			fb = f(b)
		}
	}
	return (low + high) / 2
}

// throughput is what the model makes of a level: of its users, or of as many requests in the system.
func (m *Model) throughput(l Level) float64 {
	if l.Users > 0 {
		return m.users(l.Users)
	}
	return m.inside(l.N)
}

// users is the throughput of users who pause.
func (m *Model) users(n float64) float64 { return between(m.closed(n, m.Think), n) }

// inside is the throughput with n requests in the system.
func (m *Model) inside(n float64) float64 { return between(m.closed(n, 0), n) }

func between(x []float64, n float64) float64 {
	i := int(math.Floor(n))
	if i+1 >= len(x) {
		return x[len(x)-1]
	}
	return x[i] + (n-float64(i))*(x[i+1]-x[i])
}

// closed is the exact throughput of 0, 1, … users, to beyond n.
func (m *Model) closed(n, think float64) []float64 {
	if known := m.table[think]; len(known) > int(n)+1 {
		return known
	}
	users := min(max(int(math.Ceil(n))+2, m.most), queueing.MostUsers)
	if m.table == nil {
		m.table = map[float64][]float64{}
	}
	m.table[think] = queueing.Throughputs(m.Stations, users, think)
	return m.table[think]
}

// bestAgreement is how far the two models may differ where both speak of the same load.
const bestAgreement = 0.15

// disagreement is the largest difference between law and model over levels, as a share, and where it is.
func (m *Model) disagreement(law Law, levels []Level) (most float64, at Level) {
	for _, l := range levels {
		by := law.Throughput(l.N)
		if l.Users > 0 {
			by = law.Users(l.Users, m.Think)
		}
		if d := math.Abs(m.throughput(l)/by - 1); d >= most {
			most, at = d, l
		}
	}
	return most, at
}
