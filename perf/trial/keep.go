package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/ragscale/ragscale/perf/load"
)

const (
	trialsPrefix = "trials/" // trials/NAME.json
	// mostKept trials are in a store: the newest.
	mostKept = 100
)

// namePattern is a trial's name: trial, the scenario, when it began.
var namePattern = regexp.MustCompile(`^trial-[a-z0-9-]{1,100}$`)

// Keep writes a trial to a store, and deletes the oldest where there are too many.
func Keep(ctx context.Context, s load.Store, t *Trial) (where string, err error) {
	key := trialsPrefix + t.Name + ".json"
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	if err := s.Write(ctx, key, text); err != nil {
		return "", err
	}
	names, err := List(ctx, s)
	for err == nil && len(names) > mostKept {
		err = s.Delete(ctx, trialsPrefix+names[0]+".json")
		names = names[1:]
	}
	return s.Name(key), err
}

// List names the trials of a store, the oldest of each scenario first.
func List(ctx context.Context, s load.Store) (names []string, err error) {
	keys, err := s.Keys(ctx, trialsPrefix)
	for _, key := range keys {
		if name, ok := strings.CutSuffix(strings.TrimPrefix(key, trialsPrefix), ".json"); ok {
			names = append(names, name)
		}
	}
	return names, err
}

// Read returns a trial of a store.
func Read(ctx context.Context, s load.Store, name string) (*Trial, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("trial %q is no name of a trial, want one such as trial-normal-20261124-033000", name)
	}
	key := trialsPrefix + name + ".json"
	text, err := s.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	var t Trial
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(key), err)
	}
	if t.Version != 1 {
		return nil, fmt.Errorf("%s: version %d, want 1: a newer ragscale wrote it", s.Name(key), t.Version)
	}
	return &t, nil
}
