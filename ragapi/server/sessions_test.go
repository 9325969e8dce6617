package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/session"
)

var sampleSummary = querylog.Summary{
	Documents: querylog.Count{Rows: 3, Exact: true}, Chunks: querylog.Count{Rows: 300_000}, Sessions: querylog.Count{Rows: 1, Exact: true},
	Hours: []querylog.Hour{{Start: created, Span: querylog.Span{Searches: 10, Cached: 4, P95: 1500 * time.Microsecond}}},
	Modes: map[string]querylog.Span{"simple": {Searches: 10, Cached: 4, P95: 1500 * time.Microsecond}},
}

const sampleSessionJSON = `{"id":"01930000-0000-7000-8000-000000000001","user":"u","createdAt":"2026-11-23T12:00:00Z","updatedAt":"2026-11-23T12:00:00Z","expiresAt":"2026-11-23T13:00:00Z"}`

func TestASessionIsCreatedAndLocated(t *testing.T) {
	w := call(newAPI(&fake{}), "POST", "/v1/sessions", "application/json", `{"user":"u"}`)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/v1/sessions/"+id.String() {
		t.Errorf("status %d, Location %q", w.Code, w.Header().Get("Location"))
	}
	same(t, sampleSessionJSON, w.Body.String())
}

func TestAMessageIsAppendedAndAnswered(t *testing.T) {
	f := &fake{}
	w := call(newAPI(f), "POST", "/v1/sessions/"+id.String()+"/messages", "application/json", `{"role":"user","content":"Where is the lamp?"}`)
	if w.Code != http.StatusCreated {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	same(t, `{"number":1,"role":"user","content":"Where is the lamp?","at":"2026-11-23T12:00:00Z"}`, w.Body.String())
	if diff := cmp.Diff(session.Message{Role: "user", Content: "Where is the lamp?"}, f.appended); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestAMessagesKeyStandsForItsSessionRoleAndContent(t *testing.T) {
	keyOf := func(session, body string) idempotency.Key {
		t.Helper()
		f := &fake{}
		if w := ask(f, "POST", "/v1/sessions/"+session+"/messages", body, "Idempotency-Key", "k-1"); w.Code != http.StatusCreated {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		return f.key
	}
	first := keyOf(id.String(), `{"role":"user","content":"x"}`)
	if first.Value != "k-1" || first != keyOf(id.String(), `{ "content":"x", "role":"user" }`) {
		t.Errorf("the same message has the keys %+v and another", first)
	}
	for _, other := range []idempotency.Key{
		keyOf(id.String(), `{"role":"assistant","content":"x"}`), keyOf(id.String(), `{"role":"user","content":"y"}`), keyOf(uuid.NewString(), `{"role":"user","content":"x"}`),
	} {
		if other.Request == first.Request {
			t.Errorf("%+v is taken for the first", other)
		}
	}
	w := ask(&fake{err: fmt.Errorf("append: %w", idempotency.ErrInFlight)}, "POST", "/v1/sessions/"+id.String()+"/messages", `{"role":"user","content":"x"}`, "Idempotency-Key", "k")
	if w.Code != http.StatusConflict || w.Header().Get("Retry-After") == "" {
		t.Errorf("one in flight: status %d, %v", w.Code, w.Header())
	}
}

func TestFaultySessionRequestsAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ target, body, want string }{
		"no user":      {"/v1/sessions", `{}`, `[{"pointer":"/user","detail":"is missing or blank, want a text"}]`},
		"unknown":      {"/v1/sessions", `{"user":"u","ttl":1}`, `[{"pointer":"/ttl","detail":"is not known, want user"}]`},
		"not a text":   {"/v1/sessions", `{"user":7}`, `[{"pointer":"/user","detail":"is of type number, want a string"}]`},
		"long user":    {"/v1/sessions", `{"user":"` + strings.Repeat("x", 129) + `"}`, `[{"pointer":"/user","detail":"has 129 bytes, want 128 bytes at most"}]`},
		"no object":    {"/v1/sessions", `null`, `[{"pointer":"","detail":"is null, want an object"}]`},
		"both at once": {"/v1/sessions/" + id.String() + "/messages", `{"role":"poet"}`, `[{"pointer":"/role","detail":"is \"poet\", want one of user, assistant, system"},{"pointer":"/content","detail":"is missing or blank, want a text"}]`},
		"a NUL":        {"/v1/sessions/" + id.String() + "/messages", `{"role":"user","content":"a\u0000"}`, `[{"pointer":"/content","detail":"has a NUL character, which cannot be stored"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(newAPI(&fake{}), "POST", c.target, "application/json", c.body)
			var p struct {
				Errors json.RawMessage `json:"errors"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			same(t, c.want, string(p.Errors))
		})
	}
}

