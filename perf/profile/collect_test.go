package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ragscale/ragscale/perf/load"
)

// pod stands for one: real profiles of this process, and the metrics of ragapi.
type pod struct {
	Pod
	*httptest.Server
	gone, unprofiled atomic.Bool
	restarted        atomic.Bool
	asked            atomic.Int64
	cpu              func() []byte // instead of a profile of this process, which can only be taken once at a time
}

func startPod(t *testing.T, name, tier string) *pod {
	p := &pod{Pod: Pod{Name: name, Tier: tier}}
	registry := prometheus.NewRegistry()
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: requestsMetric}, []string{"route", "method", "status"})
	documents := prometheus.NewCounterVec(prometheus.CounterOpts{Name: documentsMetric}, []string{"result"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: buildMetric, ConstLabels: prometheus.Labels{"version": "v1.2.3", "revision": "0123456789abcdef", "goversion": "go1.26"}})
	started := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: startedMetric}, func() float64 {
		if p.restarted.Load() {
			return float64(p.asked.Load())
		}
		return 1
	})
	registry.MustRegister(requests, documents, build, started)
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		for range 40 {
			requests.WithLabelValues("/v1/search", "GET", "200").Observe(0.1)
		}
		requests.WithLabelValues("/healthz", "GET", "200").Observe(0.1)
		documents.WithLabelValues("ready").Add(5)
		documents.WithLabelValues("failed").Add(1)
		metrics.ServeHTTP(w, r)
	})
	mux.HandleFunc("/debug/pprof/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.gone.Load():
			panic(http.ErrAbortHandler)
		case p.unprofiled.Load():
			http.NotFound(w, r)
		case p.cpu != nil && strings.HasSuffix(r.URL.Path, "/profile"):
			if _, err := w.Write(p.cpu()); err != nil {
				t.Error(err)
			}
		case strings.HasSuffix(r.URL.Path, "/profile"):
			pprof.Profile(w, r)
		default:
			pprof.Index(w, r)
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// cluster is a Source of such pods.
type cluster struct {
	pods    []*pod
	none    bool
	stopped int
}

func (c *cluster) Pods(context.Context) (all []Pod, err error) {
	for _, p := range c.pods {
		all = append(all, p.Pod)
	}
	return all, nil
}

func (c *cluster) Reach(_ context.Context, of Pod) (string, func(), error) {
	i := slices.IndexFunc(c.pods, func(p *pod) bool { return p.Pod == of })
	if c.none {
		return "", nil, errors.New("port-forward refused")
	}
	return c.pods[i].Listener.Addr().String(), func() { c.stopped++ }, nil
}

var kept atomic.Pointer[[]byte]

//go:noinline
func busyFunction(until <-chan struct{}) {
	for {
		select {
		case <-until:
			return
		default:
			b := bytes.Repeat([]byte("x"), 1<<16)
			kept.Store(&b)
		}
	}
}

func busy(t *testing.T) {
	until, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); busyFunction(until) }()
	t.Cleanup(func() { close(until); <-done })
}

func plan(kinds ...Kind) Plan {
	return Plan{Name: "normal-20261130-170000", Run: "normal-20261130-170000", Stack: "local", Kinds: kinds, Windows: 2, Each: time.Second}
}

