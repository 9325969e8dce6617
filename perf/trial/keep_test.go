package trial_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
)

func TestTrialsAreKeptAndTheOldestGo(t *testing.T) {
	s := load.Folder(t.TempDir())
	kept, err := stageOf(t, steady(50), steady(60)).run(t.Context(), unwatched)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 103 {
		kept.Name = fmt.Sprintf("trial-normal-20261130-%06d", i)
		if _, err := trial.Keep(t.Context(), s, kept); err != nil {
			t.Fatal(err)
		}
	}
	names, err := trial.List(t.Context(), s)
	if err != nil || len(names) != 100 || names[0] != "trial-normal-20261130-000003" {
		t.Errorf("%d trials, the first %v, %v", len(names), names[0], err)
	}
	read, err := trial.Read(t.Context(), s, kept.Name)
	if err != nil || read.Outcome != compare.Regressed {
		t.Fatalf("%+v, %v", read, err)
	}
	if diff := cmp.Diff(kept.Answers, read.Answers); diff != "" {
		t.Errorf("(-kept +read):\n%s", diff)
	}
}

func TestTrialsThatCannotBeRead(t *testing.T) {
	s := load.Folder(t.TempDir())
	for name, text := range map[string]string{"trial-a": `{"version": 2}`, "trial-b": "x"} {
		if err := s.Write(t.Context(), "trials/"+name+".json", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := trial.Read(t.Context(), s, name); err == nil || !strings.Contains(err.Error(), name+".json") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := trial.Read(t.Context(), s, "trial-c"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := trial.Read(t.Context(), s, "../trial-a"); err == nil || !strings.Contains(err.Error(), "is no name of a trial") {
		t.Error(err)
	}
}
