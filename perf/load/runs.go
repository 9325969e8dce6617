package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	resultsPrefix = "results/"     // results/SCENARIO/RUN/generator-N/summary.json
	resultFile    = "summary.json" // of one generator
)

// RunsPrefix is where the results of a scenario's runs are, in a store.
func RunsPrefix(scenario string) string { return resultsPrefix + scenario + "/" }

// RunPrefix is where the results of one run are.
func RunPrefix(scenario, run string) string { return RunsPrefix(scenario) + run + "/" }

// runPattern is a run's name: the scenario and when it was begun, or any other name that Kubernetes takes for a Job.
var runPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// Stored is a run that a store has.
type Stored struct {
	Scenario   string `json:"scenario"`
	Run        string `json:"run"`
	Generators int    `json:"generators"` // with a result
}

// List names the runs of a scenario, of all with none given, the newest last: names end with when they began.
func List(ctx context.Context, s Store, scenario string) ([]Stored, error) {
	prefix := resultsPrefix
	if scenario != "" {
		prefix = RunsPrefix(scenario)
	}
	keys, err := s.Keys(ctx, prefix)
	if err != nil {
		return nil, err
	}
	found := map[[2]string]int{}
	for _, key := range keys {
		if parts := strings.Split(strings.TrimPrefix(key, resultsPrefix), "/"); len(parts) == 4 && parts[3] == resultFile {
			found[[2]string{parts[0], parts[1]}]++
		}
	}
	var all []Stored
	for run, generators := range found {
		all = append(all, Stored{Scenario: run[0], Run: run[1], Generators: generators})
	}
	slices.SortFunc(all, func(a, b Stored) int {
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Run, b.Run))
	})
	return all, nil
}

// Read merges what a store has of a run.
func Read(ctx context.Context, s Store, scenario, run string) (*Run, error) {
	if !runPattern.MatchString(run) {
		return nil, fmt.Errorf("run %q is no name of a run, want one such as %s", run, ExampleRun(scenario))
	}
	keys, err := s.Keys(ctx, RunPrefix(scenario, run))
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, key := range keys {
		if path.Base(key) != resultFile {
			continue
		}
		text, err := s.Read(ctx, key)
		if err != nil {
			return nil, err
		}
		result, err := Parse(s.Name(key), text)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("run %s: %s has no generator-*/%s: %w",
			run, s.Name(RunPrefix(scenario, run)), resultFile, fs.ErrNotExist)
	}
	return Merge(run, results)
}

// ReadAll reads runs of a scenario. Its error names all that cannot be read.
func ReadAll(ctx context.Context, s Store, scenario string, names []string) ([]*Run, error) {
	var runs []*Run
	var faults []error
	for _, name := range names {
		run, err := Read(ctx, s, scenario, name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		runs = append(runs, run)
	}
	return runs, errors.Join(faults...)
}

// runTime is the form of when a run began, in its name.
const runTime = "20060102-150405"

// NewRun names a run that begins now.
func NewRun(scenario string, now time.Time) string {
	return scenario + "-" + now.UTC().Format(runTime)
}

// BeganAt is when a run began, by its name; false where the name does not say.
func (s Stored) BeganAt() (time.Time, bool) {
	at, err := time.Parse(runTime, strings.TrimPrefix(s.Run, s.Scenario+"-"))
	return at, err == nil
}

// ExampleRun is a run's name as people see them.
func ExampleRun(scenario string) string { return scenario + "-20261124-033000" }
