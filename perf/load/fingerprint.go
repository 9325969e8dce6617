package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Must be the same of two runs that are compared: the others of the environment are what a comparison is about.
var sameEnvironment = []string{"stack", "region", "k6"}

// revisionKey is the checkout's that began a run. Most revisions change nothing that runs: those that do change an
// image or the configuration too.
const revisionKey = "revision"

// Unlike says why two runs cannot be compared: their load, their stack or their generator differs.
func Unlike(a, b *Run) []string {
	var differ []string
	if a.Scenario != b.Scenario {
		differ = append(differ, fmt.Sprintf("scenario %+v and %+v", a.Scenario, b.Scenario))
	}
	if a.Program != b.Program {
		differ = append(differ, fmt.Sprintf("generator %q and %q", a.Program, b.Program))
	}
	for _, key := range sameEnvironment {
		if a.Environment[key] != b.Environment[key] {
			differ = append(differ, fmt.Sprintf("%s %q and %q", key, a.Environment[key], b.Environment[key]))
		}
	}
	return differ
}

// like wants a run to be of the same load as another.
func like(other, run *Run) error {
	if differ := Unlike(other, run); len(differ) > 0 {
		return fmt.Errorf("run %s is of another load than %s: %s", run.Name, other.Name, strings.Join(differ, ", "))
	}
	return nil
}

// Fit wants a run to be whole, with all of its load.
func (r *Run) Fit() error {
	switch {
	case r.Partial:
		return fmt.Errorf("run %s was cut short: %s; want whole runs", r.Name, strings.Join(r.Cut(), ", "))
	case r.Stretch != nil && *r.Stretch > mostStretch:
		return fmt.Errorf("run %s: its generators were what was slow, want runs of the whole load", r.Name)
	}
	return nil
}

// Change is what differs between the environments of two groups of runs.
type Change struct {
	Key  string   `json:"key"`
	Then []string `json:"then"`
	Now  []string `json:"now"`
}

// Changes are what differs between two groups, apart from what may not.
func Changes(then, now []*Run) []Change {
	var all []Change
	for _, key := range slices.Sorted(maps.Keys(values(slices.Concat(then, now)))) {
		if before, after := valuesOf(then, key), valuesOf(now, key); !slices.Equal(before, after) {
			all = append(all, Change{Key: key, Then: before, Now: after})
		}
	}
	return all
}

func values(runs []*Run) map[string]bool {
	keys := map[string]bool{}
	for _, r := range runs {
		for key := range r.Environment {
			keys[key] = true
		}
	}
	return keys
}

// valuesOf are the different values of a key, in order.
func valuesOf(runs []*Run, key string) []string {
	found := []string{}
	for _, r := range runs {
		found = append(found, r.Environment[key])
	}
	slices.Sort(found)
	return slices.Compact(found)
}
