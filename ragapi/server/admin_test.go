package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ragscale/ragscale/ragapi/cache"
)

// told remembers what was to be invalidated.
type told struct {
	scope cache.Scope
	err   error
}

func (k *told) Invalidate(_ context.Context, s cache.Scope) error {
	k.scope = s
	return k.err
}

func admin(kept Invalidator) http.Handler {
	ready := NewReadiness(func(context.Context) error { return nil }, slog.New(slog.DiscardHandler))
	return answered.Handler(Admin(ready, prometheus.NewRegistry(), kept), New(optionsOf(&fake{})))
}

func TestWhatIsToBeInvalidatedIsRead(t *testing.T) {
	for body, want := range map[string]cache.Scope{
		`{"all":true}`:                                  {Everything: true},
		`{"search":"*"}`:                                {Searches: true},
		`{"search":"lamp keeper"}`:                      {Words: []string{"keeper", "lamp"}},
		"{\"search\":\"cafe\u0301s*\"}":                 {Words: []string{"caf\u00e9s*"}},
		`{"user":"u","document":"` + id.String() + `"}`: {User: "u", Document: id},
	} {
		var k told
		if w := call(admin(&k), "POST", "/v1/cache/invalidations", "application/json", body); w.Code != http.StatusNoContent {
			t.Errorf("%s: status %d: %s", body, w.Code, w.Body)
		}
		if diff := cmp.Diff(want, k.scope); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestFaultyInvalidationsAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                 `[{"pointer":"","detail":"is empty, want all, document, search or user"}]`,
		`{"all":"yes"}`:      `[{"pointer":"/all","detail":"is not true: leave it out, or want true"}]`,
		`{"search":"+++"}`:   `[{"pointer":"/search","detail":"selects no search: it has no word; want words, or beginnings such as light*, or * for all"}]`,
		`{"search":"🚢"}`:     `[{"pointer":"/search","detail":"selects no search: it has no word; want words, or beginnings such as light*, or * for all"}]`,
		`{"document":"7"}`:   `[{"pointer":"/document","detail":"is not a UUID, want the id of a document"}]`,
		`{"pattern":"lamp"}`: `[{"pointer":"/pattern","detail":"is not known, want all or document or search or user"}]`,
	} {
		w := call(admin(&told{}), "POST", "/v1/cache/invalidations", "application/json", body)
		var p struct {
			Errors json.RawMessage `json:"errors"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
			t.Fatalf("%s: status %d: %s", body, w.Code, w.Body)
		}
		same(t, want, string(p.Errors))
	}
}

func TestAnInvalidationThatCouldNotBeDoneIsA503(t *testing.T) {
	if w := call(admin(&told{err: errors.New("gone")}), "POST", "/v1/cache/invalidations", "application/json", `{"all":true}`); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
}

func TestWithoutACacheThereIsNothingToInvalidate(t *testing.T) {
	if w := call(admin(nil), "POST", "/v1/cache/invalidations", "application/json", `{"all":true}`); w.Code != http.StatusNotFound {
		t.Errorf("status %d, want 404", w.Code)
	}
}
