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
	return Admin(NewReadiness(func(context.Context) error { return nil }, slog.New(slog.DiscardHandler)), prometheus.NewRegistry(), kept)
}

func TestWhatIsToBeInvalidatedIsRead(t *testing.T) {
	for body, want := range map[string]cache.Scope{
		`{"all":"yes"}`:                                 {Everything: true},
		`{"search":"*"}`:                                {Searches: true},
		`{"search":"lamp keeper"}`:                      {Pattern: "lamp keeper"},
		"{\"search\":\"cafe\u0301\"}":                   {Pattern: "caf\u00e9"},
		`{"user":"u","document":"` + id.String() + `"}`: {User: "u", Document: id},
	} {
		var k told
		if w := call(admin(&k), "POST", "/invalidate", "application/json", body); w.Code != http.StatusNoContent {
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
		`{"all":true}`:       `[{"pointer":"/all","detail":"is of type bool, want a string"}]`,
		`{"search":"+++"}`:   `[{"pointer":"/search","detail":"has no letter or digit and selects nothing, want words, or * for all searches"}]`,
		`{"search":"🚢"}`:     `[{"pointer":"/search","detail":"has no letter or digit and selects nothing, want words, or * for all searches"}]`,
		`{"document":"7"}`:   `[{"pointer":"/document","detail":"is not a UUID, want the id of a document"}]`,
		`{"pattern":"lamp"}`: `[{"pointer":"/pattern","detail":"is not known, want all or document or search or user"}]`,
	} {
		w := call(admin(&told{}), "POST", "/invalidate", "application/json", body)
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
	if w := call(admin(&told{err: errors.New("gone")}), "POST", "/invalidate", "application/json", `{"all":"yes"}`); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
}

func TestWithoutACacheThereIsNothingToInvalidate(t *testing.T) {
	if w := call(admin(nil), "POST", "/invalidate", "application/json", `{"all":"yes"}`); w.Code != http.StatusNotFound {
		t.Errorf("status %d, want 404", w.Code)
	}
}
