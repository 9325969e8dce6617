package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/session"
)

// known lets in whom it knows, by token, and answers others as a verifier does.
type known map[string]auth.Caller

func (k known) Authenticate(_ context.Context, h http.Header) (auth.Caller, error) {
	switch token := strings.TrimPrefix(h.Get("Authorization"), "Bearer "); token {
	case "":
		return auth.Caller{}, auth.ErrAbsent
	case "twice":
		return auth.Caller{}, auth.ErrMalformed
	case "away":
		return auth.Caller{}, fmt.Errorf("%w: dial tcp 10.1.2.3: refused", auth.ErrUnavailable)
	default:
		if c, ok := k[token]; ok {
			return c, nil
		}
		return auth.Caller{}, fmt.Errorf("%w: its secret cause", auth.ErrToken)
	}
}

var everything = []auth.Scope{auth.SearchRead, auth.DocumentsRead, auth.DocumentsWrite, auth.SessionsRead, auth.SessionsWrite}

// guardedAPI knows ann and bob, who may do what users may, root, who may do it for others, and a token of each single scope.
func guardedAPI(f *fake, o Options) http.Handler {
	k := known{
		"ann": auth.NewCaller("ann", everything...), "bob": auth.NewCaller("bob", everything...),
		"root": auth.NewCaller("root", append(everything, auth.SessionsAdmin)...),
	}
	for _, s := range everything {
		k[string(s)] = auth.NewCaller("u", s)
	}
	o.Auth = k
	return checked(o)
}

func as(h http.Handler, token, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("X-User-Id", "ann")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestEveryRouteWantsItsScope holds whatever routes there are: without a token none answers, with the scopes of all
// others none does, and with its own each gets to its handler. Only probes and the description are anyone's.
func TestEveryRouteWantsItsScope(t *testing.T) {
	o := optionsOf(&fake{})
	h := guardedAPI(&fake{}, o)
	for _, route := range (&api{Options: o}).routes() {
		target := strings.ReplaceAll(route.path, "{id}", id.String())
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			if route.scope == anyone {
				if !isProbe(route.path) && route.path != "/v1/openapi.json" {
					t.Errorf("anyone may ask")
				}
				return
			}
			if w := as(h, "", route.method, target, ""); w.Code != http.StatusUnauthorized {
				t.Errorf("without a token: %d, want 401", w.Code)
			}
			served := 0
			for _, s := range everything {
				w := as(h, string(s), route.method, target, "")
				switch refused := w.Code == http.StatusForbidden; {
				case !refused:
					served++
				case s == route.scope:
					t.Errorf("with %s: %d %s", s, w.Code, w.Body)
				}
			}
			if served != 1 {
				t.Errorf("%d scopes are let in, want 1", served)
			}
		})
	}
}

