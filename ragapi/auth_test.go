package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// issuer publishes a key, unless it is away, and signs with it.
type issuer struct {
	*httptest.Server
	away   atomic.Bool
	signer jose.Signer
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{}
	i.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	if err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}
		if r.URL.Path == "/keys" {
			answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Use: "sig"}}}
		}
		if i.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(t *testing.T, user, scopes string) string {
	t.Helper()
	token, err := jwt.Signed(i.signer).Claims(map[string]any{
		"iss": i.URL, "aud": "ragapi", "sub": user, "scope": scopes, "exp": time.Now().Add(time.Hour).Unix(),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// send sends a request with a token and returns the answer; its body is read and closed.
func send(t *testing.T, token, method, url, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-User-Id", "somebody-else")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if err := resp.Write(&text); err != nil {
		t.Fatal(err)
	}
	return resp, text.String()
}

func TestTheProcessLetsInWhoHasAToken(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	i := newIssuer(t)
	i.away.Store(true) // at the start: no reason not to start
	r := start(t, "serve", db, "AUTH=jwt", "AUTH_ISSUER="+i.URL, "AUTH_AUDIENCE=ragapi", "RATE_LIMIT_RPS=0.01", "RATE_LIMIT_BURST=8")
	ann := i.token(t, "ann", "search:read sessions:read sessions:write")
	if resp, text := send(t, ann, "GET", r.http+"/v1/search?q=lamp", ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without the issuer's keys: %s", text)
	}
	i.away.Store(false)
	eventually(t, "let in", func() bool {
		resp, _ := send(t, ann, "GET", r.http+"/v1/search?q=lamp", "")
		return resp.StatusCode == http.StatusOK
	})
	resp, text := send(t, ann, "POST", r.http+"/v1/sessions", `{}`)
	if resp.StatusCode != http.StatusCreated || !strings.Contains(text, `"user":"ann"`) {
		t.Fatalf("a session: %s", text)
	}
	own := r.http + resp.Header.Get("Location")
	for name, c := range map[string]struct {
		token, method, url string
		want               int
	}{
		"own session":       {ann, "GET", own, 200},
		"another's session": {i.token(t, "bob", "sessions:read sessions:write"), "DELETE", own, 404},
		"without the scope": {ann, "GET", r.http + "/v1/documents", 403},
		"without a token":   {"", "GET", own, 401},
		"of another issuer": {newIssuer(t).token(t, "ann", "sessions:read"), "GET", own, 401},
	} {
		if resp, text := send(t, c.token, c.method, c.url, ""); resp.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", name, text, c.want)
		}
	}
	for range 8 {
		resp, text = send(t, ann, "GET", own, "")
	}
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("beyond the limit: %s", text)
	}
	eventually(t, "in the query log, by the token's name", func() bool {
		var named, others int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE user_id = 'ann'), count(*) FILTER (WHERE user_id <> 'ann') FROM query_log`).Scan(&named, &others)
		return err == nil && named == 1 && others == 0
	})
}
