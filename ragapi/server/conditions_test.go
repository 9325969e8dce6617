package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/session"
)

const (
	aSession = "/v1/sessions/01930000-0000-7000-8000-000000000001"
	aMessage = `{"role":"user","content":"x"}`
)

// changing are the requests that change something that is there, with its ETag.
var changing = []struct{ method, path, body, tag string }{
	{"PUT", aDocument, anUpload, documentTag(sample())},
	{"POST", aDocument + "/retry", "", documentTag(sample())},
	{"DELETE", aDocument, "", documentTag(sample())},
	{"POST", aSession + "/messages", aMessage, timeTag(created)},
	{"DELETE", aSession, "", timeTag(created)},
}

func TestNothingIsChangedUnlessItsConditionsHold(t *testing.T) {
	for _, c := range changing {
		for _, condition := range []struct {
			headers []string
			holds   bool
		}{
			{nil, true},
			{[]string{"If-Match", c.tag}, true},
			{[]string{"If-Match", "*"}, true},
			{[]string{"If-Match", `"x", ` + c.tag}, true},
			{[]string{"If-Match", `"x"`, "If-Match", c.tag}, true},
			{[]string{"If-Match", `"x"`}, false},
			{[]string{"If-Match", `"x","y"`}, false},
			{[]string{"If-Match", "W/" + c.tag}, false},
			{[]string{"If-Match", strings.Trim(c.tag, `"`)}, false},
			{[]string{"If-Match", ""}, false},
			{[]string{"If-Match", `"a,*,b"`}, false},
			{[]string{"If-Match", `"a` + c.tag}, false},
			{[]string{"If-None-Match", `"x"`}, true},
			{[]string{"If-None-Match", c.tag}, false},
			{[]string{"If-None-Match", "W/" + c.tag}, false},
			{[]string{"If-None-Match", "*"}, false},
			{[]string{"If-Match", c.tag, "If-None-Match", `"x"`}, true},
			{[]string{"If-Match", c.tag, "If-None-Match", c.tag}, false},
		} {
			f := &fake{}
			w := ask(f, c.method, c.path, c.body, condition.headers...)
			if f.changed != condition.holds || (w.Code == http.StatusPreconditionFailed) == condition.holds {
				t.Errorf("%s %s with %q: status %d, changed: %v", c.method, c.path, condition.headers, w.Code, f.changed)
			}
		}
	}
}

// TestAConditionIsNotAskedForWhatIsNotThere: after RFC 9110, 13.2.1, what would be refused without it is refused as without it.
func TestAConditionIsNotAskedForWhatIsNotThere(t *testing.T) {
	for _, c := range changing {
		refusals := map[error]int{document.ErrNotFound: 404, session.ErrNotFound: 404}
		if strings.HasSuffix(c.path, "/retry") {
			refusals[document.ErrNotFailed] = 409
		}
		for gone, want := range refusals {
			w := ask(&fake{err: fmt.Errorf("store: %w", gone)}, c.method, c.path, c.body, "If-Match", c.tag)
			if w.Code != want {
				t.Errorf("%s %s: %v is answered %d, want %d", c.method, c.path, gone, w.Code, want)
			}
		}
	}
}

func TestWhatIsMadeMatchesNothing(t *testing.T) {
	for path, body := range map[string]string{"/v1/documents": anUpload, "/v1/sessions": `{"user":"u"}`} {
		for header, values := range map[string][]string{"If-Match": {"*", `"x"`}, "If-None-Match": {"*", `"x"`}} {
			for _, value := range values {
				f := &fake{}
				w := ask(f, "POST", path, body, header, value)
				if made := header == "If-None-Match"; f.changed != made || (w.Code == http.StatusPreconditionFailed) == made {
					t.Errorf("POST %s with %s: %s is answered %d, made: %v", path, header, value, w.Code, f.changed)
				}
			}
		}
	}
}

// tagged are paths whose answers have an ETag.
var tagged = []string{
	"/v1/documents", aDocument, aDocument + "/chunks", "/v1/search?q=lamp", "/v1/sessions?user=u", aSession, "/v1/dashboard", "/v1/openapi.json",
}

func TestWhatIsReadHeedsConditions(t *testing.T) {
	for _, path := range tagged {
		tag := ask(&fake{}, "GET", path, "").Header().Get("ETag")
		if tag == "" {
			t.Errorf("GET %s has no ETag", path)
		}
		for _, c := range []struct {
			want    int
			headers []string
		}{
			{304, []string{"If-None-Match", tag}},
			{304, []string{"If-None-Match", "W/" + tag}},
			{304, []string{"If-None-Match", `"x"`, "If-None-Match", tag}},
			{304, []string{"If-None-Match", `"a,b" , ` + tag}},
			{304, []string{"If-None-Match", "*"}},
			{200, []string{"If-None-Match", `"x"`}},
			{200, []string{"If-None-Match", `"a,*,b"`}},
			{200, []string{"If-None-Match", ""}},
			{200, []string{"If-Match", tag}},
			{412, []string{"If-Match", `"x"`}},
			{412, []string{"If-Match", "W/" + tag}},
			{412, []string{"If-Match", `"x"`, "If-None-Match", tag}},
			{304, []string{"If-Match", tag, "If-None-Match", tag}},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				if w := ask(&fake{}, method, path, "", c.headers...); w.Code != c.want {
					t.Errorf("%s %s with %q: status %d, want %d", method, path, c.headers, w.Code, c.want)
				}
			}
		}
	}
}

