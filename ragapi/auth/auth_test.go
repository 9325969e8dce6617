package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestAGoodTokenNamesItsUserAndScopes(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	for kid, algorithm := range map[string]jose.SignatureAlgorithm{"rsa": jose.RS256, "ec": jose.ES256, "ed": jose.EdDSA} {
		c, err := v.try(t.Context(), sign(t, algorithm, i.private[kid], map[string]any{"kid": kid}, i.claims()))
		if err != nil || c.User != "u-17" || !c.May(SearchRead) || !c.May(DocumentsRead) || c.May(DocumentsWrite) || !c.Checked() {
			t.Errorf("%s: %+v (%v)", algorithm, c, err)
		}
	}
}

// TestHostileTokensAreNotLetIn: none is, and none is told more than that.
func TestHostileTokensAreNotLetIn(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	ec := map[string]any{"kid": "ec"}
	public := must(x509.MarshalPKIXPublicKey(rsaKey.Public()))
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	raw := func(header, claims any) string {
		encode := func(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }
		return encode(header) + "." + encode(claims) + "."
	}
	parts := strings.Split(i.good(nil), ".")
	other := strings.Split(i.good(func(c map[string]any) { c["sub"] = "admin" }), ".")
	without := func(name string) string { return i.good(func(c map[string]any) { delete(c, name) }) }
	with := func(name string, value any) string { return i.good(func(c map[string]any) { c[name] = value }) }
	now := i.clock().Unix()
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, token := range map[string]string{
		"alg none":                     raw(map[string]any{"alg": "none", "kid": "ec"}, i.claims()),
		"alg None":                     raw(map[string]any{"alg": "None", "kid": "ec"}, i.claims()),
		"no alg":                       raw(map[string]any{"kid": "ec"}, i.claims()),
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"two parts":                    parts[0] + "." + parts[1],
		"another's claims":             parts[0] + "." + other[1] + "." + parts[2],
		"HS256 with the public key":    sign(t, jose.HS256, asPEM, map[string]any{"kid": "rsa"}, i.claims()),
		"HS256 with its DER":           sign(t, jose.HS256, public, map[string]any{"kid": "rsa"}, i.claims()),
		"RS512":                        sign(t, jose.RS512, rsaKey, map[string]any{"kid": "rsa"}, i.claims()),
		"PS256":                        sign(t, jose.PS256, rsaKey, map[string]any{"kid": "rsa"}, i.claims()),
		"ES384":                        sign(t, jose.ES384, p384, ec, i.claims()),
		"a weak key":                   sign(t, jose.RS256, weak, map[string]any{"kid": "rsa"}, i.claims()),
		"another's key, same kid":      sign(t, jose.ES256, otherKey, ec, i.claims()),
		"another's key, embedded":      sign(t, jose.ES256, otherKey, map[string]any{"kid": "ec", "jwk": jose.JSONWebKey{Key: otherKey.Public()}}, i.claims()),
		"another's key, by URL":        sign(t, jose.ES256, otherKey, map[string]any{"kid": "ec", "jku": "http://127.0.0.1:1/"}, i.claims()),
		"the key of another algorithm": sign(t, jose.ES256, ecKey, map[string]any{"kid": "rsa"}, i.claims()),
		"no kid":                       sign(t, jose.ES256, ecKey, nil, i.claims()),
		"empty kid":                    sign(t, jose.ES256, ecKey, map[string]any{"kid": ""}, i.claims()),
		"unknown kid":                  sign(t, jose.ES256, ecKey, map[string]any{"kid": "x"}, i.claims()),
		"kid as a path":                sign(t, jose.ES256, ecKey, map[string]any{"kid": "../../dev/null"}, i.claims()),
		"kid a number":                 sign(t, jose.ES256, ecKey, map[string]any{"kid": 7}, i.claims()),
		"unknown critical header":      sign(t, jose.ES256, ecKey, map[string]any{"kid": "ec", "crit": []string{"x"}, "x": 1}, i.claims()),
		"no issuer":                    without("iss"),
		"another issuer":               with("iss", "https://evil.example"),
		"an issuer that begins alike":  with("iss", i.url()+"/"),
		"issuers":                      with("iss", []string{i.url()}),
		"no audience":                  without("aud"),
		"another audience":             with("aud", "other"),
		"other audiences":              with("aud", []string{"other", "ragapi2"}),
		"audience in other letters":    with("aud", "RAGAPI"),
		"no expiry":                    without("exp"),
		"expiry null":                  with("exp", nil),
		"expiry a text":                with("exp", "9999999999"),
		"expiry beyond numbers":        with("exp", 1e300),
		"expired":                      with("exp", now-31),
		"not yet":                      with("nbf", now+31),
		"made in the future":           with("iat", now+31),
		"no subject":                   without("sub"),
		"a blank subject":              with("sub", " "),
		"a subject with blanks":        with("sub", " u"),
		"a decomposed subject":         with("sub", "jose\u0301"),
		"a long subject":               with("sub", strings.Repeat("x", 129)),
		"a subject with NUL":           with("sub", "a\x00"),
		"a subject of half a rune":     sign(t, jose.ES256, ecKey, ec, json.RawMessage(strings.Replace(string(must(json.Marshal(i.claims()))), `"u-17"`, `"\ud800"`, 1))),
		"a subject that is a number":   with("sub", 17),
		"subjects":                     with("sub", []string{"u"}),
		"scope a number":               with("scope", 7),
		"scp of numbers":               with("scp", []int{7}),
		"claims are a list":            sign(t, jose.ES256, ecKey, ec, []string{"x"}),
		"issuer said twice":            sign(t, jose.ES256, ecKey, ec, json.RawMessage(`{"iss":"https://evil.example",`+string(must(json.Marshal(i.claims())))[1:])),
		"garbage":                      "garbage",
		"dots":                         "..",
		"many dots":                    strings.Repeat(".", 8000),
		"nothing":                      "",
		"not base64":                   "ä.ö.ü",
		"an encrypted one":             "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA",
		"a huge one":                   i.good(func(c map[string]any) { c["pad"] = strings.Repeat("x", maxToken) }),
		"a good one and more":          i.good(nil) + " x",
		"two, by comma":                i.good(nil) + ", Bearer " + i.good(nil),
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := v.try(t.Context(), token); !errors.Is(err, ErrToken) || c.May(SearchRead) || c.User != "" {
				t.Errorf("%+v (%v), want no caller and %v", c, err, ErrToken)
			}
		})
	}
	if _, err := v.try(t.Context(), i.good(nil)); err != nil {
		t.Errorf("a good token is %v after all of them", err)
	}
}