// TestRealProfilesAreTakenKeptAndRead: of two pods, in two windows, of all kinds.
func TestRealProfilesAreTakenKeptAndRead(t *testing.T) {
	busy(t)
	api, worker := startPod(t, "api-1", API), startPod(t, "worker-1", Worker)
	recorded := packed(t, synthetic(stacks{"embed;work": 10}, 1e7, 1, nil))
	worker.cpu = func() []byte { return recorded }
	source := &cluster{pods: []*pod{api, worker}}
	taken, err := Collect(t.Context(), source, plan(Kinds()...))
	if err != nil {
		t.Fatal(err)
	}
	if len(taken.Windows) != 4 || len(taken.Missing) > 0 || source.stopped != 2 {
		t.Fatalf("windows are %+v, missing %v, %d ports closed", taken.Windows, taken.Missing, source.stopped)
	}
	for _, w := range taken.Windows {
		want := map[string]float64{"/v1/search": 40}
		if w.Tier == Worker {
			want = map[string]float64{"ready": 5}
		}
		if fmt.Sprint(w.Served) != fmt.Sprint(want) || w.Build.Version != "v1.2.3" || len(w.Files) != len(Kinds()) || w.Seconds < 1 {
			t.Errorf("window is %+v, served %v", w, want)
		}
	}
	store := load.Folder(t.TempDir())
	if err := taken.Keep(t.Context(), store, "normal"); err != nil {
		t.Fatal(err)
	}
	read, err := Read(t.Context(), store, "normal", taken.Name)
	if err != nil {
		t.Fatal(err)
	}
	report, err := read.Report()
	if err != nil || len(report.Hotspots) != 2*len(Kinds()) || len(report.Missing) > 0 {
		t.Fatalf("hotspots are %d, missing %v, error %v", len(report.Hotspots), report.Missing, err)
	}
	for _, kind := range []Kind{CPU, Allocs} {
		h, _, err := read.Hotspots(API, kind)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(h.Functions, func(f Function) bool { return strings.HasSuffix(f.Name, ".busyFunction") && f.Cum > 0 }) {
			t.Errorf("%s has no busyFunction: %+v", kind, h.Functions[:min(len(h.Functions), 5)])
		}
	}
	names, err := Kept(t.Context(), store)
	if err != nil || !slices.Equal(names, []string{taken.Name}) {
		t.Errorf("kept are %v, %v", names, err)
	}
	if runs, err := load.List(t.Context(), store, "normal"); err != nil || len(runs) != 0 {
		t.Errorf("profiles are taken for results: %v, %v", runs, err)
	}
}

// TestAPodThatGoesAwayIsMissing, and the others are there.
func TestAPodThatGoesAwayIsMissing(t *testing.T) {
	one, other := startPod(t, "api-1", API), startPod(t, "api-2", API)
	other.gone.Store(true)
	taken, err := Collect(t.Context(), &cluster{pods: []*pod{one, other}}, plan(Heap))
	if err != nil {
		t.Fatal(err)
	}
	if len(taken.Windows) != 2 || len(taken.Missing) != 2 || taken.Missing[0].What != "pod api-2, window 1: heap" || !strings.Contains(taken.Missing[0].Why, "does not answer") {
		t.Errorf("windows are %+v, missing %+v", taken.Windows, taken.Missing)
	}
}

// Who interrupts is not told of each profile that is missing then.
func TestAnInterruptEndsTheNotes(t *testing.T) {
	var notes []string
	ctx, cancel := context.WithCancel(t.Context())
	p := plan(Heap)
	p.Note = func(text string) {
		notes = append(notes, text)
		cancel()
	}
	_, err := Collect(ctx, &cluster{pods: []*pod{startPod(t, "api-1", API)}}, p)
	if !errors.Is(err, context.Canceled) || len(notes) != 1 {
		t.Errorf("error is %v, notes are %q", err, notes)
	}
}

func TestAPodThatWasRestartedIsMissing(t *testing.T) {
	one, other := startPod(t, "api-1", API), startPod(t, "api-2", API)
	other.restarted.Store(true)
	source := &cluster{pods: []*pod{one, other}}
	taken, err := Collect(t.Context(), source, plan(Heap))
	if err != nil {
		t.Fatal(err)
	}
	if len(taken.Missing) != 2 || !strings.Contains(taken.Missing[0].Why, "was started anew") {
		t.Errorf("missing are %+v", taken.Missing)
	}
}

