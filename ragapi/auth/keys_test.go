package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// down answers as an issuer that has a fault.
func down(w http.ResponseWriter) bool {
	w.WriteHeader(http.StatusBadGateway)
	return true
}

func TestAnIssuerThatIsAwayAtTheStartIsUsedAsSoonAsItIsBack(t *testing.T) {
	i := newIssuer(t)
	i.answer = down
	v := i.verifier()
	token := i.good(nil)
	if _, err := v.try(t.Context(), token); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("%v, want %v", err, ErrUnavailable)
	}
	i.set(func() { i.answer = nil })
	i.pass(pauseAfterFailure)
	if _, err := v.try(t.Context(), token); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
}

// TestUnknownKeysAreAskedForOnce in each pause, whoever floods, and those with a known key do not wait.
func TestUnknownKeysAreAskedForOnce(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	before := i.fetched()
	flood := func() {
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				token := sign(t, jose.ES256, otherKey, map[string]any{"kid": string(rune('A' + n))}, i.claims())
				if _, err := v.try(t.Context(), token); !errors.Is(err, ErrToken) {
					t.Errorf("%v, want %v", err, ErrToken)
				}
			})
		}
		all.Wait()
	}
	flood()
	if got := i.fetched() - before; got != 0 {
		t.Errorf("%d fetches right after the first, want none", got)
	}
	for range 3 {
		i.pass(pauseAfterSuccess)
		flood()
	}
	if got := i.fetched() - before; got != 3 {
		t.Errorf("%d fetches in three pauses, want 3", got)
	}
}

func TestANewKeyIsFoundWithoutARestart(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	rotated := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	i.set(func() { i.private["2027"] = rotated })
	i.pass(pauseAfterSuccess)
	if _, err := v.try(t.Context(), sign(t, jose.ES256, rotated, map[string]any{"kid": "2027"}, i.claims())); err != nil {
		t.Errorf("signed with the new key: %v", err)
	}
	if _, err := v.try(t.Context(), i.good(nil)); err != nil {
		t.Errorf("signed with the old key: %v", err)
	}
}

func TestAKeyThatIsTakenBackIsBelievedUntilTheNextFetch(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	i.set(func() { delete(i.private, "ec") })
	i.pass(freshFor)
	if _, err := v.try(t.Context(), i.good(nil)); err != nil {
		t.Errorf("while the fetch runs: %v", err)
	}
	if err := <-i.ended; err != nil {
		t.Log("fetch:", err)
	}
	if _, err := v.try(t.Context(), i.good(nil)); !errors.Is(err, ErrToken) {
		t.Errorf("after it: %v, want %v", err, ErrToken)
	}
}

func TestAKeyOfTheSameNameIsReplaced(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	i.set(func() { i.private["ec"] = otherKey })
	i.pass(freshFor)
	token := sign(t, jose.ES256, otherKey, map[string]any{"kid": "ec"}, i.claims())
	if _, err := v.try(t.Context(), token); !errors.Is(err, ErrToken) {
		t.Errorf("before the fetch: %v", err)
	}
	if err := <-i.ended; err != nil {
		t.Log("fetch:", err)
	}
	if _, err := v.try(t.Context(), token); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestKnownKeysAreKeptForADayWhileTheIssuerIsAway(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	i.set(func() { i.answer = down })
	i.pass(keptFor - time.Second)
	if _, err := v.try(t.Context(), i.good(nil)); err != nil {
		t.Errorf("within a day: %v", err)
	}
	if err := <-i.ended; err != nil {
		t.Log("fetch:", err)
	}
	if _, err := v.try(t.Context(), sign(t, jose.ES256, ecKey, map[string]any{"kid": "new"}, i.claims())); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an unknown key: %v, want %v", err, ErrUnavailable)
	}
	i.pass(2 * time.Second)
	if _, err := v.try(t.Context(), i.good(nil)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after a day: %v, want %v", err, ErrUnavailable)
	}
}

// TestASlowIssuerHoldsNobodyWhoseKeyIsKnown: who needs its answer waits, no longer than their request.
func TestASlowIssuerHoldsNobodyWhoseKeyIsKnown(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	release := make(chan struct{})
	i.set(func() { i.answer = func(http.ResponseWriter) bool { <-release; return false } })
	i.pass(freshFor)
	before := i.fetched()
	for range 100 {
		if _, err := v.try(t.Context(), i.good(nil)); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			token := sign(t, jose.ES256, otherKey, map[string]any{"kid": "new"}, i.claims())
			if _, err := v.try(t.Context(), token); !errors.Is(err, ErrToken) {
				t.Errorf("%v, want %v", err, ErrToken)
			}
		})
	}
	close(release)
	all.Wait()
	if got := i.fetched() - before; got != 1 {
		t.Errorf("%d fetches, want 1", got)
	}
}