func TestClocksMayBeApartByTheLeeway(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	now := i.clock().Unix()
	for name, value := range map[string]int64{"exp": now - 30, "nbf": now + 30, "iat": now + 30} {
		if _, err := v.try(t.Context(), i.good(func(c map[string]any) { c[name] = value })); err != nil {
			t.Errorf("%s 30 s off: %v", name, err)
		}
	}
}

func TestOneAuthorizationHeaderOfTheRightSchemeIsWanted(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	good := i.good(nil)
	for name, c := range map[string]struct {
		headers []string
		want    error
	}{
		"none": {nil, ErrAbsent}, "empty": {[]string{""}, ErrAbsent}, "Basic": {[]string{"Basic dTpw"}, ErrAbsent}, "no scheme": {[]string{good}, ErrAbsent},
		"two": {[]string{"Bearer " + good, "Bearer " + good}, ErrMalformed}, "two schemes": {[]string{"Basic dTpw", "Bearer " + good}, ErrMalformed},
		"scheme alone": {[]string{"Bearer"}, ErrToken}, "lower case": {[]string{"bearer " + good}, nil}, "two spaces": {[]string{"Bearer  " + good}, nil},
	} {
		if _, err := v.Authenticate(t.Context(), http.Header{"Authorization": c.headers}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestScopesAreReadInEveryUsualForm(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	for name, claims := range map[string]map[string]any{
		"scope text": {"scope": "x documents:write"}, "scope list": {"scope": []string{"documents:write"}},
		"scp list": {"scp": []string{"x", "documents:write"}}, "scp text": {"scp": "documents:write"}, "both": {"scope": "search:read", "scp": []string{"documents:write"}},
	} {
		c, err := v.try(t.Context(), i.good(func(all map[string]any) { delete(all, "scope"); maps.Copy(all, claims) }))
		if err != nil || !c.May(DocumentsWrite) || c.May(SessionsRead) {
			t.Errorf("%s: %+v (%v)", name, c, err)
		}
	}
	if c, err := v.try(t.Context(), i.good(func(all map[string]any) { delete(all, "scope") })); err != nil || c.May(SearchRead) {
		t.Errorf("without scopes: %+v (%v), want a caller who may do nothing", c, err)
	}
}

func TestTheUserIsTheClaimThatIsSet(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	v.settings.UserClaim = "email"
	c, err := v.try(t.Context(), i.good(func(c map[string]any) { c["email"] = "a@example.com" }))
	if err != nil || c.User != "a@example.com" {
		t.Errorf("%+v (%v)", c, err)
	}
	if _, err := v.try(t.Context(), i.good(nil)); !errors.Is(err, ErrToken) {
		t.Errorf("without the claim: %v", err)
	}
}

func TestWhoMaySeeWhat(t *testing.T) {
	user := NewCaller("u", SessionsRead)
	admin := NewCaller("a", SessionsAdmin)
	off, err := Off{}.Authenticate(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want bool }{
		"own session": {Sessions.VisibleTo(user, "u"), true}, "another's session": {Sessions.VisibleTo(user, "v"), false},
		"any, for an admin": {Sessions.VisibleTo(admin, "v"), true}, "any, without authentication": {Sessions.VisibleTo(off, "v"), true},
		"nobody's, for nobody": {Sessions.VisibleTo(From(t.Context()), ""), false}, "a document": {Documents.VisibleTo(user, ""), true},
		"a search at the edge": {Searches.Public(true), false}, "without authentication": {Searches.Public(false), true}, "sessions never": {Sessions.Public(false), false},
		"what the API is": {Description.Public(true), true},
		"exempt":          {user.Exempt(), false}, "nobody is exempt by default": {off.Exempt(), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestTrustedAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"https://issuer.example": true, "https://issuer.example:8443/realm/": true, "http://127.0.0.1:9/keys": true, "http://localhost/": true, "http://[::1]:80/": true,
		"http://issuer.example": false, "http://127.0.0.1.example": false, "http://10.0.0.1": false, "https://": false, "issuer": false, "": false,
		"https://user:pw@issuer.example": false, "ftp://127.0.0.1": false, "https://issuer.example/#x": false, "file:///etc/passwd": false,
	} {
		if got := Trusted(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

// TestATokenThatWasGoodIsNotGoodForEver: what is remembered of it ends with its time and its key.
func TestATokenThatWasGoodIsNotGoodForEver(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	short, long := i.good(nil), i.good(func(c map[string]any) { c["exp"] = i.clock().Add(time.Hour).Unix() })
	for _, token := range []string{short, short, long, long} {
		if c, err := v.try(t.Context(), token); err != nil || c.User != "u-17" {
			t.Fatalf("%+v (%v)", c, err)
		}
	}
	i.pass(331 * time.Second)
	if _, err := v.try(t.Context(), short); !errors.Is(err, ErrToken) {
		t.Errorf("expired: %v, want %v", err, ErrToken)
	}
	i.set(func() { i.private["ec"] = otherKey })
	i.pass(freshFor)
	if _, err := v.try(t.Context(), long); err != nil {
		t.Errorf("before the next fetch: %v", err)
	}
	if err := <-i.ended; err != nil {
		t.Log("fetch:", err)
	}
	if _, err := v.try(t.Context(), long); !errors.Is(err, ErrToken) {
		t.Errorf("with another key of this name: %v, want %v", err, ErrToken)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	s := Settings{Issuer: "https://issuer.example", Audience: "ragapi", UserClaim: "sub"}
	claims := map[string]any{"iss": s.Issuer, "aud": "ragapi", "sub": "u", "exp": time.Now().Add(time.Hour).Unix(), "scope": "search:read"}
	token := sign(&testing.T{}, jose.ES256, ecKey, map[string]any{"kid": "ec"}, claims)
	keys := func(context.Context) ([]jose.JSONWebKey, error) {
		return []jose.JSONWebKey{{Key: ecKey.Public(), KeyID: "ec"}}, nil
	}
	v := must(newVerifier(s, newKeySet(b.Context(), keys, func(error) {}), time.Now))
	for name, before := range map[string]func(){"again": func() {}, "first": v.seen.Purge} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if _, err := v.try(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
