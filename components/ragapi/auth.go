package ragapi

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strconv"

	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"

	"github.com/ragscale/ragscale/components/internal/traffic"
)

// Auth says whose tokens the API takes.
type Auth struct {
	// Issuer of the tokens, a URL with https, or of loopback.
	Issuer string
	// Audience that the tokens name.
	Audience string
	// JWKSURL is where the issuer's keys are. Empty is as the issuer says: on port 443, or on its own.
	JWKSURL string
	// UserClaim names the user. Empty is the image's default, sub.
	UserClaim string
}

// RateLimit bounds how often one caller may ask one pod.
type RateLimit struct {
	RequestsPerSecond int // up to 100000; 0 is no limit
	Burst             int // 1 to 1000000; without a limit it says nothing
}

// authority is what keys may come from.
var authority = regexp.MustCompile(`^(https://[^/@?#]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)(/[^#]*)?$`)

func (f *faults) auth(a Args) {
	if auth := a.Auth; auth != nil {
		f.authority("Auth.Issuer", auth.Issuer)
		if auth.JWKSURL != "" {
			f.authority("Auth.JWKSURL", auth.JWKSURL)
		}
		if auth.Audience == "" {
			f.Add("Auth.Audience is empty, want what the tokens name in aud")
		}
	}
	f.Between("RateLimit.RequestsPerSecond", a.RateLimit.RequestsPerSecond, 0, 100_000)
	if a.RateLimit.RequestsPerSecond > 0 {
		f.Between("RateLimit.Burst", a.RateLimit.Burst, 1, 1_000_000)
	}
}

func (f *faults) authority(field, value string) {
	if _, err := url.Parse(value); err != nil || !authority.MatchString(value) {
		f.Add("%s is %q, want a URL with https", field, value)
	}
}

// authEnv says who may come in. Every command reads it, as it does all of the environment.
func (d *declaration) authEnv() map[string]string {
	a := d.args.Auth
	if a == nil {
		return map[string]string{"AUTH": "off"}
	}
	env := map[string]string{"AUTH": "jwt", "AUTH_ISSUER": a.Issuer, "AUTH_AUDIENCE": a.Audience,
		"AUTH_JWKS_URL": a.JWKSURL, "AUTH_USER_CLAIM": a.UserClaim}
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	return env
}

// limitEnv adds the limit, if there is one.
func (d *declaration) limitEnv(env map[string]string) map[string]string {
	if l := d.args.RateLimit; l.RequestsPerSecond > 0 {
		env["RATE_LIMIT_RPS"], env["RATE_LIMIT_BURST"] = strconv.Itoa(l.RequestsPerSecond), strconv.Itoa(l.Burst)
		env["FORWARDED_HOPS"] = strconv.Itoa(d.forwardedHops())
	}
	return env
}

// forwardedHops are the proxies that each request has come through. Where clients reach the load balancer beside the
// edge, whatever they say they have come through is their own word.
func (d *declaration) forwardedHops() int {
	if d.args.FromEdge && len(d.args.IngressCIDRs) == 0 {
		return 2 // CloudFront, the load balancer
	}
	return 1
}

// toIssuer reaches the issuer and its keys where that is not on 443. Both URLs are valid here.
func (d *declaration) toIssuer() ([]networkingv1.NetworkPolicyEgressRuleInput, error) {
	if d.args.Auth == nil {
		return nil, nil
	}
	var rules []networkingv1.NetworkPolicyEgressRuleInput
	opened := map[int]bool{httpsDefault: true} // for AWS's APIs
	for _, address := range []string{d.args.Auth.Issuer, d.args.Auth.JWKSURL} {
		port, err := portOf(address)
		if err != nil {
			return nil, err
		}
		if !opened[port] {
			opened[port] = true
			rules = append(rules, traffic.ToPublic(port))
		}
	}
	return rules, nil
}

// portOf is the port that a URL says or means; 443 for no URL.
func portOf(address string) (int, error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, fmt.Errorf("port of the issuer: %w", err)
	}
	switch {
	case u.Port() != "":
		return strconv.Atoi(u.Port())
	case u.Scheme == "http":
		return httpDefault, nil
	}
	return httpsDefault, nil
}
