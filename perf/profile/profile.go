// Package profile says what the pods of a stack spend on a request: in which functions, for which routes.
//
// Owns: which profiles are taken and over which windows, their form beside a run, merging them, hotspots, whether two
// sets differ, the profile that Go's compiler takes. Does not own: finding and reaching pods (Source), runs
// (perf/load), text and pages (perf/profile/page), flags and printing (cmd/ragscale).
package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// Version is that of the form in which profiles are kept.
const Version = 1

// Kind is what a profile is of.
type Kind string

// Kinds of profiles, by the names that people use for them.
const (
	CPU       Kind = "cpu"       // time on a processor, by statistical samples
	Allocs    Kind = "allocs"    // memory that was allocated, live or not
	Heap      Kind = "heap"      // memory in use
	Mutex     Kind = "mutex"     // time that others waited for a lock, at who held it
	Block     Kind = "block"     // time that goroutines waited on locks and channels
	Goroutine Kind = "goroutine" // goroutines that are there
)

// Kinds are all, in the order in which they are shown.
func Kinds() []Kind { return []Kind{CPU, Allocs, Heap, Mutex, Block, Goroutine} }

// form is how net/http/pprof serves a kind.
type form struct {
	path  string // below /debug/pprof/
	lasts bool   // it is of a window's time; else of its end
	value string // the sample type that is looked at
	count string // the sample type that counts events
	unit  string // of the value: ns, B, "" of counts
}

var forms = map[Kind]form{
	CPU:       {path: "profile", lasts: true, value: "cpu", count: "samples", unit: "ns"},
	Allocs:    {path: "allocs", lasts: true, value: "alloc_space", count: "alloc_objects", unit: "B"},
	Heap:      {path: "heap", value: "inuse_space", count: "inuse_objects", unit: "B"},
	Mutex:     {path: "mutex", lasts: true, value: "delay", count: "contentions", unit: "ns"},
	Block:     {path: "block", lasts: true, value: "delay", count: "contentions", unit: "ns"},
	Goroutine: {path: "goroutine", value: "goroutine", count: "goroutine"},
}

// Check wants a kind that is known.
func (k Kind) Check() error {
	if _, known := forms[k]; known {
		return nil
	}
	var all []string
	for _, kind := range Kinds() {
		all = append(all, string(kind))
	}
	return fmt.Errorf("kind is %q, want one of %s", k, strings.Join(all, ", "))
}

// Unit is that of a kind's values: ns, B, "" of counts.
func (k Kind) Unit() string { return forms[k].unit }

// Tiers of a stack whose pods serve profiles.
const (
	API    = "api"
	Worker = "worker"
)

// served is what a tier's work is counted in.
func served(tier string) string {
	if tier == Worker {
		return "document"
	}
	return "request"
}

// Set is what was taken: the index of the profiles beside it.
type Set struct {
	Version int       `json:"version"`
	Name    string    `json:"name"`          // the run's, or its own where no load was made
	Run     string    `json:"run,omitempty"` // the run of a load test that went on meanwhile
	Stack   string    `json:"stack"`
	TakenAt time.Time `json:"takenAt"` // when the first window began, UTC
	Windows []Window  `json:"windows"` // of each pod; in order of time
	Missing []Missing `json:"missing"` // what could not be had
}

// Window is a time over which one pod was profiled.
type Window struct {
	Number  int                `json:"number"` // from 1; pods of one number were profiled together
	Pod     string             `json:"pod"`
	Tier    string             `json:"tier"`
	BeganAt time.Time          `json:"beganAt"`
	Seconds float64            `json:"seconds"`    // between the two readings of what it served
	Served  map[string]float64 `json:"served"`     // requests by route, or documents of a worker
	CPU     float64            `json:"cpuSeconds"` // that the process used, by its own clock; 0 where it is not known
	Build   Build              `json:"build"`
	Files   map[Kind]string    `json:"files"` // names beside the index
}

