package stacks_test

import (
	"strings"
	"testing"

	"github.com/ragscale/ragscale/stacks"
)

// withAuth makes the API take an issuer's tokens, where values do not say whose and are an object.
func withAuth(values map[string]string) map[string]string {
	const issuer = `{"auth": {"enabled": true, "issuer": "https://issuer.example.com", "audience": "rag"}`
	switch api, said := values["ragscale:api"]; {
	case !said || api == "{}":
		values["ragscale:api"] = issuer + "}"
	case strings.HasPrefix(api, `{"`) && !strings.Contains(api, `"auth"`):
		values["ragscale:api"] = issuer + ", " + api[1:]
	}
	return values
}

func TestWhoMayUseTheAPIHasToBeSaid(t *testing.T) {
	values := map[string]string{"aws:region": "eu-central-1"}
	_, err := stacks.Parse("dev", values)
	want := "ragscale:api.auth.audience is not set, want what the tokens name in aud\nragscale:api.auth.issuer is not set, want the issuer of the tokens, or auth.enabled false"
	if text(err) != want {
		t.Errorf("%v", err)
	}
	values["ragscale:observability"] = onCall()["ragscale:observability"]
	_, err = stacks.Parse("prod", values)
	want = "ragscale:api.auth.audience is not set, want what the tokens name in aud\nragscale:api.auth.issuer is not set, want the issuer of the tokens"
	if text(err) != want {
		t.Errorf("%v", err)
	}
	values["ragscale:api"] = `{"auth": {"enabled": false}}`
	_, err = stacks.Parse("prod", values)
	if want = "ragscale:api.auth.enabled is false, want true: production asks for tokens"; text(err) != want {
		t.Errorf("%v", err)
	}
}

func TestFaultOfAuthenticationNamesItsKey(t *testing.T) {
	faultTable(t, []faultCase{
		{"api", `{"auth": {"enabled": false}}`, `<nil>`},
		{"api", `{"auth": {"issuer": "https://login.example.com/realms/rag/", "audience": "rag", "jwksUrl": "https://keys.example.com:8443/jwks?x=1", "userClaim": "email"}}`, `<nil>`},
		{"api", `{"auth": {"issuer": "http://127.0.0.1:9000", "audience": "rag"}}`, `<nil>`},
		{"api", `{"auth": {"enabled": false, "issuer": "https://login.example.com"}}`,
			`ragscale:api.auth.issuer is "https://login.example.com" with auth.enabled false, want nothing, or auth.enabled true`},
		{"api", `{"auth": {"issuer": "http://login.example.com", "audience": "a b", "userClaim": ""}}`,
			"ragscale:api.auth.audience is \"a b\", want at most 256 printable ASCII characters without spaces\n" +
				"ragscale:api.auth.issuer is \"http://login.example.com\", want a URL with https such as https://issuer.example.com/realm, or nothing\n" +
				"ragscale:api.auth.userClaim is \"\", want the name of a claim such as sub"},
		{"api", `{"auth": {"jwksUrl": "https://user@keys.example.com"}}`,
			`ragscale:api.auth.jwksUrl is "https://user@keys.example.com", want a URL with https such as https://issuer.example.com/realm, or nothing`},
		{"api", `{"auth": {"enabled": false}, "rateLimit": {"requestsPerSecond": -1, "burst": 0}}`,
			"ragscale:api.rateLimit.burst is 0, want a whole number from 1 to 1000000\nragscale:api.rateLimit.requestsPerSecond is -1, want a whole number from 0 to 100000"},
	})
}
