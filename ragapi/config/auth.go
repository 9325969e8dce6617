package config

import (
	"strconv"

	"github.com/ragscale/ragscale/ragapi/auth"
)

// RateLimit bounds how often one caller may ask one process.
type RateLimit struct {
	PerSecond float64 // 0 for no limit
	Burst     int
	// Hops are the proxies in front that append to X-Forwarded-For whom they were asked by, and that nobody gets past.
	Hops int
}

// auth is whose tokens are good, or nil where everybody may do everything, which has to be said.
func (r *reader) auth() *auth.Settings {
	mode := r.text("AUTH", "")
	issuer, audience, keys := r.trusted("AUTH_ISSUER"), r.text("AUTH_AUDIENCE", ""), r.trusted("AUTH_JWKS_URL")
	s := auth.Settings{Issuer: issuer, Audience: audience, JWKSURL: keys, UserClaim: r.text("AUTH_USER_CLAIM", "sub"), CAFile: r.file("AUTH_CA_FILE")}
	switch mode {
	case "jwt":
		r.required("AUTH_ISSUER", "the issuer of the tokens, a URL with https")
		r.required("AUTH_AUDIENCE", "what the tokens name in aud")
		return &s
	case "off":
		// Who names an issuer believes that tokens are checked.
		for _, name := range []string{"AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_URL"} {
			if v := r.text(name, ""); v != "" {
				r.faultf("%s is %q with AUTH off, want jwt as AUTH, or nothing here", name, v)
			}
		}
	case "":
		r.faultf("AUTH is not set, want jwt, with AUTH_ISSUER and AUTH_AUDIENCE, or off, to let everybody do everything")
	default:
		r.faultf("AUTH is %q, want one of jwt, off", mode)
	}
	return nil
}

// trusted reads a URL from which keys may come.
func (r *reader) trusted(name string) string {
	v := r.text(name, "")
	if v != "" && !auth.Trusted(v) {
		r.faultf("%s is %q, want a URL with https, or one of this machine", name, v)
	}
	return v
}

// rateLimit has a burst of two seconds unless it says otherwise.
func (r *reader) rateLimit() RateLimit {
	v := r.text("RATE_LIMIT_RPS", "0")
	perSecond, err := strconv.ParseFloat(v, 64)
	if inRange := perSecond == 0 || perSecond >= 0.01 && perSecond <= 100_000; err != nil || !inRange {
		r.faultf("RATE_LIMIT_RPS is %q, want a number from 0.01 to 100000, or 0 for no limit", v)
		perSecond = 0
	}
	return RateLimit{
		PerSecond: perSecond, Burst: r.integer("RATE_LIMIT_BURST", max(1, int(2*perSecond)), 1, 1_000_000), Hops: r.integer("FORWARDED_HOPS", 1, 0, 10),
	}
}