// TestWhatCannotBeHeededIsIgnored: nothing has a Last-Modified, no answer is of a part, probes have no ETag, and what makes nothing
// takes no key, for sent again it changes nothing more.
func TestWhatCannotBeHeededIsIgnored(t *testing.T) {
	dates := []string{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", "If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", "Range", "bytes=0-1", "If-Range", `"x"`}
	key := []string{"Idempotency-Key", "not one"}
	ignored := func(method, path, body string, headers ...string) {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		f, w := &fake{}, httptest.NewRecorder()
		New(optionsOf(f)).ServeHTTP(w, r) // and not as checked: the document has none of these
		if w.Code >= 300 || f.key.Value != "" || f.uploaded.Key.Value != "" || method != "GET" && !f.changed {
			t.Errorf("%s %s with %q: status %d, key %+v, changed: %v", method, path, headers, w.Code, f.key, f.changed)
		}
	}
	for _, c := range changing {
		ignored(c.method, c.path, c.body, dates...)
		if !strings.HasSuffix(c.path, "/messages") {
			ignored(c.method, c.path, c.body, key...)
		}
	}
	for _, path := range tagged {
		ignored("GET", path, "", append(key, dates...)...)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		ignored("GET", path, "", "If-Match", `"x"`, "If-None-Match", "*")
	}
}

// TestAMessageThatWasSaidIsAnsweredThoughItsSessionIsGone: by its key. Another's session is none, and nothing is said in it.
func TestAMessageThatWasSaidIsAnsweredThoughItsSessionIsGone(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		gone   error
		key    string
		want   int
		looked bool // for what was said under the key
	}{
		"gone, with a key":       {"ann", session.ErrNotFound, "k", 201, true},
		"gone, without a key":    {"ann", session.ErrNotFound, "", 404, false},
		"another's, with a key":  {"bob", nil, "k", 404, true},
		"unknown now":            {"ann", errors.New("lost"), "k", 500, false},
		"there, with a key":      {"ann", nil, "k", 201, true},
		"another's, without one": {"bob", nil, "", 404, false},
	} {
		f := &fake{}
		o := optionsOf(f)
		kept := ended{owned{fakeSessions{f}, new([]string)}, c.gone}
		o.Sessions = kept
		headers := []string{}
		if c.key != "" {
			headers = append(headers, "Idempotency-Key", c.key)
		}
		w := as(guardedAPI(f, o), c.token, "POST", aSession+"/messages", aMessage, headers...)
		if w.Code != c.want || (len(*kept.asked) > 0) != c.looked || (f.appended.Content != "") != (c.want == 201 && c.gone == nil) {
			t.Errorf("%s: status %d, asked %q, said %+v", name, w.Code, *kept.asked, f.appended)
		}
	}
}

// ended is a store whose session cannot be read, and may be gone; what was said in it under a key is known.
type ended struct {
	owned
	err error
}

func (e ended) Get(ctx context.Context, id uuid.UUID, part session.Span) (session.Session, error) {
	if e.err != nil {
		return session.Session{}, e.err
	}
	return e.owned.Get(ctx, id, part)
}

func (e ended) Append(ctx context.Context, id uuid.UUID, m session.Message, key idempotency.Key, meant session.Condition) (session.Message, error) {
	if e.err == nil {
		return e.owned.Append(ctx, id, m, key, meant)
	}
	*e.asked = append(*e.asked, "said before")
	m.Number, m.At = 1, created
	return m, nil
}

func TestASessionsKeyStandsForItsUser(t *testing.T) {
	keyOf := func(body string) (value string, request [32]byte) {
		t.Helper()
		f := &fake{}
		if w := ask(f, "POST", "/v1/sessions", body, "Idempotency-Key", "k-1"); w.Code != http.StatusCreated {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		return f.key.Value, f.key.Request
	}
	value, first := keyOf(`{"user":"u"}`)
	_, same := keyOf(`{ "user": "u" }`)
	_, other := keyOf(`{"user":"v"}`)
	if value != "k-1" || first != same || first == other {
		t.Errorf("key %q; the same for the same user: %v, for another: %v", value, first == same, first == other)
	}
	if w := ask(&fake{}, "POST", "/v1/sessions", `{"user":"u"}`, "Idempotency-Key", "not one"); w.Code != http.StatusBadRequest {
		t.Errorf("a key with a blank: status %d", w.Code)
	}
}
