package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/ragscale/ragscale/perf/load"
)

const (
	ownPrefix   = "profiles/" // profiles/NAME/: of no run
	runFolder   = "profiles/" // results/SCENARIO/RUN/profiles/: of one
	indexFile   = "index.json"
	nameTime    = "20060102-150405"
	namePrefix  = "profile-"
	mostEntries = 10_000  // windows of pods
	mostFaults  = 20      // of an index that are named
	mostSet     = 1 << 30 // bytes of all profiles of a set
)

// NewName names a set that is taken now, without a run.
func NewName(now time.Time) string { return namePrefix + now.UTC().Format(nameTime) }

// Own reports whether a name is that of a set without a run.
func Own(name string) bool { return strings.HasPrefix(name, namePrefix) }

// Prefix is where a set is kept: beside the results of its run, in a folder of its own without one.
func Prefix(scenario, name string) string {
	if Own(name) {
		return ownPrefix + name + "/"
	}
	return load.RunPrefix(scenario, name) + runFolder
}

// Keep writes a set, the index last: without it there is none. What was written before a fault is taken away again, and
// a set that was there stays; else it is replaced, and its profiles go.
func (p *Profiles) Keep(ctx context.Context, s load.Store, scenario string) error {
	prefix := Prefix(scenario, p.Name)
	former, err := s.Keys(ctx, prefix)
	if err != nil {
		return err
	}
	index, err := json.MarshalIndent(p.Set, "", "  ")
	if err != nil {
		return err
	}
	var wrote []string
	for _, name := range slices.Sorted(maps.Keys(p.raw)) {
		if slices.Contains(former, prefix+name) { // of the same moment: the same
			continue
		}
		wrote = append(wrote, prefix+name)
		if err = s.Write(ctx, prefix+name, p.raw[name]); err != nil {
			break
		}
	}
	if err == nil {
		err = s.Write(ctx, prefix+indexFile, index)
	}
	if err != nil {
		return errors.Join(err, remove(context.WithoutCancel(ctx), s, wrote))
	}
	former = slices.DeleteFunc(former, func(key string) bool {
		_, kept := p.raw[strings.TrimPrefix(key, prefix)]
		return kept || key == prefix+indexFile
	})
	return remove(ctx, s, former)
}

func remove(ctx context.Context, s load.Store, keys []string) (err error) {
	for _, key := range keys {
		err = errors.Join(err, s.Delete(ctx, key))
	}
	return err
}

// filePattern is a profile's name: it names no other folder.
var filePattern = regexp.MustCompile(`^[a-z0-9][-a-z0-9.]{0,300}\.pb\.gz$`)

// namePattern is a set's.
var namePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// Read reads a set that was kept; fs.ErrNotExist where there is none. A profile that is gone or damaged is missing in
// the answer; all of them are an error.
func Read(ctx context.Context, s load.Store, scenario, name string) (*Profiles, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("%q is no name of a run or a set of profiles, want one such as %s",
			name, load.ExampleRun("normal"))
	}
	prefix := Prefix(scenario, name)
	text, err := s.Read(ctx, prefix+indexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no profiles (`ragscale profile list` lists those that there are): `ragscale profile` "+
			"takes some while a run goes on: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	p := profilesOf(Set{})
	if err := json.Unmarshal(text, &p.Set); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(prefix+indexFile), err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(prefix+indexFile), err)
	}
	p.load(ctx, s, prefix)
	if len(p.parsed) == 0 {
		return nil, fmt.Errorf("%s: none of its profiles can be read: %s", s.Name(prefix+indexFile), p.why())
	}
	return p, ctx.Err()
}

func (p *Profiles) why() string {
	if len(p.Missing) == 0 {
		return "it names none"
	}
	last := p.Missing[len(p.Missing)-1]
	return last.What + ": " + last.Why
}