func TestWhereNothingIsTakenTheErrorSaysWhatToDo(t *testing.T) {
	unprofiled := startPod(t, "api-1", API)
	unprofiled.unprofiled.Store(true)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") }))
	t.Cleanup(foreign.Close)
	for want, source := range map[string]*cluster{
		"no pod is ready that serves profiles, want one of the API or of its worker":                                          {},
		"no profile was taken\npod api-1, window 1: it is not reached: port-forward refused":                                  {pods: []*pod{unprofiled}, none: true},
		"/debug/pprof/heap answers 404 Not Found (404 page not found), want a pod of ragapi that serves it on its admin port": {pods: []*pod{unprofiled}},
		"/metrics has no ragapi_build_info, want a pod of ragapi":                                                             {pods: []*pod{{Pod: Pod{Name: "x", Tier: API}, Server: foreign}}},
	} {
		if _, err := Collect(t.Context(), source, plan(Heap)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// TestWhatIsSentIsHeldToItsBound: too long, cut off, another kind, no profile.
func TestWhatIsSentIsHeldToItsBound(t *testing.T) {
	whole := packed(t, synthetic(stacks{"f": 1}, 1e7, 1, nil))
	bomb := packed(t, &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}, Comments: []string{strings.Repeat("x", mostBytes)}})
	for want, sent := range map[string][]byte{
		"it ends before its end: the pod went away, or the connection": whole[:len(whole)/2],
		"it is no compressed profile":                                  []byte("<html>"),
		"/debug/pprof/profile?seconds=1 has more than":                 make([]byte, mostCompressed+1),
		"unpacked it has more than":                                    bomb,
		"its samples are of [alloc_objects], want samples and cpu": packed(t, &profile.Profile{
			SampleType: []*profile.ValueType{{Type: "alloc_objects", Unit: "count"}},
		}),
		"its period is 0, want more than 0":  packed(t, synthetic(stacks{"f": 1}, 0, 1, nil)),
		"want one of which sums can be made": packed(t, synthetic(stacks{"f": 1 << 40}, 1<<20, 1, nil)),
	} {
		api := startPod(t, "api-1", API)
		api.cpu = func() []byte { return sent }
		if _, err := Collect(t.Context(), &cluster{pods: []*pod{api}}, plan(CPU)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// TestTheWindowInWhichTheLoadEndedIsLeftOut: asked before each window and after the last.
func TestTheWindowInWhichTheLoadEndedIsLeftOut(t *testing.T) {
	for steady, want := range map[int]int{1: 0, 2: 1, 3: 2} {
		p := plan(Heap)
		asked := 0
		p.Steady = func(context.Context) bool { asked++; return asked <= steady }
		taken, err := Collect(t.Context(), &cluster{pods: []*pod{startPod(t, "api-1", API)}}, p)
		if want == 0 {
			if err == nil || !strings.Contains(err.Error(), "the steady phase of the load ended before") {
				t.Errorf("error is %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(taken.Windows) != want || len(taken.raw) != want || (len(taken.Missing) == 0) != (want == 2) {
			t.Errorf("steady %d times: windows are %+v, missing %v; want %d", steady, taken.Windows, taken.Missing, want)
		}
	}
}

// FuzzRead: whatever comes, reading ends with a profile or an error.
func FuzzRead(f *testing.F) {
	var text bytes.Buffer
	if err := synthetic(stacks{"f;g": 3, "h": 2}, 1e7, 1, map[string][]string{"route": {"/x"}}).WriteUncompressed(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	for i := range text.Len() {
		changed := slices.Clone(text.Bytes())
		changed[i] ^= 0xff
		f.Add(changed)
	}
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, plain []byte) {
		p, err := read(CPU, zipped(t, plain))
		if (p == nil) == (err == nil) {
			if err == nil {
				t.Fatal("no profile and no error")
			}
			return
		}
		if err == nil {
			if _, _, err := (&Profiles{Set: Set{Windows: []Window{{Tier: API, Seconds: 1, Files: map[Kind]string{CPU: "f"}}}},
				parsed: map[string]*profile.Profile{"f": p}}).Hotspots(API, CPU); err != nil {
				t.Log(err)
			}
		}
	})
}

// TestPartsOfAProfileAreBounded: two bytes each, of which memory takes a hundred.
func TestPartsOfAProfileAreBounded(t *testing.T) {
	if _, err := read(CPU, zipped(t, bytes.Repeat([]byte{0x12, 0}, mostMessages+1))); err == nil || !strings.Contains(err.Error(), "parts, want a profile") {
		t.Errorf("error is %v", err)
	}
}

// refusing is a store that takes only so many writes.
type refusing struct {
	load.Folder
	takes int
}

func (r *refusing) Write(ctx context.Context, key string, text []byte) error {
	if r.takes--; r.takes < 0 {
		return errors.New("the store is full")
	}
	return r.Folder.Write(ctx, key, text)
}

func TestASetIsKeptWholeOrNotAtAll(t *testing.T) {
	folder := load.Folder(t.TempDir())
	p := set(t, "normal-1", 1, planted(0, 0, 1e7, 1), planted(1, 0, 1e7, 1))
	for takes := range 3 {
		if err := p.Keep(t.Context(), &refusing{folder, takes}, "normal"); err == nil {
			t.Fatal("a set is kept in a store that is full")
		}
		if keys, err := folder.Keys(t.Context(), ""); err != nil || len(keys) > 0 {
			t.Errorf("after %d writes there are %v, %v", takes, keys, err)
		}
	}
	if err := p.Keep(t.Context(), folder, "normal"); err != nil {
		t.Fatal(err)
	}
	fewer := set(t, "normal-1", 1, planted(0, 0, 1e7, 1))
	if err := fewer.Keep(t.Context(), folder, "normal"); err != nil {
		t.Fatal(err)
	}
	if keys, err := folder.Keys(t.Context(), ""); err != nil || len(keys) != 2 {
		t.Errorf("after a smaller set there are %v, %v; want its profile and its index", keys, err)
	}
}

// TestASetThatWasThereStaysWhereAnotherCannotBeKept and goes where it can.
func TestASetThatWasThereStaysWhereAnotherCannotBeKept(t *testing.T) {
	folder := load.Folder(t.TempDir())
	if err := set(t, "normal-1", 1, planted(0, 0, 1e7, 1)).Keep(t.Context(), folder, "normal"); err != nil {
		t.Fatal(err)
	}
	other := set(t, "normal-1", 7, planted(1, 0, 1e7, 1))
	file := other.Windows[0].Files[CPU]
	other.Windows[0].Files[CPU] = "later-" + file
	other.raw["later-"+file] = other.raw[file]
	delete(other.raw, file)
	if err := other.Keep(t.Context(), &refusing{folder, 1}, "normal"); err == nil {
		t.Fatal("a set is kept in a store that is full")
	}
	for _, served := range []float64{1, 7} {
		read, err := Read(t.Context(), folder, "normal", "normal-1")
		if err != nil || len(read.Missing) > 0 || read.Windows[0].Served["/v1/search"] != served {
			t.Errorf("there is %+v, %v; want the set that served %v", read, err, served)
		}
		if err := other.Keep(t.Context(), folder, "normal"); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := folder.Keys(t.Context(), ""); err != nil || len(keys) != 2 {
		t.Errorf("there are %v, %v; want one profile and its index", keys, err)
	}
}

func TestADamagedProfileIsMissing(t *testing.T) {
	folder := load.Folder(t.TempDir())
	p := set(t, "normal-1", 1, planted(0, 0, 1e7, 1), planted(1, 0, 1e7, 1))
	if err := p.Keep(t.Context(), folder, "normal"); err != nil {
		t.Fatal(err)
	}
	file := folder.Name(Prefix("normal", "normal-1") + p.Windows[0].Files[CPU])
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := Read(t.Context(), folder, "normal", "normal-1")
	if err != nil || len(read.Missing) != 1 || len(read.of(API, CPU)) != 1 {
		t.Fatalf("missing is %+v, %v", read, err)
	}
	if err := os.Remove(folder.Name(Prefix("normal", "normal-1") + p.Windows[1].Files[CPU])); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), folder, "normal", "normal-1"); err == nil || !strings.Contains(err.Error(), "none of its profiles can be read") {
		t.Errorf("error is %v", err)
	}
}

func TestAnIndexIsHeldToItsForm(t *testing.T) {
	for want, text := range map[string]string{
		"version is 9, want 1":                            `{"version":9}`,
		"windows[0].seconds is 0":                         `{"version":1,"windows":[{"files":{}}]}`,
		`windows[0].files has cpu "../../secret"`:         `{"version":1,"windows":[{"seconds":1,"files":{"cpu":"../../secret"}}]}`,
		"windows[0].served has 1e+308 of /":               `{"version":1,"windows":[{"seconds":1,"tier":"api","served":{"/":1e308}}]}`,
		"windows[0].seconds is 1e+308":                    `{"version":1,"windows":[{"seconds":1e308,"tier":"api"}]}`,
		`windows[0].tier is "\x1b[31m"`:                   `{"version":1,"windows":[{"seconds":1,"tier":"\u001b[31m"}]}`,
		`windows[1] is pod "a", number 1 again`:           `{"version":1,"windows":[{"pod":"a","number":1,"tier":"api","seconds":1},{"pod":"a","number":1,"tier":"api","seconds":1}]}`,
		"windows[0].served has -1 of /":                   `{"version":1,"windows":[{"seconds":1,"served":{"/":-1}}]}`,
		"none of its profiles can be read: it names none": `{"version":1}`,
		"unexpected end of JSON input":                    `{"version":1`,
	} {
		folder := load.Folder(t.TempDir())
		if err := folder.Write(t.Context(), "profiles/profile-1/index.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context(), folder, "", "profile-1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	folder := load.Folder(t.TempDir())
	if _, err := Read(t.Context(), folder, "normal", "normal-1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if _, err := Read(t.Context(), folder, "normal", filepath.Join("..", "x")); err == nil || !strings.Contains(err.Error(), "is no name of a run") {
		t.Errorf("error is %v", err)
	}
}
