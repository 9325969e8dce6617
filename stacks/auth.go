package stacks

import (
	"github.com/ragscale/ragscale/stacks/settings"
)

// Auth says who may use the API.
type Auth struct {
	// Ask for tokens. Without, whoever reaches the load balancer may do everything, as whoever they say they are; not
	// in production.
	Enabled bool `json:"enabled"`
	// Issuer of the tokens (JWT): their claim iss, to the letter. Its /.well-known/openid-configuration says where its
	// keys are.
	Issuer string `json:"issuer" rule:"match=authority"`
	// What the tokens must name in their claim aud.
	Audience string `json:"audience" rule:"match=audience"`
	// Where the issuer's keys are; empty = as the issuer says, on port 443 or the issuer's.
	JWKSURL string `json:"jwksUrl" rule:"match=authority"`
	// The claim that names the user.
	UserClaim string `json:"userClaim" rule:"match=claim"`
}

// RateLimit bounds requests.
type RateLimit struct {
	// Requests per second in the long run; 0 = no limit. A token with the scope limits:exempt has none: load tests
	// need it.
	RequestsPerSecond int `json:"requestsPerSecond" rule:"min=0 max=100000"`
	// Requests at once after a pause.
	Burst int `json:"burst" rule:"min=1 max=1000000"`
}

func (c *Config) checkAuth(f *settings.Faults) {
	path, a := prefix+"api.auth", c.API.Auth
	if !a.Enabled {
		c.checkOpen(path, f)
		return
	}
	if a.Issuer == "" {
		f.Add(path+".issuer", "is not set", c.wantIssuer())
	}
	if a.Audience == "" {
		f.Add(path+".audience", "is not set", "what the tokens name in aud")
	}
}

// checkOpen: who names an issuer believes that tokens are checked.
func (c *Config) checkOpen(path string, f *settings.Faults) {
	if c.Environment == Production {
		f.Add(path+".enabled", "is false", "true: production asks for tokens")
	}
	for _, said := range []struct{ key, value string }{{"issuer", c.API.Auth.Issuer}, {"audience", c.API.Auth.Audience},
		{"jwksUrl", c.API.Auth.JWKSURL}} {
		if said.value != "" {
			f.Add(path+"."+said.key, settings.Show(said.value)+" with auth.enabled false", "nothing, or auth.enabled true")
		}
	}
}

func (c *Config) wantIssuer() string {
	if c.Environment == Production {
		return "the issuer of the tokens"
	}
	return "the issuer of the tokens, or auth.enabled false"
}