// check wants an index of this form.
func (p *Profiles) check() error {
	if p.Version != Version {
		return fmt.Errorf("version is %d, want %d", p.Version, Version)
	}
	if len(p.Windows) > mostEntries {
		return fmt.Errorf("windows are %d, want %d at most", len(p.Windows), mostEntries)
	}
	var faults []error
	type place struct {
		pod    string
		number int
	}
	seen := map[place]bool{}
	for i, w := range p.Windows {
		if seen[place{w.Pod, w.Number}] {
			faults = append(faults, fmt.Errorf("windows[%d] is pod %.80q, number %d again, want each once", i, w.Pod, w.Number))
		}
		seen[place{w.Pod, w.Number}] = true
		faults = append(faults, w.check(i)...)
	}
	if more := len(faults) - mostFaults; more > 0 {
		faults = append(faults[:mostFaults], fmt.Errorf("and %d faults more", more))
	}
	return errors.Join(faults...)
}

// What a window may have: it is as long as a pod is waited for at most, and serves less than a million a second.
const (
	mostSeconds = 3600
	mostServed  = mostSeconds * 1e6
)

// check names all that is wrong with the window of an index.
func (w Window) check(i int) (faults []error) {
	if w.Seconds <= 0 || w.Seconds > mostSeconds {
		faults = append(faults, fmt.Errorf("windows[%d].seconds is %v, want more than 0 and %d at most", i, w.Seconds,
			mostSeconds))
	}
	if w.Tier != API && w.Tier != Worker {
		faults = append(faults, fmt.Errorf("windows[%d].tier is %.80q, want %s or %s", i, w.Tier, API, Worker))
	}
	return append(append(faults, w.checkFiles(i)...), w.checkServed(i)...)
}

func (w Window) checkFiles(i int) (faults []error) {
	for kind, file := range w.Files {
		if kind.Check() != nil || !filePattern.MatchString(file) {
			faults = append(faults, fmt.Errorf("windows[%d].files has %s %q, want a kind and a name of a file", i, kind, file))
		}
	}
	return faults
}

func (w Window) checkServed(i int) (faults []error) {
	for name, n := range w.Served {
		if n != 0 && (n < 1 || n > mostServed) {
			faults = append(faults, fmt.Errorf("windows[%d].served has %v of %s, want 0, or 1 to %.0f", i, n, name, mostServed))
		}
	}
	return faults
}

// load reads the profiles that the index names.
func (p *Profiles) load(ctx context.Context, s load.Store, prefix string) {
	size := 0
	for _, w := range p.Windows {
		for _, kind := range slices.Sorted(maps.Keys(w.Files)) {
			file := w.Files[kind]
			raw, err := s.Read(ctx, prefix+file)
			if size += len(raw); size > mostSet {
				err = fmt.Errorf("the set has more than %d bytes, want fewer windows", mostSet)
			}
			var one *profile.Profile
			if err == nil {
				one, err = read(kind, raw)
			}
			if err != nil {
				p.Missing = append(p.Missing, Missing{fmt.Sprintf("pod %s, window %d: %s", w.Pod, w.Number, kind), err.Error()})
				continue
			}
			p.put(kind, file, raw, one)
		}
	}
}

// Kept lists the sets of a store: those of no run, then those of runs, each the newest last.
func Kept(ctx context.Context, s load.Store) ([]string, error) {
	own, err := s.Keys(ctx, ownPrefix)
	if err != nil {
		return nil, err
	}
	results, err := s.Keys(ctx, "results/")
	var names []string
	for _, key := range slices.Concat(own, results) {
		parts := strings.Split(strings.TrimSuffix(key, "/"+indexFile), "/")
		switch {
		case !strings.HasSuffix(key, "/"+indexFile):
		case len(parts) == 2 && parts[0]+"/" == ownPrefix:
			names = append(names, parts[1])
		case len(parts) == 4 && parts[3]+"/" == runFolder:
			names = append(names, parts[2])
		}
	}
	return names, err
}
