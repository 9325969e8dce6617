package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/ragapi/auth"
)

// with is the required environment with other variables; an empty one counts as not set.
func with(more map[string]string) map[string]string {
	env := required()
	maps.Copy(env, more)
	return env
}

func TestTokensOfAnIssuerAreWanted(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want auth.Settings
	}{
		"defaults": {
			map[string]string{"AUTH_ISSUER": "https://issuer.example/", "AUTH_AUDIENCE": "ragapi"},
			auth.Settings{Issuer: "https://issuer.example/", Audience: "ragapi", UserClaim: "sub"},
		},
		"all said": {
			map[string]string{"AUTH_ISSUER": "https://issuer.example", "AUTH_AUDIENCE": "ragapi", "AUTH_JWKS_URL": "http://127.0.0.1:9000/keys?x=1", "AUTH_USER_CLAIM": "email", "AUTH_CA_FILE": "auth_test.go"},
			auth.Settings{Issuer: "https://issuer.example", Audience: "ragapi", JWKSURL: "http://127.0.0.1:9000/keys?x=1", UserClaim: "email", CAFile: "auth_test.go"},
		},
	} {
		c.env["AUTH"] = "jwt"
		got, err := load(with(c.env))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(&c.want, got.Auth); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhoMayComeInHasToBeSaid(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"nothing":       {map[string]string{"AUTH": ""}, []string{"AUTH is not set, want jwt, with AUTH_ISSUER and AUTH_AUDIENCE, or off, to let everybody do everything"}},
		"another word":  {map[string]string{"AUTH": "none"}, []string{`AUTH is "none", want one of jwt, off`}},
		"no issuer":     {map[string]string{"AUTH": "jwt"}, []string{"AUTH_ISSUER is not set, want the issuer of the tokens, a URL with https", "AUTH_AUDIENCE is not set, want what the tokens name in aud"}},
		"plain HTTP":    {map[string]string{"AUTH": "jwt", "AUTH_ISSUER": "http://issuer.example", "AUTH_AUDIENCE": "a"}, []string{`AUTH_ISSUER is "http://issuer.example", want a URL with https, or one of this machine`}},
		"contradiction": {map[string]string{"AUTH_ISSUER": "https://issuer.example", "AUTH_AUDIENCE": "a"}, []string{`AUTH_ISSUER is "https://issuer.example" with AUTH off, want jwt as AUTH, or nothing here`, `AUTH_AUDIENCE is "a" with AUTH off, want jwt as AUTH, or nothing here`}},
	} {
		_, err := load(with(c.env))
		if err == nil {
			t.Errorf("%s: no fault", name)
			continue
		}
		if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARateLimitHasTwoSecondsOfBurst(t *testing.T) {
	for rps, c := range map[string]struct {
		burst string
		want  RateLimit
	}{"0.2": {"", RateLimit{0.2, 1, 1}}, "25": {"", RateLimit{25, 50, 1}}, "10": {"7", RateLimit{10, 7, 1}}, "0": {"", RateLimit{0, 1, 1}}} {
		got, err := load(with(map[string]string{"RATE_LIMIT_RPS": rps, "RATE_LIMIT_BURST": c.burst}))
		if err != nil || got.RateLimit != c.want {
			t.Errorf("%s: %+v (%v), want %+v", rps, got.RateLimit, err, c.want)
		}
	}
	for _, rps := range []string{"NaN", "Inf", "1e9", "0.001", "ten"} {
		if _, err := load(with(map[string]string{"RATE_LIMIT_RPS": rps})); err == nil {
			t.Errorf("%s is taken", rps)
		}
	}
}
