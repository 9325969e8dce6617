package loadscripts

import (
	"net/http"
	"slices"
	"testing"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

func TestUploadIsFollowedUntilItIsFound(t *testing.T) {
	a, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	data := g.prepare()
	v := g.mustUser(2)
	for range 2 {
		v.does("upload", data)
	}
	g.wantNoFault()
	if seconds := g.values("upload_seconds_per_mb"); len(seconds) != 2 || seconds[0] <= 0 || seconds[0] > 1 {
		t.Errorf("seconds per MB: %v, want two that are the pauses between questions", seconds)
	}
	if deleted := countKind(g, "delete"); deleted != 1 || len(a.documents) != 101 {
		t.Errorf("%d deletions, %d documents; want the first upload deleted, and 100 prepared ones and the second left", deleted, len(a.documents))
	}
}

func countKind(g *generator, kind string) int {
	n := 0
	for _, k := range g.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

func TestUploadThatIsNeverFoundIsAFaultAndCountsTwice(t *testing.T) {
	a, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	data := g.prepare()
	a.deaf = true
	v := g.mustUser(2)
	v.does("upload", data)
	if seconds := g.values("upload_seconds_per_mb"); len(seconds) != 1 || seconds[0] != 60 {
		t.Errorf("seconds per MB: %v, want 60", seconds)
	}
	var faults []float64
	for _, s := range g.samples {
		if s.Metric.Name == "faults" && s.Tags["kind"] == "upload-search" {
			faults = append(faults, s.Value)
		}
	}
	if len(faults) != 10 || faults[9] != 1 || slices.Contains(faults[:9], 1) {
		t.Errorf("faults %v, want the last of 10 searches to be one", faults)
	}
}

func TestWrongAnswersAreFaultsAndThrowNothing(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		change func(status *int, body *any)
	}{
		"status":             {"search-simple", func(status *int, _ *any) { *status = 503 }},
		"another query":      {"search-simple", func(_ *int, body *any) { *body = map[string]any{"query": "x", "mode": "simple", "hits": []any{}} }},
		"no hits":            {"search-complex", func(_ *int, body *any) { (*body).(map[string]any)["hits"] = []any{} }},
		"no JSON":            {"search-complex", func(_ *int, body *any) { *body = "<html>" }},
		"empty":              {"dashboard", func(_ *int, body *any) { *body = "" }},
		"null":               {"dashboard", func(_ *int, body *any) { *body = "null" }},
		"another document":   {"document", func(_ *int, body *any) { d := (*body).(document); d.ID = "x"; *body = d }},
		"unfinished":         {"document", func(_ *int, body *any) { d := (*body).(document); d.Status = "pending"; *body = d }},
		"somebody's session": {"session", func(_ *int, body *any) { *body = session{ID: "x", User: "somebody"} }},
		"upload refused": {"upload", func(status *int, body *any) {
			if _, isDocument := (*body).(*document); isDocument {
				*status = 429
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a, url := newAPI(t)
			g := newGenerator(t, url, smoke())
			data := g.prepare()
			a.change = func(_ *http.Request, status *int, body *any) { c.change(status, body) }
			v := g.mustUser(2)
			v.does(c.kind, data)
			if faults := g.values("faults"); slices.Index(faults, 1) != len(faults)-1 {
				t.Errorf("faults %v, want one, and nothing after it", faults)
			}
		})
	}
}

func TestAPIThatIsGoneIsAFaultAndThrowsNothing(t *testing.T) {
	_, url := newAPI(t)
	g := newGenerator(t, url, smoke())
	data := g.prepare()
	g.Env[k6.EnvTarget] = "http://127.0.0.1:1"
	g.mustUser(1).act(6, data)
	if faults := g.values("faults"); len(faults) != 8 || slices.Contains(faults, 0) {
		t.Errorf("faults %v, want eight: an upload is asked for before it is sent, and a complex search asks for vectors too", faults)
	}
}
