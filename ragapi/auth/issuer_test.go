package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer publishes keys and signs with them. Its time is the verifier's, too.
type issuer struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	now     time.Time
	private map[string]any                 // by kid, published
	extra   []any                          // published as it is
	answer  func(http.ResponseWriter) bool // answers instead, if it says so
	fetches int                            // of the keys
	ended   chan error                     // each fetch's end
	altered func(metadata map[string]any)  // what the metadata says otherwise
}

// The keys are made once: an RSA key takes a while.
var (
	rsaKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey    = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	otherKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	edKey    = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), ended: make(chan error, 10_000), private: map[string]any{"rsa": rsaKey, "ec": ecKey, "ed": edKey}}
	mux := http.NewServeMux()
	mux.HandleFunc("/realm/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		metadata := map[string]any{"issuer": i.url(), "jwks_uri": i.server.URL + "/keys"}
		if i.altered != nil {
			i.altered(metadata)
		}
		writeJSON(t, w, metadata)
	})
	mux.HandleFunc("/keys", i.keys)
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	return i
}

func (i *issuer) url() string { return i.server.URL + "/realm" }

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	i.fetches++
	answer, published := i.answer, append([]any{}, i.extra...)
	for kid, key := range i.private {
		public := key.(crypto.Signer).Public()
		published = append(published, jose.JSONWebKey{Key: public, KeyID: kid, Use: "sig", Algorithm: string(algorithmOf(public))})
	}
	i.mu.Unlock()
	if answer == nil || !answer(w) {
		writeJSON(i.t, w, map[string]any{"keys": published})
	}
}

func writeJSON(t *testing.T, w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}

func (i *issuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) pass(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = i.now.Add(d)
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) fetched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// verifier trusts the issuer; the first fetch has ended.
func (i *issuer) verifier() *Verifier {
	i.t.Helper()
	v, err := i.open(Settings{Issuer: i.url(), Audience: "ragapi", UserClaim: "sub"})
	if err != nil {
		i.t.Fatal(err)
	}
	if err := <-i.ended; err != nil {
		i.t.Log("fetch:", err)
	}
	return v
}

func (i *issuer) open(s Settings) (*Verifier, error) {
	source, err := newSource(s)
	if err != nil {
		return nil, err
	}
	return newVerifier(s, newKeySet(i.t.Context(), source.keys, func(err error) { i.ended <- err }), i.clock)
}

// claims are those of a good token.
func (i *issuer) claims() map[string]any {
	now := i.clock().Unix()
	return map[string]any{"iss": i.url(), "aud": "ragapi", "sub": "u-17", "iat": now, "nbf": now, "exp": now + 300, "scope": "search:read documents:read"}
}

// sign makes a token.
func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, header map[string]any, claims any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(must(json.Marshal(claims)))
	if err != nil {
		t.Fatal(err)
	}
	return must(signed.CompactSerialize())
}

// good is a token that is let in, but for what change does to it.
func (i *issuer) good(change func(claims map[string]any)) string {
	claims := i.claims()
	if change != nil {
		change(claims)
	}
	return sign(i.t, jose.ES256, ecKey, map[string]any{"kid": "ec"}, claims)
}

func (v *Verifier) try(ctx context.Context, token string) (Caller, error) {
	return v.Authenticate(ctx, http.Header{"Authorization": {"Bearer " + token}})
}