func TestRefusalsSayNoMoreThanTheirCode(t *testing.T) {
	h := guardedAPI(&fake{}, optionsOf(&fake{}))
	for token, c := range map[string]struct {
		status    int
		kind      string
		challenge string
	}{
		"":                      {401, "unauthenticated", `Bearer realm="ragapi"`},
		"bad":                   {401, "unauthenticated", `Bearer realm="ragapi", error="invalid_token"`},
		"twice":                 {400, "invalid-request", `Bearer realm="ragapi", error="invalid_request"`},
		"away":                  {503, "unavailable", ""},
		string(auth.SearchRead): {403, "forbidden", `Bearer realm="ragapi", error="insufficient_scope", scope="documents:read"`},
	} {
		w := as(h, token, "GET", "/v1/documents", "")
		if w.Code != c.status || !strings.Contains(w.Body.String(), problemPrefix+c.kind) || w.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%q: %d %q %s, want %d %s %q", token, w.Code, w.Header().Get("WWW-Authenticate"), w.Body, c.status, c.kind, c.challenge)
		}
		if strings.Contains(w.Body.String(), "cause") || strings.Contains(w.Body.String(), "10.1.2.3") {
			t.Errorf("%q: %s says why", token, w.Body)
		}
	}
	if w := as(h, "away", "GET", "/v1/documents", ""); w.Header().Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	if w := as(h, "", "GET", "/v1/documents?access_token=ann", "access_token=ann"); w.Code != http.StatusUnauthorized {
		t.Errorf("a token in the URL is answered with %d", w.Code)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := as(h, "bad", "GET", path, ""); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// owned is a store with one session of ann's that remembers what it was asked.
type owned struct {
	fakeSessions
	asked *[]string
}

func (o owned) Get(_ context.Context, id uuid.UUID, _ session.Span) (session.Session, error) {
	s := sampleSession("ann")
	s.ID = id
	return s, o.err
}
func (o owned) Create(ctx context.Context, user string, key idempotency.Key) (session.Session, error) {
	*o.asked = append(*o.asked, "create "+user)
	return o.fakeSessions.Create(ctx, user, key)
}
func (o owned) List(_ context.Context, user string, _ int, _ uuid.UUID) ([]session.Session, error) {
	*o.asked = append(*o.asked, "list "+user)
	return nil, nil
}
func (o owned) Append(ctx context.Context, id uuid.UUID, m session.Message, key idempotency.Key, meant session.Condition) (session.Message, error) {
	*o.asked = append(*o.asked, "append")
	return o.fakeSessions.Append(ctx, id, m, key, meant)
}
func (o owned) Delete(context.Context, uuid.UUID, session.Condition) error {
	*o.asked = append(*o.asked, "delete")
	return nil
}

func TestSessionsAreTheirUsersAlone(t *testing.T) {
	one, message := "/v1/sessions/"+id.String(), `{"role":"user","content":"x"}`
	for name, c := range map[string]struct {
		token, method, target, body string
		want                        int
		asked                       []string
	}{
		"own":                     {"ann", "GET", one, "", 200, nil},
		"another's":               {"bob", "GET", one, "", 404, nil},
		"another's, as root":      {"root", "GET", one, "", 200, nil},
		"own message":             {"ann", "POST", one + "/messages", message, 201, []string{"append"}},
		"message to another's":    {"bob", "POST", one + "/messages", message, 404, nil},
		"message, as root":        {"root", "POST", one + "/messages", message, 201, []string{"append"}},
		"delete own":              {"ann", "DELETE", one, "", 204, []string{"delete"}},
		"delete another's":        {"bob", "DELETE", one, "", 404, nil},
		"create, unnamed":         {"bob", "POST", "/v1/sessions", `{}`, 201, []string{"create bob"}},
		"create, by name":         {"bob", "POST", "/v1/sessions", `{"user":"bob"}`, 201, []string{"create bob"}},
		"create for another":      {"bob", "POST", "/v1/sessions", `{"user":"ann"}`, 403, nil},
		"create as other letters": {"bob", "POST", "/v1/sessions", `{"user":"Bob"}`, 403, nil},
		"create for a blank":      {"bob", "POST", "/v1/sessions", `{"user":" "}`, 400, nil},
		"create, as root":         {"root", "POST", "/v1/sessions", `{"user":"ann"}`, 201, []string{"create ann"}},
		"list, unnamed":           {"bob", "GET", "/v1/sessions", "", 200, []string{"list bob"}},
		"list by name":            {"bob", "GET", "/v1/sessions?user=bob", "", 200, []string{"list bob"}},
		"list another's":          {"bob", "GET", "/v1/sessions?user=ann", "", 403, nil},
		"list twice":              {"bob", "GET", "/v1/sessions?user=ann&user=bob", "", 400, nil},
		"list a blank":            {"bob", "GET", "/v1/sessions?user=", "", 400, nil},
		"list, as root":           {"root", "GET", "/v1/sessions?user=ann", "", 200, []string{"list ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			f := &fake{}
			o := optionsOf(f)
			o.Sessions = owned{fakeSessions{f}, &asked}
			w := as(guardedAPI(f, o), c.token, c.method, c.target, c.body)
			if w.Code != c.want {
				t.Errorf("%d, want %d: %s", w.Code, c.want, w.Body)
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("the store was asked (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnothersSessionLooksLikeNone: the answers do not tell them apart.
func TestAnothersSessionLooksLikeNone(t *testing.T) {
	answer := func(err error) string {
		f := &fake{err: err}
		o := optionsOf(f)
		o.Sessions = owned{fakeSessions{f}, new([]string)}
		w := as(guardedAPI(f, o), "bob", "DELETE", "/v1/sessions/"+id.String(), "")
		w.Header().Del("X-Request-Id")
		body, _, _ := strings.Cut(w.Body.String(), `"requestId"`)
		return fmt.Sprint(w.Code, w.Header(), body)
	}
	if diff := cmp.Diff(answer(session.ErrNotFound), answer(nil)); diff != "" {
		t.Errorf("an absent session and another's (-absent +another's):\n%s", diff)
	}
}

func TestTheQueryLogNamesTheTokensUser(t *testing.T) {
	f := &fake{}
	if w := as(guardedAPI(f, optionsOf(f)), "bob", "GET", "/v1/search?q=lamp", ""); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	if len(f.logged) != 1 || f.logged[0].User != "bob" {
		t.Errorf("logged %+v, want one of bob's", f.logged)
	}
}

// TestNothingIsPublicThatNeedsAToken: a cache in between checks none.
func TestNothingIsPublicThatNeedsAToken(t *testing.T) {
	o := optionsOf(&fake{})
	h := guardedAPI(&fake{}, o)
	for _, route := range (&api{Options: o}).routes() {
		if route.method != http.MethodGet || route.scope == anyone {
			continue
		}
		target := strings.ReplaceAll(route.path, "{id}", id.String())
		if route.path == "/v1/search" {
			target += "?q=x"
		}
		w := as(h, "ann", "GET", target, "")
		control := w.Header().Get("Cache-Control")
		if !strings.HasPrefix(control, "private") && control != "no-store" || strings.Contains(control, "s-maxage") || w.Header().Get("Vary") != "Authorization" {
			t.Errorf("%s: %d, Cache-Control %q, Vary %q", route.path, w.Code, control, w.Header().Get("Vary"))
		}
	}
}
