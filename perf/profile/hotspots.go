package profile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Hotspots are where a tier spends one kind of thing. Values are in the kind's unit: nanoseconds, bytes, or a count.
type Hotspots struct {
	Kind      Kind       `json:"kind"`
	Tier      string     `json:"tier"`
	Unit      string     `json:"unit"` // of values: ns, B, "" of counts
	Per       string     `json:"per"`  // request, document, pod, or second of a pod where nothing was served
	Of        float64    `json:"of"`   // how many of those there were
	Value     float64    `json:"value"`
	Own       float64    `json:"own"`     // what profiling itself cost beside it
	Samples   float64    `json:"samples"` // that the figures stand on; of mutex and block, events by their estimate
	Pods      int        `json:"pods"`
	Windows   int        `json:"windows"` // of all pods
	Builds    []Build    `json:"builds"`
	Functions []Function `json:"functions"` // the most expensive first, by their own part
	Labels    []Label    `json:"labels"`    // by key and then by value, the most expensive first
}

// Function is what one costs.
type Function struct {
	Name    string  `json:"name"`
	Flat    float64 `json:"flat"` // in the function itself; of waiting, by it
	Cum     float64 `json:"cum"`  // in it and in what it called
	Share   float64 `json:"share"`
	CumPart float64 `json:"cumShare"`
	Samples float64 `json:"samples"` // in the function itself
}

// Label is what work under a pprof label costs. ragapi labels with route and, of searches, mode.
type Label struct {
	Key   string  `json:"key"`
	Name  string  `json:"name"` // "" of what has none: the runtime's own work, and what serves no request
	Value float64 `json:"value"`
	Share float64 `json:"share"`
	Own   float64 `json:"own"`    // the value per request of this route alone; 0 where that is not known
	OwnOf float64 `json:"served"` // how many of those there were
}

// Hotspots sums a tier's profiles of a kind up; false where there are none.
func (p *Profiles) Hotspots(tier string, kind Kind) (h Hotspots, found bool, err error) {
	parts := p.of(tier, kind)
	if len(parts) == 0 {
		return h, false, nil
	}
	h = Hotspots{
		Kind: kind, Tier: tier, Unit: kind.Unit(), Windows: len(parts), Pods: pods(parts), Builds: p.Builds(tier),
		Functions: []Function{}, Labels: []Label{},
	}
	merged, err := merge(parts)
	if err != nil {
		return h, true, err
	}
	h.per(parts, tier)
	for _, p := range parts {
		h.Own += ratio(p.own, h.Of)
	}
	h.sum(merged)
	h.labels(merged, parts)
	return h, true, nil
}

func pods(parts []part) int {
	seen := map[string]bool{}
	for _, p := range parts {
		seen[p.Pod] = true
	}
	return len(seen)
}

// per says what values are of: what was served. What is in use at a moment is of a pod. Where nothing was served it is
// of a second, and said so.
func (h *Hotspots) per(parts []part, tier string) {
	if !forms[h.Kind].lasts {
		h.Per, h.Of = "pod", float64(len(parts))
		return
	}
	h.Per = served(tier)
	var seconds float64
	for _, p := range parts {
		h.Of += p.requests()
		seconds += p.seconds()
	}
	if h.Of == 0 {
		h.Per, h.Of = "second of a pod", seconds
	}
}

// sum adds samples up by function.
func (h *Hotspots) sum(merged *profile.Profile) {
	value, counted := columns(merged, h.Kind)
	all := map[string]*Function{}
	of := func(name string) *Function {
		if all[name] == nil {
			all[name] = &Function{Name: name}
		}
		return all[name]
	}
	var total float64
	for _, s := range merged.Sample {
		v := float64(s.Value[value])
		n := events(s, h.Kind, merged.Period, value, counted)
		total += v
		h.Samples += n
		names := distinct(s)
		for _, name := range names {
			of(name).Cum += v
		}
		f := of(h.Kind.self(names))
		f.Flat += v
		f.Samples += n
	}
	h.Value = ratio(total, h.Of)
	for _, f := range all {
		f.Share, f.CumPart = ratio(f.Flat, total), ratio(f.Cum, total)
		f.Flat, f.Cum = ratio(f.Flat, h.Of), ratio(f.Cum, h.Of)
		h.Functions = append(h.Functions, *f)
	}
	slices.SortFunc(h.Functions, func(a, b Function) int {
		return cmp.Or(cmp.Compare(b.Flat, a.Flat), cmp.Compare(b.Cum, a.Cum), strings.Compare(a.Name, b.Name))
	})
}