// Build is what a pod ran.
type Build struct {
	ID       string `json:"id"`       // of the binary, by its profile; "" where the linker gave it none
	Version  string `json:"version"`  // of the main module, as ragapi_build_info tells it
	Revision string `json:"revision"` // likewise
	Go       string `json:"go"`       // likewise
}

// String names a build in few characters.
func (b Build) String() string {
	parts := []string{b.Version}
	if b.Revision != "" {
		parts = append(parts, "revision "+short(b.Revision))
	}
	if b.ID != "" {
		parts = append(parts, "build id "+short(b.ID))
	}
	if b.Go != "" {
		parts = append(parts, b.Go)
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return "a build of which nothing is known"
	}
	return strings.Join(parts, ", ")
}

func short(id string) string { return id[:min(len(id), 12)] }

// Missing is what could not be had.
type Missing struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Profiles are a set with its profiles, by their names.
type Profiles struct {
	Set
	raw    map[string][]byte           // as they came: compressed protocol buffers
	parsed map[string]*profile.Profile // of the same names, without what profiling itself costs
	own    map[string]float64          // that, in the kind's unit
}

func profilesOf(s Set) *Profiles {
	return &Profiles{Set: s, raw: map[string][]byte{}, parsed: map[string]*profile.Profile{}, own: map[string]float64{}}
}

// put adds a profile, without what profiling itself costs: each window reads and merges profiles in the pod.
func (p *Profiles) put(kind Kind, file string, raw []byte, one *profile.Profile) {
	value, _ := columns(one, kind)
	var dropped int64
	one.Sample = slices.DeleteFunc(one.Sample, func(s *profile.Sample) bool {
		is := slices.ContainsFunc(frames(s), profiling)
		if is {
			dropped += s.Value[value]
		}
		return is
	})
	p.raw[file], p.parsed[file], p.own[file] = raw, one, float64(dropped)
}

// profiling tells functions that serve profiles or write them.
func profiling(name string) bool {
	return strings.HasPrefix(name, "net/http/pprof.") || name == "runtime/pprof.profileWriter"
}

// part is one profile and the window that it is of.
type part struct {
	Window
	*profile.Profile
	own float64 // what profiling itself cost, which is not in it
}

// requests are what the pod served while the profile was taken, as if they had come evenly over the window.
func (p part) requests() (sum float64) {
	for _, n := range p.Served {
		sum += n
	}
	return sum * p.share()
}

// share is the profile's part of its window: 1 where it does not say how long it lasted.
func (p part) share() float64 {
	if lasted := time.Duration(p.DurationNanos).Seconds(); lasted > 0 && p.Seconds > 0 {
		return min(lasted/p.Seconds, 1)
	}
	return 1
}

// seconds is how long the profile lasted.
func (p part) seconds() float64 { return p.Seconds * p.share() }

// of are the profiles of a tier, all of them for "", and a kind.
func (p *Profiles) of(tier string, kind Kind) (all []part) {
	for _, w := range p.Windows {
		if tier != "" && w.Tier != tier {
			continue
		}
		if one := p.parsed[w.Files[kind]]; one != nil {
			all = append(all, part{w, one, p.own[w.Files[kind]]})
		}
	}
	return all
}

// Tiers are those that there are profiles of, in alphabetical order.
func (p *Profiles) Tiers() (all []string) {
	for _, w := range p.Windows {
		all = append(all, w.Tier)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Builds are what the pods of a tier ran, all of them for "", without repetition.
func (p *Profiles) Builds(tier string) (all []Build) {
	for _, w := range p.Windows {
		if (tier == "" || w.Tier == tier) && !slices.Contains(all, w.Build) {
			all = append(all, w.Build)
		}
	}
	return all
}

// merge makes one profile of several, with values of each as they are.
func merge(parts []part) (*profile.Profile, error) {
	var all []*profile.Profile
	for _, p := range parts {
		all = append(all, p.Profile)
	}
	merged, err := profile.Merge(all)
	if err != nil {
		return nil, fmt.Errorf("merging %d profiles: %w", len(all), err)
	}
	return merged, nil
}
