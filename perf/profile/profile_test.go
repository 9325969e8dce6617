package profile

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// stacks are samples by what was called, the leaf first: "leaf;caller" and how many.
type stacks map[string]int64

// synthetic is a CPU profile of stacks, at a rate of so many nanoseconds, of so many seconds.
func synthetic(all stacks, period int64, seconds float64, label map[string][]string) *profile.Profile {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: period,
		DurationNanos: int64(seconds * 1e9),
		Mapping:       []*profile.Mapping{{ID: 1, BuildID: "abcdef0123456789"}},
	}
	locations := map[string]*profile.Location{}
	at := func(name string) *profile.Location {
		if locations[name] == nil {
			f := &profile.Function{ID: uint64(len(locations) + 1), Name: name, StartLine: 1}
			l := &profile.Location{ID: f.ID, Mapping: p.Mapping[0], Line: []profile.Line{{Function: f, Line: 2}}}
			p.Function, p.Location, locations[name] = append(p.Function, f), append(p.Location, l), l
		}
		return locations[name]
	}
	for stack, n := range all {
		s := &profile.Sample{Value: []int64{n, n * period}, Label: label}
		for _, name := range bytes.Split([]byte(stack), []byte(";")) {
			s.Location = append(s.Location, at(string(name)))
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func packed(t *testing.T, p *profile.Profile) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := p.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// set is one of CPU profiles, each a window of a pod that served so many requests of a route meanwhile.
func set(t *testing.T, name string, requests float64, all ...*profile.Profile) *Profiles {
	t.Helper()
	p := profilesOf(Set{Version: Version, Name: name, Stack: "local", TakenAt: time.Unix(0, 0).UTC(), Windows: []Window{}, Missing: []Missing{}})
	for i, one := range all {
		file := fmt.Sprintf("%04d-pod-%d-cpu.pb.gz", i/2+1, i%2)
		p.Windows = append(p.Windows, Window{
			Number: i/2 + 1, Pod: fmt.Sprintf("pod-%d", i%2), Tier: API, Seconds: time.Duration(one.DurationNanos).Seconds(),
			Served: map[string]float64{"/v1/search": requests}, Build: Build{ID: "one", Version: "v1"}, Files: map[Kind]string{CPU: file},
		})
		p.put(CPU, file, packed(t, one), one)
	}
	return p
}

func close3(a, b float64) bool { return math.Abs(a-b) <= 1e-3*math.Abs(b) }

// TestHotspotsArePerRequest: 2 pods, 2 windows each; a function's own part and that with what it calls.
func TestHotspotsArePerRequest(t *testing.T) {
	search := map[string][]string{"route": {"/v1/search"}, "mode": {"complex"}}
	one := synthetic(stacks{"encode;search;serve": 30, "search;serve": 10, "gc": 60}, 1e7, 10, nil)
	for _, s := range one.Sample {
		if len(s.Location) > 1 {
			s.Label = search
		}
	}
	p := set(t, "normal-20261130-170000", 50, one, one.Copy(), one.Copy(), one.Copy())
	h, found, err := p.Hotspots(API, CPU)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if h.Per != "request" || h.Of != 200 || h.Pods != 2 || h.Windows != 4 || h.Samples != 400 || !close3(h.Value, 400*1e7/200) {
		t.Errorf("%+v", h)
	}
	want := []Function{
		{Name: "gc", Flat: 240 * 1e7 / 200, Cum: 240 * 1e7 / 200, Share: 0.6, CumPart: 0.6, Samples: 240},
		{Name: "encode", Flat: 120 * 1e7 / 200, Cum: 120 * 1e7 / 200, Share: 0.3, CumPart: 0.3, Samples: 120},
		{Name: "search", Flat: 40 * 1e7 / 200, Cum: 160 * 1e7 / 200, Share: 0.1, CumPart: 0.4, Samples: 40},
		{Name: "serve", Cum: 160 * 1e7 / 200, CumPart: 0.4},
	}
	if !slices.Equal(h.Functions, want) {
		t.Errorf("functions are %+v", h.Functions)
	}
	if got := h.ByCum()[1].Name; got != "search" {
		t.Errorf("the second by what it calls is %s", got)
	}
	if len(h.Labels) != 4 {
		t.Fatalf("labels are %+v, want two of route and two of mode", h.Labels)
	}
	if l := h.Labels[3]; l.Key != "route" || l.Name != "/v1/search" || l.OwnOf != 200 || !close3(l.Own, 160*1e7/200) || !close3(l.Share, 0.4) {
		t.Errorf("route is %+v", l)
	}
}

// TestNeitherRateNorDurationIsInAFigure: the same system, at 100 and at 500 samples a second, for 10 and for 2 s.
func TestNeitherRateNorDurationIsInAFigure(t *testing.T) {
	slow := set(t, "a", 1000, synthetic(stacks{"f;g": 400, "g": 600}, 1e7, 10, nil))
	fast := set(t, "b", 200, synthetic(stacks{"f;g": 400, "g": 600}, 2e6, 2, nil))
	var all [2]Hotspots
	for i, p := range []*Profiles{slow, fast} {
		h, _, err := p.Hotspots(API, CPU)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = h
	}
	for i, f := range all[0].Functions {
		if g := all[1].Functions[i]; f.Name != g.Name || !close3(f.Flat, g.Flat) || !close3(f.Cum, g.Cum) {
			t.Errorf("%+v and %+v", f, g)
		}
	}
}

// TestRequestsAreThoseOfTheProfilesTime: the window was twice as long as the profile.
func TestRequestsAreThoseOfTheProfilesTime(t *testing.T) {
	p := set(t, "a", 100, synthetic(stacks{"f": 10}, 1e7, 5, nil))
	p.Windows[0].Seconds = 10
	if h, _, _ := p.Hotspots(API, CPU); h.Of != 50 {
		t.Errorf("requests are %v, want 50", h.Of)
	}
}

func TestWhatServesNothingIsPerSecondAndSaysSo(t *testing.T) {
	p := set(t, "a", 0, synthetic(stacks{"f": 10}, 1e7, 5, nil))
	r, err := p.Report()
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Hotspots[0]; h.Per != "second of a pod" || !close3(h.Value, 10*1e7/5) {
		t.Errorf("%v per %s", h.Value, h.Per)
	}
	if !slices.Contains(r.Notes, "tier api served no request meanwhile: its figures are of a second of a pod") {
		t.Errorf("notes are %q", r.Notes)
	}
}

// TestSamplesAreHeldAgainstTheProcessesClock: where too few were taken it is said.
func TestSamplesAreHeldAgainstTheProcessesClock(t *testing.T) {
	p := set(t, "a", 10, synthetic(stacks{"f": 100}, 1e7, 10, nil)) // 1 s
	for used, want := range map[float64]bool{0: false, 1.1: false, 2: true} {
		p.Windows[0].CPU = used
		r, err := p.Report()
		if err != nil {
			t.Fatal(err)
		}
		said := slices.ContainsFunc(r.Notes, func(n string) bool {
			return strings.Contains(n, "tier api account for 50 % of the CPU time that its pods used by their own clock, 2.0 s")
		})
		if said != want {
			t.Errorf("of %v s used the notes are %q", used, r.Notes)
		}
	}
}

// TestProfilingItselfIsLeftOut: what serves profiles, but not what labels requests for them.
func TestProfilingItselfIsLeftOut(t *testing.T) {
	one := synthetic(stacks{"f;serve": 10, "compress/flate.write;net/http/pprof.handler.ServeHTTP;serve": 5, "runtime/pprof.WithLabels;serve": 1, "f;runtime/pprof.profileWriter": 4}, 1e7, 1, nil)
	h, _, err := set(t, "a", 2, one).Hotspots(API, CPU)
	if err != nil {
		t.Fatal(err)
	}
	if h.Value != 11*1e7/2 || h.Own != 9*1e7/2 || h.Samples != 11 {
		t.Errorf("%v per request and %v of profiling, %v samples", h.Value, h.Own, h.Samples)
	}
}

// TestWaitingIsOfWhoWaits, and not of the runtime's function for it.
func TestWaitingIsOfWhoWaits(t *testing.T) {
	for _, k := range []Kind{Mutex, Block, Goroutine} {
		if got := k.self([]string{"runtime.gopark", "sync.(*Mutex).Lock", "internal/poll.runtime_pollWait", "example.com/x.wait", "main.main"}); got != "example.com/x.wait" {
			t.Errorf("%s is of %s", k, got)
		}
		if got := k.self([]string{"runtime.gopark", "runtime.bgsweep"}); got != "runtime.gopark" {
			t.Errorf("%s of the runtime alone is of %s", k, got)
		}
	}
	if got := CPU.self([]string{"runtime.memmove", "main.main"}); got != "runtime.memmove" {
		t.Errorf("CPU time is of %s", got)
	}
}

func TestRecursionCountsOnce(t *testing.T) {
	h, _, err := set(t, "a", 1, synthetic(stacks{"f;f;f": 10}, 1e7, 1, nil)).Hotspots(API, CPU)
	if err != nil {
		t.Fatal(err)
	}
	if f := h.Functions[0]; len(h.Functions) != 1 || f.Cum != 1e8 || f.Flat != 1e8 {
		t.Errorf("%+v", h.Functions)
	}
}

// planted is a profile of a window in which every function has as many samples as its number says, the first so many more.
func planted(window int, more float64, period int64, seconds float64) *profile.Profile {
	all := stacks{}
	for i := range 20 {
		n := float64(5000/(i+1)) * seconds / 10 * 1e7 / float64(period)
		if i == 2 {
			n *= 1 + more
		}
		all[fmt.Sprintf("example.com/f%d;main", i)] = int64(n) + int64((window*7+i*3)%5)
	}
	return synthetic(all, period, seconds, nil)
}

// TestComparingFindsAPlantedFunction whatever the rate and the duration, and nothing in the same.
func TestComparingFindsAPlantedFunction(t *testing.T) {
	build := func(name string, windows int, requests, more float64, period int64, seconds float64) *Profiles {
		var all []*profile.Profile
		for w := range windows {
			all = append(all, planted(w, more, period, seconds))
		}
		return set(t, name, requests, all...)
	}
	then := build("then", 24, 1000, 0, 1e7, 10)
	for name, now := range map[string]*Profiles{
		"the same rate": build("now", 24, 1000, 0.1, 1e7, 10), "another rate": build("now", 24, 1000, 0.1, 2e6, 10),
		"another duration": build("now", 12, 2000, 0.1, 1e7, 20),
	} {
		c, err := Compare([]*Profiles{then}, []*Profiles{now}, Options{Kind: CPU, Tier: API})
		if err != nil {
			t.Fatal(name, err)
		}
		for i, f := range c.Functions {
			if (i == 0) != (f.Outcome == More) || (i == 0) != (f.Name == "example.com/f2") {
				t.Errorf("%s: %s is %s by %v", name, f.Name, f.Outcome, f.Change)
			}
		}
		if f := c.Functions[0]; math.Abs(f.Change-0.1) > 0.01 || math.Abs(f.Now/f.Then-1.1) > 0.01 {
			t.Errorf("%s: it changed by %v, from %v to %v; want 0.1", name, f.Change, f.Then, f.Now)
		}
	}
	c, err := Compare([]*Profiles{then}, []*Profiles{build("now", 10, 1000, 0, 2e6, 10)}, Options{Kind: CPU, Tier: API, See: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Functions {
		if f.Outcome == More || f.Outcome == Less {
			t.Errorf("%s is %s in the same system", f.Name, f.Outcome)
		}
	}
}

func TestADifferenceOfBuildsAndStacksIsSaid(t *testing.T) {
	one := planted(0, 0, 1e7, 10)
	then, now := set(t, "then", 10, one, one, one), set(t, "now", 0, one, one, one)
	for i := range now.Windows {
		now.Windows[i].Build = Build{ID: "two", Version: "v2"}
	}
	now.Stack = "dev"
	c, err := Compare([]*Profiles{then}, []*Profiles{now}, Options{Kind: CPU, Tier: API})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"the builds differ: then v1, build id one; now v2, build id two. Functions are compared by name",
		"the profiles are of stacks dev and local: what differs between them differs here",
		"no request was served now: what functions cost per request is not known, their parts of the whole are compared",
	} {
		if !slices.Contains(c.Notes, want) {
			t.Errorf("notes are %q, want %q", c.Notes, want)
		}
	}
}

func TestWhatCannotBeComparedIsNamed(t *testing.T) {
	p := set(t, "then", 10, planted(0, 0, 1e7, 10))
	for want, o := range map[string]Options{
		"kind is \"mutex\", want cpu or allocs: of the others there is no test":                                            {Kind: Mutex, Tier: API},
		"the change to be seen is 0.001, want a share from 0.02 to 10":                                                     {Kind: CPU, Tier: API, See: 0.001},
		"then: there is no cpu profile of tier worker, want some\nthen: there is no cpu profile of tier worker, want some": {Kind: CPU, Tier: Worker},
		"then: there is no allocs profile of tier api, want some\nthen: there is no allocs profile of tier api, want some": {Kind: Allocs, Tier: API},
	} {
		if _, err := Compare([]*Profiles{p}, []*Profiles{p}, o); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// TestTheCompilersProfileIsOne: sample types, a period, functions with their first lines, no labels.
func TestTheCompilersProfileIsOne(t *testing.T) {
	secret := map[string][]string{"route": {"/v1/search"}}
	text, err := set(t, "a", 1, synthetic(stacks{"f;g": 10}, 1e7, 10, nil), synthetic(stacks{"f;g": 5}, 1e7, 10, secret)).PGO()
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(text)
	if err != nil {
		t.Fatal(err)
	}
	types := fmt.Sprint(p.SampleType[0].Type, p.SampleType[0].Unit, p.SampleType[1].Type, p.SampleType[1].Unit)
	if types != "samplescountcpunanoseconds" || len(p.Sample) != 1 || p.Sample[0].Value[0] != 15 || p.Sample[0].Label != nil || p.Function[0].StartLine != 1 {
		t.Errorf("it is %v", p)
	}
	none := set(t, "a", 1)
	if _, err := none.PGO(); err == nil || err.Error() != "there is no CPU profile, want one: take kind cpu" {
		t.Errorf("error is %v", err)
	}
	if _, err := set(t, "a", 1, synthetic(stacks{}, 1e7, 10, nil)).PGO(); err == nil {
		t.Error("a profile without samples is taken")
	}
}

func TestATreeJoinsStacks(t *testing.T) {
	root, err := set(t, "a", 10, synthetic(stacks{"f;g;main": 30, "h;g;main": 10, "f;main": 60}, 1e7, 10, nil)).Tree(API, CPU, 10)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *Node) string
	walk = func(n *Node) string {
		text := fmt.Sprintf("%s=%.0f", n.Name, n.Value/1e6)
		for _, below := range n.Below {
			text += "(" + walk(below) + ")"
		}
		return text
	}
	if got, want := walk(root), "api=100(main=100(f=60)(g=40(f=30)(h=10)))"; got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestAPlanNamesAllThatIsWrong(t *testing.T) {
	_, err := Collect(context.Background(), nil, Plan{Each: 1500 * time.Millisecond, Kinds: []Kind{"cpus"}})
	want := "windows are 0, want 1 to 120\neach window is 1.5s, want whole seconds from 1s to 2m0s\n" +
		"kind is \"cpus\", want one of cpu, allocs, heap, mutex, block, goroutine"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func zipped(t *testing.T, plain []byte) []byte {
	t.Helper()
	var text bytes.Buffer
	w := gzip.NewWriter(&text)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}
