package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/telemetry"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// planted is a run of ten minutes. The zero value keeps its objectives.
type planted struct {
	name       string             // "" stands for normal-1
	generators int                // 0 stands for 1
	slower     float64            // than some 100 ms; 0 stands for 1
	wrong      float64            // of 20,000 requests of each generator
	uploads    int                // 0 stands for 200, -1 for none
	lag        float64            // ms that generators wake users late
	took       time.Duration      // 0 stands for all of its time
	kinds      map[string]float64 // how much slower than others; nil for those of the scripts
	under      map[string]string  // environment beside the stack
	old        bool               // its results have no slices of time, and nothing of the answers' quality
	lost       float64            // relevant documents of 1,800 of each generator that were not found
}

func (p planted) run(t testing.TB) *load.Run {
	t.Helper()
	if p.name == "" {
		p.name = "normal-1"
	}
	p.generators, p.slower = max(p.generators, 1), max(p.slower, 1)
	var results []load.Result
	for i := range p.generators {
		results = append(results, p.result(i))
	}
	run, err := load.Merge(p.name, results)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func (p planted) result(index int) load.Result {
	began := noon.Add(time.Duration(index) * 700 * time.Millisecond)
	if p.took == 0 {
		p.took = 10 * time.Minute
	}
	if p.kinds == nil {
		p.kinds = map[string]float64{"search-simple": 1, "search-complex": 4, "document": 0.3, "session": 0.5, "dashboard": 0.8, "upload": 2}
	}
	r := load.Result{
		Scenario:    load.Scenario{Name: "normal", Users: 300, DurationSeconds: 600, ThinkSeconds: 1, Generators: p.generators},
		Generator:   load.Generator{Index: index, Job: p.name},
		Environment: map[string]string{"stack": "dev", "region": "eu-central-1", "k6": "2.2.0", "image": "0.1.0", "databaseClass": "db.m7g.large"},
		BeganAt:     &began, EndedAt: began.Add(p.took),
		Thresholds: []load.Threshold{
			{Metric: "http_req_duration{objective:response}", Threshold: "p(95)<2000"},
			{Metric: "http_req_duration{objective:complex-search}", Threshold: "p(95)<5000"},
			{Metric: "upload_seconds_per_mb", Threshold: "p(95)<30"},
			{Metric: "http_req_failed{scenario:normal}", Threshold: "rate<=0.001"},
			{Metric: "faults", Threshold: "rate<=0.001"},
			{Metric: "dropped_iterations", Threshold: "count==0"},
		},
		Metrics: map[string]load.Metric{
			"iterations":                                  counted("count", 20000),
			"http_req_duration{objective:response}":       trend(index, 18000, 100*p.slower, 0.6),
			"http_req_duration{objective:complex-search}": trend(index+50, 2000, 400*p.slower, 0.5),
			"faults":                           {Values: map[string]float64{"passes": p.wrong, "fails": 20000 - p.wrong}},
			"http_req_failed{scenario:normal}": {Values: map[string]float64{"passes": p.wrong, "fails": 20000 - p.wrong}},
			"user_pause_ms":                    counted("count", 20000*1000),
			"user_lag_ms":                      trend(1, 20000, max(p.lag, 0.01), 0.01),
		},
	}
	r.Metrics["user_lag_ms"].Values["avg"] = p.lag
	if p.uploads >= 0 {
		r.Metrics["upload_seconds_per_mb"] = trend(index+99, cmpOr(p.uploads, 200), 2, 0.4)
	}
	for kind, slower := range p.kinds {
		r.Metrics["http_req_duration{kind:"+kind+"}"] = trend(index+len(kind), 3000, 100*p.slower*slower, 0.6)
	}
	if !p.old {
		p.quality(&r)
		r.Slices = p.slices(index)
	}
	for key, value := range p.under {
		r.Environment[key] = value
	}
	return r
}

// quality is how good answers were.
func (p planted) quality(r *load.Result) {
	r.Version = load.Version
	for metric, threshold := range map[string]string{"recall": "rate>=0.95", "degraded": "rate<=0.001", "without_vectors": "rate<=0.001", "freshness_seconds": "p(90)<30"} {
		r.Thresholds = append(r.Thresholds, load.Threshold{Metric: metric, Threshold: threshold})
	}
	r.Metrics["recall"] = load.Metric{Values: map[string]float64{"passes": 1800 - p.lost, "fails": p.lost}}
	r.Metrics["degraded"] = load.Metric{Values: map[string]float64{"passes": 0, "fails": 2000}}
	r.Metrics["without_vectors"] = load.Metric{Values: map[string]float64{"passes": 0, "fails": 120}}
	r.Metrics["freshness_seconds"] = trend(31, 140, 7, 0.3)
}

// slices are sixty of ten seconds: in the third minute all is four times slower, and what is wrong is so in the fifth.
func (p planted) slices(index int) *load.Slices {
	s := &load.Slices{Seconds: 10, Shares: []float64{0, 0.5, 0.9, 0.95, 0.99, 1}, Took: map[string][][]float64{}}
	random := rand.New(rand.NewPCG(5, uint64(index)))
	for number := range int(p.took.Seconds()) / 10 {
		slow := p.slower * (1 + random.Float64()/5)
		if number/6 == 2 {
			slow *= 4
		}
		wrong := 0.0
		if number/6 == 4 {
			wrong = p.wrong / 6
		}
		for kind, times := range p.kinds {
			row := []float64{float64(number), 60}
			for _, v := range []float64{10, 80, 140, 190, 300, 480} {
				row = append(row, v*slow*times)
			}
			s.Took[kind] = append(s.Took[kind], row)
		}
		s.Faults = append(s.Faults, []float64{float64(number), wrong, 20000.0 / 60})
	}
	return s
}

func cmpOr(a, b int) int {
	if a == 0 {
		return b
	}
	return a
}

func counted(statistic string, n float64) load.Metric {
	return load.Metric{Values: map[string]float64{statistic: n}}
}

// trend has the statistics of log-normal samples, as the scripts ask for them.
func trend(seed, n int, middle, deviation float64) load.Metric {
	random := rand.New(rand.NewPCG(7, uint64(seed)))
	samples := make([]float64, n)
	for i := range samples {
		samples[i] = middle * math.Exp(deviation*random.NormFloat64())
	}
	slices.Sort(samples)
	values := map[string]float64{"count": float64(n), "min": samples[0], "max": samples[n-1]}
	for i := 1; i < 200; i++ {
		values[fmt.Sprintf("p(%v)", float64(i)/2)] = samples[n*i/200]
	}
	for _, p := range []float64{99.8, 99.9, 99.95, 99.99} {
		values[fmt.Sprintf("p(%v)", p)] = samples[int(float64(n)*p/100)]
	}
	return load.Metric{Values: values}
}

// told is what a stack told over ten minutes: replicas that come later than wanted, gaps, more routes than a chart has.
func told() *telemetry.Telemetry {
	series := func(name string, value func(i int) float64) telemetry.Series {
		s := telemetry.Series{Name: name}
		for i := range 21 {
			s.Values = append(s.Values, value(i))
		}
		return s
	}
	after := func(i int) func(int) float64 {
		return func(at int) float64 {
			if at < i {
				return 2
			}
			return 4
		}
	}
	routes := telemetry.Panel{Name: "api-routes", Title: "Requests by route", Unit: "/s", Source: "Managed Prometheus"}
	for i := range 10 {
		routes.Series = append(routes.Series, series(fmt.Sprintf("/v1/r%d", i), func(at int) float64 { return 100/float64(i+1) + 3*math.Sin(float64(at)) }))
	}
	quantile := func(times float64) func(int) float64 {
		return func(i int) float64 {
			if i == 7 || i == 9 {
				return math.NaN()
			}
			return times * (80 + 30*math.Sin(float64(i)/3))
		}
	}
	return &telemetry.Telemetry{
		Version: 1, From: noon, StepSeconds: 30, Missing: []telemetry.Missing{{What: "Nodes", Why: "Managed Prometheus has no series of the run's time"}},
		Panels: []telemetry.Panel{
			{Name: "api-latency", Title: "Latency as the API's pods see it", Unit: "ms", Source: "Managed Prometheus", Series: []telemetry.Series{
				series("p50", quantile(0.3)), series("p95", quantile(1)), series("p99", quantile(2.2))}},
			routes,
			{Name: "replicas", Title: "Replicas", Source: "Managed Prometheus", Series: []telemetry.Series{series("api wanted", after(5)), series("api ready", after(9))}},
			{Name: "cache", Title: "Answered from a cache", Unit: "%", Source: "Managed Prometheus", Series: []telemetry.Series{
				series("process", func(i int) float64 { return 0.5 + float64(i)/100 }), series("redis", func(int) float64 { return 0.2 })}},
			loaded(),
			{Name: "edge-hits", Title: "Answered at the edge", Unit: "%", Source: "CloudWatch", Note: "of each minute", From: noon.Add(30 * time.Second), StepSeconds: 60,
				Series: []telemetry.Series{{Name: "hits", Values: telemetry.Values{math.NaN(), 0.5, 0.75, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 0.9}}}},
		},
	}
}

// loaded is the load of a database by the minute, which was not looked at in the fifth: of nine wait events, and of others.
func loaded() telemetry.Panel {
	p := telemetry.Panel{
		Name: "database-load", Title: "Load of the database's primary by wait event", Source: "Performance Insights", Note: "of each minute",
		From: noon.Add(30 * time.Second), StepSeconds: 60, Stacked: true,
	}
	for i, name := range []string{"CPU", "IO:DataFileRead", "LWLock:WALWrite", "Lock:tuple", "Lock:transactionid", "Client:ClientRead", "IO:WALSync", "LWLock:BufferMapping", "IPC:ParallelFinish", "other"} {
		s := telemetry.Series{Name: name}
		for minute := range 10 {
			s.Values = append(s.Values, float64(10-i)/10*float64(minute%3))
		}
		s.Values[4] = math.NaN()
		p.Series = append(p.Series, s)
	}
	return p
}

// written is a report in a format.
func written(t testing.TB, r *Report, f Format) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// alone is a run without others.
var alone = Against{Why: "scenario normal: no baseline"}

// against compares a run with three earlier ones.
func against(t testing.TB, now *load.Run, slower float64) Against {
	t.Helper()
	var then []*load.Run
	for i := range 3 {
		then = append(then, planted{name: fmt.Sprintf("normal-0%d", i), slower: slower * (1 + float64(i)/100), generators: now.Scenario.Generators}.run(t))
	}
	c, err := load.Compare(then, []*load.Run{now}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Against{Comparison: c, Run: then[0]}
}
