package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/auth"
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
	return New(o)
}

func as(h http.Handler, token, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("X-User-Id", "ann")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestEveryRouteWantsItsScope holds whatever routes there are: without a token none answers, with the scopes of all
// others none does, and with its own each gets to its handler. Only probes are anyone's.
func TestEveryRouteWantsItsScope(t *testing.T) {
	o := optionsOf(&fake{})
	h := guardedAPI(&fake{}, o)
	for path, methods := range (&api{o}).routes() {
		for method, route := range methods {
			target := strings.ReplaceAll(path, "{id}", id.String())
			t.Run(method+" "+path, func(t *testing.T) {
				if route.scope == anyone {
					if path != "/healthz" && path != "/readyz" {
						t.Errorf("anyone may ask")
					}
					return
				}
				if w := as(h, "", method, target, ""); w.Code != http.StatusUnauthorized {
					t.Errorf("without a token: %d, want 401", w.Code)
				}
				served := 0
				for _, s := range everything {
					w := as(h, string(s), method, target, "")
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

func (o owned) Get(_ context.Context, id uuid.UUID) (session.Session, error) {
	s := sampleSession("ann")
	s.ID = id
	return s, o.err
}
func (o owned) Create(ctx context.Context, user string) (session.Session, error) {
	*o.asked = append(*o.asked, "create "+user)
	return o.fakeSessions.Create(ctx, user)
}
func (o owned) List(_ context.Context, user string, _ int, _ uuid.UUID) ([]session.Session, error) {
	*o.asked = append(*o.asked, "list "+user)
	return nil, nil
}
func (o owned) Append(ctx context.Context, id uuid.UUID, m session.Message) (session.Session, error) {
	*o.asked = append(*o.asked, "append")
	return o.fakeSessions.Append(ctx, id, m)
}
func (o owned) Delete(context.Context, uuid.UUID) error {
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
		"list twice":              {"bob", "GET", "/v1/sessions?user=ann&user=bob", "", 403, nil},
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
	for path, methods := range (&api{o}).routes() {
		if t0, ok := methods[http.MethodGet]; !ok || t0.scope == anyone {
			continue
		}
		w := as(h, "ann", "GET", strings.ReplaceAll(path, "{id}", id.String())+"?q=x", "")
		control := w.Header().Get("Cache-Control")
		if !strings.HasPrefix(control, "private") && control != "no-store" || strings.Contains(control, "s-maxage") || w.Header().Get("Vary") != "Authorization" {
			t.Errorf("%s: %d, Cache-Control %q, Vary %q", path, w.Code, control, w.Header().Get("Vary"))
		}
	}
}

func limited(t *testing.T, f *fake, perSecond float64, burst int) (h http.Handler, pass func(time.Duration)) {
	t.Helper()
	limit, err := NewRateLimit(perSecond, burst)
	if err != nil {
		t.Fatal(err)
	}
	now := created
	limit.now = func() time.Time { return now }
	o := optionsOf(f)
	o.RateLimit = limit
	return guardedAPI(f, o), func(d time.Duration) { now = now.Add(d) }
}

func TestEachUserHasARateLimit(t *testing.T) {
	h, pass := limited(t, &fake{}, 0.5, 3)
	statuses := func(token string, n int) (got []int) {
		for range n {
			got = append(got, as(h, token, "GET", "/v1/search?q=x", "").Code)
		}
		return got
	}
	if diff := cmp.Diff([]int{200, 200, 200, 429, 429}, statuses("ann", 5)); diff != "" {
		t.Errorf("ann (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{200, 200, 200, 429}, statuses("bob", 4)); diff != "" {
		t.Errorf("bob, after ann (-want +got):\n%s", diff)
	}
	w := as(h, "ann", "GET", "/v1/search?q=x", "")
	got := []string{w.Header().Get("Retry-After"), w.Header().Get("RateLimit-Policy"), w.Header().Get("RateLimit")}
	if diff := cmp.Diff([]string{"2", `"caller";q=3;w=6`, `"caller";r=0;t=6`}, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if !strings.Contains(w.Body.String(), problemPrefix+"rate-limited") {
		t.Errorf("problem %s", w.Body)
	}
	pass(2 * time.Second)
	if diff := cmp.Diff([]int{200, 429}, statuses("ann", 2)); diff != "" {
		t.Errorf("ann, after Retry-After (-want +got):\n%s", diff)
	}
	if w := as(h, "", "GET", "/healthz", ""); w.Code != http.StatusOK || w.Header().Get("RateLimit") != "" {
		t.Errorf("a probe: %d", w.Code)
	}
}

func TestWithoutAuthenticationAddressesAreLimited(t *testing.T) {
	for name, c := range map[string]struct {
		first, second [2]string // X-Forwarded-For, peer
		same          bool
	}{
		"a peer's ports":                {[2]string{"", "192.0.2.1:1"}, [2]string{"", "192.0.2.1:2"}, true},
		"two peers":                     {[2]string{"", "192.0.2.1:1"}, [2]string{"", "192.0.2.2:1"}, false},
		"an invented first hop":         {[2]string{"8.8.8.8, 192.0.2.1", "10.0.0.1:1"}, [2]string{"9.9.9.9, 192.0.2.1", "10.0.0.1:1"}, true},
		"two that invent the same hop":  {[2]string{"8.8.8.8, 192.0.2.1", "10.0.0.1:1"}, [2]string{"8.8.8.8,192.0.2.2", "10.0.0.1:1"}, false},
		"two clients of one balancer":   {[2]string{"192.0.2.1", "10.0.0.1:1"}, [2]string{"192.0.2.2", "10.0.0.1:1"}, false},
		"one client of two balancers":   {[2]string{"192.0.2.1", "10.0.0.1:1"}, [2]string{"192.0.2.1", "10.0.0.2:1"}, true},
		"one client's IPv6 addresses":   {[2]string{"2001:db8:1:2::1", ""}, [2]string{"[2001:db8:1:2:ffff::9]:443", ""}, true},
		"two clients' IPv6 addresses":   {[2]string{"2001:db8:1:2::1", ""}, [2]string{"2001:db8:1:3::1", ""}, false},
		"one address in two notations":  {[2]string{"::ffff:192.0.2.1", ""}, [2]string{"192.0.2.1:80", ""}, true},
		"what is no address, unlimited": {[2]string{"a", ""}, [2]string{"b", ""}, true},
	} {
		limit, err := NewRateLimit(1, 1)
		if err != nil {
			t.Fatal(err)
		}
		limit.now = func() time.Time { return created }
		o := optionsOf(&fake{})
		o.RateLimit = limit
		h := New(o)
		var last int
		for _, from := range [][2]string{c.first, c.second} {
			r := httptest.NewRequest("GET", "/v1/search?q=x", nil)
			if from[0] != "" {
				r.Header.Set("X-Forwarded-For", from[0])
			}
			r.RemoteAddr = from[1]
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			last = w.Code
		}
		if (last == http.StatusTooManyRequests) != c.same {
			t.Errorf("%s: the second request is answered with %d", name, last)
		}
	}
}

// TestTheLimitsMemoryIsBounded, however many invent names. Whoever asks all the time is not forgotten for them.
func TestTheLimitsMemoryIsBounded(t *testing.T) {
	limit, err := NewRateLimit(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	limit.now = func() time.Time { return created }
	r := httptest.NewRequest("GET", "/", nil)
	busy := auth.NewCaller("busy")
	refused := 0
	for n := range 3 * maxLimited {
		if n%1000 == 0 && limit.take(httptest.NewRecorder(), r, busy) != nil {
			refused++
		}
		if err := limit.take(httptest.NewRecorder(), r, auth.NewCaller(fmt.Sprint("u", n))); err != nil {
			t.Fatal(err)
		}
	}
	if limit.buckets.Len() != maxLimited || refused != 3*maxLimited/1000-2 {
		t.Errorf("%d callers are counted, want %d; the busy one was refused %d times", limit.buckets.Len(), maxLimited, refused)
	}
	exempt := auth.NewCaller("busy", auth.LimitsExempt)
	if err := limit.take(httptest.NewRecorder(), r, exempt); err != nil {
		t.Errorf("exempt: %v", err)
	}
}
