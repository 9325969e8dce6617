package diagnose

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
)

// Part is what a request spends somewhere, on average over all requests.
type Part struct {
	Name   string  `json:"name"`
	Millis float64 `json:"millis"` // 0 where it was not measured
	Share  float64 `json:"share"`  // of the client's time
	From   string  `json:"from"`   // the series that it is made of
	// Lacking says why it was not measured: its time is in the part without explanation then.
	Lacking string `json:"notMeasured,omitempty"`
}

// Kind is what requests of a kind spend, as far as telemetry tells kinds apart, ms. Null is not measured.
type Kind struct {
	Kind     string   `json:"kind"`
	Requests float64  `json:"requests"`
	Client   float64  `json:"client"`  // mean, as the generators see it
	API      *float64 `json:"api"`     // of it, at the API
	Outside  *float64 `json:"outside"` // of it, between the generator and the API
	Lacking  string   `json:"notMeasured,omitempty"`
}

// Split is where the time of a request goes. Its parts and what is not explained add up to the client's mean time.
type Split struct {
	Client Fact   `json:"client"`
	API    Fact   `json:"api"`
	Parts  []Part `json:"parts"`
	// Unexplained is what is left, ms: above 0 time at the API that no part has, below 0 parts that ran at once.
	Unexplained      float64 `json:"unexplainedMillis"`
	UnexplainedShare float64 `json:"unexplainedShare"`
	Kinds            []Kind  `json:"kinds"`
}

// Names of parts.
const (
	partOutside = "between client and API"
	partCPU     = "API at work"
	partGC      = "API, garbage collection"
	partPool    = "waiting for a connection of the pod's pool"
	partBouncer = "waiting in PgBouncer"
	partPath    = "between PgBouncer and the database"
	partServer  = "database, its sessions not told apart"
	partCache   = "cache"
	partRelay   = "waiting for an answer that another request reads"
	partVectors = "vector store"
	// partDatabase begins those of the database, by wait event.
	partDatabase = "database: "
)

// split makes the budget of facts.
func (f *Facts) split(run *load.Run, r reading) Split {
	s := Split{Client: f.Client, API: f.Busy.per(f.Rate, seconds), Kinds: kinds(run, r)}
	s.addOutside()
	perRequest := func(fact Fact) Fact { return fact.per(f.Rate, seconds) }
	work, gc := f.CPU, f.GC
	if work.known && gc.known {
		work.Value = math.Max(0, work.Value-gc.Value)
	}
	s.add(partCPU, perRequest(work))
	s.add(partGC, perRequest(gc))
	s.add(partPool, perRequest(f.PoolWait))
	s.add(partBouncer, perRequest(f.BouncerWait))
	s.addDatabase(f)
	s.add(partCache, perRequest(f.Cache))
	s.add(partRelay, perRequest(f.Relay))
	s.add(partVectors, perRequest(f.Vectors))
	s.settle()
	return s
}

// addOutside adds what is not at the API. The generators' mean is of all the load and of answers alone, the API's of
// its steady part: where the one is less, nothing is known to be outside.
func (s *Split) addOutside() {
	outside := s.Client.less(s.API)
	if outside.known {
		outside.Value = math.Max(0, outside.Value)
	}
	s.add(partOutside, outside)
}

// addDatabase splits the time of transactions by what the databases' sessions did meanwhile. What PgBouncer counts
// and no session was at is the way there, or a transaction that idles.
func (s *Split) addDatabase(f *Facts) {
	held := f.held()
	inside := f.inside()
	if !held.known || !inside.known {
		s.add(partServer, held.per(f.Rate, seconds))
		return
	}
	scale := 1.0
	if inside.Value > held.Value && inside.Value > 0 {
		scale = held.Value / inside.Value // sessions of others: the worker's, upkeep
	}
	for _, name := range f.events() {
		wait := f.event(name)
		wait.Value *= scale
		s.add(partDatabase+name, wait.per(f.Rate, seconds))
	}
	path := held
	path.Value = math.Max(0, held.Value-inside.Value)
	path.Series = held.Series + " less " + inside.Series
	s.add(partPath, path.per(f.Rate, seconds))
}

