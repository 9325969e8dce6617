package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/perf/load"
)

func runOf(length time.Duration) *load.Run {
	began := time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	return &load.Run{Name: "peak-1", Scenario: load.Scenario{Name: "peak"}, BeganAt: began, EndedAt: began.Add(length)}
}

func TestStepsAreLongerForLongRuns(t *testing.T) {
	for length, want := range map[time.Duration]time.Duration{time.Second: 30 * time.Second, 89 * time.Minute: 30 * time.Second, 4 * time.Hour: 90 * time.Second, 72 * time.Hour: 1470 * time.Second} {
		w := WindowOf(runOf(length))
		if w.Step != want || w.points() > mostPoints {
			t.Errorf("%s: step %s with %d points, want %s with %d at most", length, w.Step, w.points(), want, mostPoints)
		}
	}
}

// The most that is kept of the longest run.
func TestWhatIsKeptIsBounded(t *testing.T) {
	w := WindowOf(runOf(4 * time.Hour))
	all := Telemetry{Version: Version, From: w.From, StepSeconds: w.Step.Seconds()}
	for _, q := range asked {
		p := Panel{Name: q.name, Title: q.title}
		for i := range mostSeries {
			s := Series{Name: fmt.Sprintf("/v1/documents/{id}/%d", i)}
			for j := range w.points() {
				s.Values = append(s.Values, 1234.56789*float64(j)+math.Pi)
			}
			p.Series = append(p.Series, s)
		}
		all.Panels = append(all.Panels, p)
	}
	text, err := json.Marshal(&all)
	if err != nil || len(text) > 2<<20 {
		t.Errorf("%d bytes (%v), want 2 MiB at most", len(text), err)
	}
}

func TestTelemetryIsKeptAndRead(t *testing.T) {
	s, run := load.Folder(t.TempDir()), runOf(time.Minute)
	if got, err := Read(t.Context(), s, run); got != nil || err != nil {
		t.Errorf("nothing kept: %v, %v", got, err)
	}
	kept := Collect(t.Context(), WindowOf(run), workspace(t, planted(t), "nothing"))
	kept.Panels = append(kept.Panels, Panel{Name: "x", Series: []Series{{Name: "y", Values: Values{1.5, math.NaN(), 3}}}})
	if err := kept.Keep(t.Context(), s, run); err != nil {
		t.Fatal(err)
	}
	got, err := Read(t.Context(), s, run)
	if err != nil || len(got.Missing) != len(kept.Missing) || !got.From.Equal(kept.From) || got.StepSeconds != 30 {
		t.Fatalf("%+v, %v", got, err)
	}
	if v := got.Panels[0].Series[0].Values; len(v) != 3 || v[0] != 1.5 || !math.IsNaN(v[1]) || v[2] != 3 {
		t.Errorf("values %v", v)
	}
	if keys, _ := s.Keys(t.Context(), load.RunPrefix("peak", "peak-1")); strings.Join(keys, " ") != "results/peak/peak-1/telemetry.json" {
		t.Errorf("kept as %v", keys)
	}
	for _, text := range []string{
		`{"version": 3, "stepSeconds": 30}`, `{"version": 0, "stepSeconds": 30}`, `{"version": 1, "stepSeconds": 0}`, `{`,
		`{"version": 2, "stepSeconds": 30, "panels": [{"name": "x", "stepSeconds": 60}]}`, `{"version": 2, "stepSeconds": 30, "panels": [{"name": "x", "stepSeconds": -1}]}`,
		`{"version": 2, "stepSeconds": 30, "panels": [{"name": "x", "series": [{"values": [` + strings.Repeat("null,", mostTotal) + `1]}]}]}`,
	} {
		if err := s.Write(t.Context(), key(run), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context(), s, run); err == nil || !strings.Contains(err.Error(), "telemetry.json: ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPanelsOfVersion1HaveTheStepsOfTheWhole(t *testing.T) {
	s, run := load.Folder(t.TempDir()), runOf(time.Minute)
	for version, want := range map[string]string{
		`{"version": 1, "from": "2026-11-24T12:00:00Z", "stepSeconds": 30, "panels": [{"name": "x", "series": []}], "missing": []}`:                                                                        "12:00:00 30s false",
		`{"version": 2, "from": "2026-11-24T12:00:00Z", "stepSeconds": 30, "askedAt": "2026-11-24T12:02:00Z", "panels": [{"name": "x", "from": "2026-11-24T12:00:30Z", "stepSeconds": 60, "series": []}]}`: "12:00:30 1m0s true",
		`{"version": 2, "from": "2026-11-24T12:00:00Z", "stepSeconds": 30, "askedAt": "2026-11-24T12:20:00Z", "panels": [{"name": "x", "series": []}]}`:                                                    "12:00:00 30s false",
	} {
		if err := s.Write(t.Context(), key(run), []byte(version)); err != nil {
			t.Fatal(err)
		}
		got, err := Read(t.Context(), s, run)
		if err != nil {
			t.Fatal(err)
		}
		from, step := got.Steps(*got.Panel("x"))
		if text := fmt.Sprint(from.Format(time.TimeOnly), " ", step, " ", got.Late(run)); text != want {
			t.Errorf("%s: %s, want %s", version, text, want)
		}
	}
}

// stuck is a source that waits until another was asked.
type stuck struct{ until, done chan struct{} }

func (s stuck) Panels(ctx context.Context, _ Window) ([]Panel, []Missing) {
	close(s.done)
	select {
	case <-s.until:
		return []Panel{{Name: "late"}}, nil
	case <-ctx.Done():
		return nil, []Missing{{"late", ctx.Err().Error()}}
	}
}

func TestSourcesAreAskedSideBySide(t *testing.T) {
	a, b := make(chan struct{}), make(chan struct{})
	got := Collect(t.Context(), window, stuck{a, b}, stuck{b, a})
	if len(got.Panels) != 2 || got.AskedAt.IsZero() || len(got.Missing) != 0 {
		t.Errorf("%+v", got)
	}
}

// A file that was not made here, or is damaged, is refused before anything is made of it.
func TestOddTelemetryIsRefused(t *testing.T) {
	run := &load.Run{Name: "normal-1", Scenario: load.Scenario{Name: "normal"}}
	series := func(s string) string {
		return `{"version":1,"stepSeconds":30,"panels":[{"name":"p","series":[` + s + `]}]}`
	}
	for want, text := range map[string]string{
		"unexpected end":                   series(`{"name":"a"}`)[:40],
		"version is 99":                    `{"version":99,"stepSeconds":30}`,
		`has two series "a"`:               series(`{"name":"a"},{"name":"a"}`),
		`series "a" has the value 1e+300`:  series(`{"name":"a","values":[1,null,1e300]}`),
		"panel p has 241 series, want 240": series(strings.Repeat(`{"name":"a"},`, 240) + `{"name":"a"}`),
		"300 panels, want 240 at most":     `{"version":1,"stepSeconds":30,"panels":[` + strings.Repeat("{},", 299) + "{}]}",
	} {
		folder := load.Folder(t.TempDir())
		if err := folder.Write(t.Context(), key(run), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context(), folder, run); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