func TestASessionThatIsNotJSONIs415(t *testing.T) {
	if w := call(newAPI(&fake{}), "POST", "/v1/sessions", "text/plain", "u"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("status %d, want 415", w.Code)
	}
}

func TestAnAbsentSessionIs404(t *testing.T) {
	if w := call(newAPI(&fake{err: session.ErrNotFound}), "GET", "/v1/sessions/"+id.String(), "", ""); w.Code != http.StatusNotFound {
		t.Errorf("status %d, want 404", w.Code)
	}
}

func TestPagesListEverySessionOnce(t *testing.T) {
	f := &fake{}
	for i := byte(5); i > 0; i-- {
		s := sampleSession("u")
		s.ID[15] = i
		f.sessions = append(f.sessions, s)
	}
	var seen []byte
	cursor := ""
	for range 4 {
		var page sessionPage
		w := call(newAPI(f), "GET", "/v1/sessions?user=u&limit=2&cursor="+cursor, "", "")
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Sessions {
			seen = append(seen, s.ID[15])
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]byte{5, 4, 3, 2, 1}, seen); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
}

func TestTheDashboardMayBeKeptByTheCDN(t *testing.T) {
	w := call(newAPI(&fake{}), "GET", "/v1/dashboard", "", "")
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=10, s-maxage=10, stale-while-revalidate=10" {
		t.Errorf("Cache-Control %q", got)
	}
	same(t, `{"documents":{"count":3,"exact":true},"chunks":{"count":300000,"exact":false},"sessions":{"count":1,"exact":true},
		"hours":[{"start":"2026-11-23T12:00:00Z","searches":10,"cached":4,"p95Millis":1.5}],"modes":{"simple":{"searches":10,"cached":4,"p95Millis":1.5}}}`, w.Body.String())
}

func TestASearchIsLoggedWithItsUser(t *testing.T) {
	f := &fake{}
	r := httptest.NewRequest("GET", "/v1/search?q=lamp&mode=complex", nil)
	r.Header.Set("X-User-Id", "u")
	newAPI(f).ServeHTTP(httptest.NewRecorder(), r)
	if len(f.logged) != 1 {
		t.Fatalf("%d records, want 1", len(f.logged))
	}
	got := f.logged[0]
	got.At, got.Took = time.Time{}, 0
	if diff := cmp.Diff(querylog.Record{User: "u", Query: "lamp", Mode: "complex", Hits: 1, Cached: true}, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestTheNameOfAUserIsReadAlikeEverywhere(t *testing.T) {
	for _, given := range []string{"bob", " bob", "bob ", "\tbob", "jose\u0301", "jos\u00e9 ", "\u00a0bob"} {
		f := &fake{}
		body, err := json.Marshal(map[string]string{"user": given})
		if err != nil {
			t.Fatal(err)
		}
		var made sessionBody
		if err := json.Unmarshal(call(newAPI(f), "POST", "/v1/sessions", "application/json", string(body)).Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		call(newAPI(f), "GET", "/v1/sessions?user="+url.QueryEscape(given), "", "")
		ask(f, "GET", "/v1/search?q=lamp", "", "X-User-Id", given)
		if made.User != strings.TrimSpace(norm.NFC.String(given)) || f.listed != made.User || f.logged[0].User != made.User {
			t.Errorf("%q begins a session of %q, lists those of %q, and is logged as %q", given, made.User, f.listed, f.logged[0].User)
		}
	}
	for _, given := range []string{" ", strings.Repeat("x", 129), "a\x00"} {
		body, err := json.Marshal(map[string]string{"user": given})
		if err != nil {
			t.Fatal(err)
		}
		for from, w := range map[string]*httptest.ResponseRecorder{
			"body":   call(newAPI(&fake{}), "POST", "/v1/sessions", "application/json", string(body)),
			"query":  call(newAPI(&fake{}), "GET", "/v1/sessions?user="+url.QueryEscape(given), "", ""),
			"header": ask(&fake{}, "GET", "/v1/search?q=lamp", "", "X-User-Id", given),
		} {
			if w.Code != http.StatusBadRequest {
				t.Errorf("%s: %q gets %d", from, given, w.Code)
			}
		}
	}
}

func TestASessionWithOlderMessagesSaysBeforeWhich(t *testing.T) {
	kept := sampleSession("u")
	kept.Messages = []session.Message{{Number: 57, Role: "user", Content: "<b> & \u2028", At: created}}
	for older, want := range map[bool]string{true: `,"next":57}`, false: `"expiresAt":"2026-11-23T13:00:00Z"}`} {
		kept.Older = older
		text := call(newAPI(&fake{kept: kept}), "GET", "/v1/sessions/"+id.String(), "", "").Body.String()
		if !strings.HasSuffix(text, want+"\n") || !strings.Contains(text, `"<b> & \u2028"`) {
			t.Errorf("%s, want it to end with %s, and its texts as they are", text, want)
		}
	}
}