// held is how many connections are in a transaction: PgBouncer's, else what the pods hold less what waits in PgBouncer.
func (f *Facts) held() Fact {
	if f.BouncerUse.known {
		return f.BouncerUse
	}
	if !f.PoolUse.known {
		return f.BouncerUse
	}
	use := f.PoolUse
	use.Value = math.Max(0, use.Value-f.BouncerWait.or(0))
	return use
}

// inside is how many sessions are active in all databases that told.
func (f *Facts) inside() (sum Fact) {
	sum = lacking("database-load", "the run kept no panel database-load")
	for _, d := range f.Databases {
		sum = sum.plus(d.Load)
	}
	return sum
}

// events are the wait events of all databases, the largest first.
func (f *Facts) events() []string {
	all := map[string]float64{}
	for _, d := range f.Databases {
		for name, wait := range d.Waits {
			all[name] += wait.Value
		}
	}
	names := []string{}
	for name, sessions := range all {
		if sessions > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b], all[a]), strings.Compare(a, b))
	})
	return names
}

// event is how many sessions of all databases wait for something.
func (f *Facts) event(name string) (sum Fact) {
	for _, d := range f.Databases {
		if wait, is := d.Waits[name]; is {
			sum = sum.plus(wait)
		}
	}
	return sum
}

func (s *Split) add(name string, f Fact) {
	p := Part{Name: name, From: f.Series, Lacking: f.Lacking}
	if f.known {
		p.Millis = 1000 * f.Value
	}
	s.Parts = append(s.Parts, p)
}

// settle reckons what is left, and the shares.
func (s *Split) settle() {
	total := s.total()
	s.Unexplained = total
	for _, p := range s.Parts {
		s.Unexplained -= p.Millis
	}
	if total <= 0 {
		return
	}
	s.UnexplainedShare = s.Unexplained / total
	for i := range s.Parts {
		s.Parts[i].Share = s.Parts[i].Millis / total
	}
}

// millis is a part's time, 0 where there is none.
func (s Split) millis(name string) float64 {
	for _, p := range s.Parts {
		if p.Name == name {
			return p.Millis
		}
	}
	return 0
}

// Total is the time that the parts add up to, ms: the client's mean, no less than that at the API.
func (s Split) Total() float64 { return s.total() }

// total is the client's mean time, and no less than that at the API, ms.
func (s Split) total() float64 { return 1000 * math.Max(s.Client.or(0), s.API.or(0)) }

// database is the time of transactions that have a connection, ms.
func (s Split) database() (sum float64) {
	for _, p := range s.Parts {
		if strings.HasPrefix(p.Name, partDatabase) || p.Name == partServer || p.Name == partPath {
			sum += p.Millis
		}
	}
	return sum
}

// routes are the routes of the kinds of requests that have one of their own.
// Source: components/loadtest/k6/user.js.
var routes = map[string]string{
	"document": "GET /v1/documents/{id}", "dashboard": "GET /v1/dashboard", "upload": "POST /v1/documents",
	"delete": "DELETE /v1/documents/{id}", "upload-status": "GET /v1/documents/{id}",
}

// modes are those of the kinds that search, whose route is one: the search itself is told apart by its mode.
var modes = map[string]string{"search-simple": "simple", "search-complex": "complex", "upload-search": "simple"}

// kinds tells what each kind of request spent, as far as routes and modes tell kinds apart.
func kinds(run *load.Run, r reading) []Kind {
	all := []Kind{}
	for _, m := range run.Means() {
		k := Kind{Kind: m.Kind, Requests: m.Requests, Client: m.Millis}
		at := r.atAPI(m.Kind)
		if k.Lacking = at.Lacking; at.known {
			outside := m.Millis - at.Value
			k.API, k.Outside = &at.Value, &outside
		}
		all = append(all, k)
	}
	return all
}

// atAPI is the mean time of a kind of requests at the API, ms.
func (r reading) atAPI(kind string) Fact {
	if route, one := routes[kind]; one {
		return r.mean("route-time", route, "ms")
	}
	if mode, searches := modes[kind]; searches {
		f := r.mean("busy", "search "+mode, atOnce).per(r.mean("rates", "search "+mode, perSecond), "ms")
		f.Value *= 1000
		return f
	}
	return lacking("route-time", "its requests go to several routes")
}
