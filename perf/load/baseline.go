package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const baselinesPrefix = "baselines/"

// Baseline is the runs of a scenario that others are compared with. It has what they measured, so that it outlives
// their results.
type Baseline struct {
	Version  int       `json:"version"` // 1
	Scenario string    `json:"scenario"`
	SetAt    time.Time `json:"setAt"`
	Runs     []*Run    `json:"runs"` // the oldest first
}

// ErrNoBaseline says that a scenario has none.
var ErrNoBaseline = errors.New("no baseline")

func baselineKey(scenario string) string { return baselinesPrefix + scenario + ".json" }

// SetBaseline makes runs the baseline of their scenario. Each has to be whole, all of the same load.
func SetBaseline(ctx context.Context, s Store, scenario string, names []string, now time.Time) (Baseline, error) {
	runs, err := ReadAll(ctx, s, scenario, slices.Compact(slices.Sorted(slices.Values(names))))
	b := Baseline{Version: 1, Scenario: scenario, SetAt: now.UTC(), Runs: runs}
	faults := []error{err}
	for _, run := range runs {
		faults = append(faults, run.Fit(), like(runs[0], run))
	}
	if err := errors.Join(faults...); err != nil {
		return b, err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return b, err
	}
	return b, s.Write(ctx, baselineKey(scenario), text)
}

// ReadBaseline returns a scenario's, or ErrNoBaseline.
func ReadBaseline(ctx context.Context, s Store, scenario string) (b Baseline, err error) {
	text, err := s.Read(ctx, baselineKey(scenario))
	if errors.Is(err, fs.ErrNotExist) {
		return b, fmt.Errorf("scenario %s: %w", scenario, ErrNoBaseline)
	}
	if err != nil {
		return b, err
	}
	name := s.Name(baselineKey(scenario))
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("%s: %w", name, err)
	}
	if b.Version != 1 || b.Scenario != scenario || len(b.Runs) == 0 {
		return b, fmt.Errorf("%s: version %d of scenario %q with %d runs, want version 1 of %s with some",
			name, b.Version, b.Scenario, len(b.Runs), scenario)
	}
	return b, nil
}

// Baselines lists all of a store.
func Baselines(ctx context.Context, s Store) ([]Baseline, error) {
	keys, err := s.Keys(ctx, baselinesPrefix)
	if err != nil {
		return nil, err
	}
	var all []Baseline
	for _, key := range keys {
		b, err := ReadBaseline(ctx, s, strings.TrimSuffix(strings.TrimPrefix(key, baselinesPrefix), ".json"))
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// ForgetBaseline deletes a scenario's. The runs stay.
func ForgetBaseline(ctx context.Context, s Store, scenario string) error {
	if _, err := ReadBaseline(ctx, s, scenario); err != nil {
		return err
	}
	return s.Delete(ctx, baselineKey(scenario))
}