// ByCum are the functions again, the most expensive first with what they called.
func (h *Hotspots) ByCum() []Function {
	all := slices.Clone(h.Functions)
	slices.SortStableFunc(all, func(a, b Function) int { return cmp.Compare(b.Cum, a.Cum) })
	return all
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// events are the samples that a value stands on. Of allocations the runtime takes one per period of bytes, and every
// one that is larger (https://pkg.go.dev/runtime#MemProfileRate).
func events(s *profile.Sample, kind Kind, period int64, value, counted int) float64 {
	n := float64(s.Value[counted])
	if kind == Allocs || kind == Heap {
		return min(n, float64(s.Value[value])/float64(max(period, 1)))
	}
	return n
}

// self is the function that a stack's value is of: the innermost. Who waits does so in the runtime or in package sync,
// whose names say nothing: of waiting it is the innermost function outside them, where there is one.
func (k Kind) self(names []string) string {
	if k != Mutex && k != Block && k != Goroutine {
		return names[0]
	}
	for _, name := range names {
		if !waits(name) {
			return name
		}
	}
	return names[0]
}

// waits tells functions in which others wait.
func waits(name string) bool {
	for _, of := range []string{"runtime", "sync", "internal/runtime", "internal/sync", "internal/poll", "syscall"} {
		if strings.HasPrefix(name, of+".") || strings.HasPrefix(name, of+"/") {
			return true
		}
	}
	return name == unknown
}

// distinct are the functions of a stack from the leaf on, each once: of recursion the innermost.
func distinct(s *profile.Sample) (names []string) {
	for _, frame := range frames(s) {
		if !slices.Contains(names, frame) {
			names = append(names, frame)
		}
	}
	return names
}

// unknown is the name of code without one.
const unknown = "(unknown)"

// frames are the functions of a stack from the leaf on, those that were inlined too.
func frames(s *profile.Sample) (names []string) {
	for _, l := range s.Location {
		if len(l.Line) == 0 {
			names = append(names, unknown)
		}
		for _, line := range l.Line {
			name := unknown
			if line.Function != nil && line.Function.Name != "" {
				name = line.Function.Name
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = []string{unknown}
	}
	return names
}

// mostLabels is how many values of a key are told apart; the rest is one.
const mostLabels = 50

// RouteLabel is the pprof label of a request's route.
const RouteLabel = "route"

// labels adds samples up by label.
func (h *Hotspots) labels(merged *profile.Profile, parts []part) {
	value, _ := columns(merged, h.Kind)
	keys := map[string]map[string]float64{}
	for _, s := range merged.Sample {
		for key := range s.Label {
			keys[key] = map[string]float64{}
		}
	}
	var total float64
	for _, s := range merged.Sample {
		total += float64(s.Value[value])
		for key, sums := range keys {
			sums[strings.Join(s.Label[key], ",")] += float64(s.Value[value])
		}
	}
	routes := map[string]float64{}
	for _, p := range parts {
		for route, n := range p.Served {
			routes[route] += n * p.share()
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		h.Labels = append(h.Labels, h.label(key, keys[key], total, routes)...)
	}
}

func (h *Hotspots) label(key string, sums map[string]float64, total float64, routes map[string]float64) (all []Label) {
	for name, v := range sums {
		l := Label{Key: key, Name: name, Value: ratio(v, h.Of), Share: ratio(v, total)}
		if key == RouteLabel && forms[h.Kind].lasts {
			l.OwnOf = routes[name]
			l.Own = ratio(v, l.OwnOf)
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Label) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Name, b.Name))
	})
	return all[:min(len(all), mostLabels)]
}