// TestFaultyAnswersAreRefused: each is an error of the fetch, and the keys that are known stay.
func TestFaultyAnswersAreRefused(t *testing.T) {
	write := func(status int, text string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "/realm/.well-known/openid-configuration")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text)) // whoever has read enough hangs up
			return true
		}
	}
	hundred := `{"keys":[` + strings.Repeat(`{},`, maxKeys) + `{}]}`
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter) bool
		want   string
	}{
		"an error":    {write(500, ""), "answered 500"},
		"a redirect":  {write(302, ""), "answered 302"},
		"nothing":     {write(200, ""), "unexpected end"},
		"half":        {write(200, `{"keys":[`), "unexpected end"},
		"a list":      {write(200, `[]`), "cannot unmarshal array"},
		"no keys":     {write(200, `{}`), "none of its 0 keys"},
		"faulty keys": {write(200, `{"keys":[1,null,{"kty":"EC","crv":"P-256","kid":"ec","x":"AA","y":"AA"}]}`), "none of its 3 keys"},
		"many keys":   {write(200, hundred), "has 101 keys"},
		"huge":        {write(200, `{"keys":"`+strings.Repeat("x", 4<<20)+`"}`), "more than 262144 bytes"},
		"deep":        {write(200, strings.Repeat("[", 100_000)), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			v := i.verifier()
			i.set(func() { i.answer = c.answer })
			i.pass(freshFor)
			if _, err := v.try(t.Context(), i.good(nil)); err != nil {
				t.Fatal(err)
			}
			if err := <-i.ended; err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("fetch: %v, want %s", err, c.want)
			}
			if _, err := v.try(t.Context(), i.good(nil)); err != nil {
				t.Errorf("the known keys are gone: %v", err)
			}
		})
	}
}

func TestFaultyMetadataIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		altered func(map[string]any)
		want    string
	}{
		"another issuer": {func(m map[string]any) { m["issuer"] = "https://evil.example" }, `issuer is "https://evil.example"`},
		"plain HTTP":     {func(m map[string]any) { m["jwks_uri"] = "http://issuer.example/keys" }, `jwks_uri is "http://issuer.example/keys"`},
		"no keys":        {func(m map[string]any) { delete(m, "jwks_uri") }, `jwks_uri is ""`},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.altered = c.altered
			if _, err := i.open(Settings{Issuer: i.url(), Audience: "ragapi", UserClaim: "sub"}); err != nil {
				t.Fatal(err)
			}
			if err := <-i.ended; err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("fetch: %v, want %s", err, c.want)
			}
		})
	}
}

// TestOnlyKeysThatFitAreUsed: secrets, private, weak and nameless keys, keys for encryption and unknown kinds are passed over.
func TestOnlyKeysThatFitAreUsed(t *testing.T) {
	i := newIssuer(t)
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	i.extra = []any{
		jose.JSONWebKey{Key: []byte(strings.Repeat("s", 32)), KeyID: "secret", Algorithm: "HS256"},
		jose.JSONWebKey{Key: otherKey, KeyID: "private", Use: "sig"},
		jose.JSONWebKey{Key: weak.Public(), KeyID: "weak"},
		jose.JSONWebKey{Key: otherKey.Public(), KeyID: "encryption", Use: "enc"},
		jose.JSONWebKey{Key: otherKey.Public(), KeyID: "another algorithm", Algorithm: "ES512"},
		jose.JSONWebKey{Key: otherKey.Public()},
		map[string]any{"kty": "FUTURE", "kid": "future"},
	}
	v := i.verifier()
	for kid, signed := range map[string]string{
		"secret":            sign(t, jose.HS256, []byte(strings.Repeat("s", 32)), map[string]any{"kid": "secret"}, i.claims()),
		"private":           sign(t, jose.ES256, otherKey, map[string]any{"kid": "private"}, i.claims()),
		"weak":              sign(t, jose.RS256, weak, map[string]any{"kid": "weak"}, i.claims()),
		"encryption":        sign(t, jose.ES256, otherKey, map[string]any{"kid": "encryption"}, i.claims()),
		"another algorithm": sign(t, jose.ES256, otherKey, map[string]any{"kid": "another algorithm"}, i.claims()),
	} {
		if _, err := v.try(t.Context(), signed); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v, want %v", kid, err, ErrToken)
		}
	}
	if _, err := v.try(t.Context(), i.good(nil)); err != nil {
		t.Errorf("the good ones beside them: %v", err)
	}
}

// TestFewWaitForAFetch: strangers may invent as many names of keys as they like.
func TestFewWaitForAFetch(t *testing.T) {
	held := make(chan struct{})
	k := newKeySet(t.Context(), func(context.Context) ([]jose.JSONWebKey, error) { <-held; return nil, nil }, func(error) {})
	var all sync.WaitGroup
	for range maxWaiting {
		all.Go(func() {
			if _, err := k.find(t.Context(), "other", "ES256"); !errors.Is(err, ErrToken) {
				t.Errorf("after the fetch: %v, want %v", err, ErrToken)
			}
		})
	}
	for k.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := k.find(t.Context(), "other", "ES256"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("one more: %v, want %v", err, ErrUnavailable)
	}
	close(held)
	all.Wait()
}

func TestThePanicOfAFetchIsItsError(t *testing.T) {
	i := newIssuer(t)
	k := newKeySet(t.Context(), func(_ context.Context) ([]jose.JSONWebKey, error) { panic("x") }, func(err error) { i.ended <- err })
	if _, err := k.find(t.Context(), "ec", "ES256"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want %v", err, ErrUnavailable)
	}
}

func TestTheIssuersCertificateIsVerified(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(t, w, map[string]any{"keys": []any{jose.JSONWebKey{Key: ecKey.Public(), KeyID: "ec"}}})
	}))
	t.Cleanup(secure.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, known := range map[string]bool{"": false, authority: true} {
		i := newIssuer(t)
		if _, err := i.open(Settings{Issuer: i.url(), Audience: "ragapi", UserClaim: "sub", JWKSURL: secure.URL, CAFile: file}); err != nil {
			t.Fatal(err)
		}
		if err := <-i.ended; (err == nil) != known {
			t.Errorf("with certificates %q the fetch ends with %v", file, err)
		}
	}
	if _, err := New(t.Context(), Settings{CAFile: os.DevNull}, func(error) {}); err == nil {
		t.Error("a file without certificates is taken")
	}
}
