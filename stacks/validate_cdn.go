package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/stacks/settings"
)

// cloudFrontRegion is where CloudFront looks for certificates and web ACLs.
const cloudFrontRegion = "us-east-1"

func (c *Config) checkCertificate(f *settings.Faults) {
	cdn, path := c.CDN, prefix+"cdn"
	if region := arnRegion(cdn.CertificateARN); region != "" && region != cloudFrontRegion {
		f.Add(path+".certificateArn", "is of region "+region, "one of us-east-1, where CloudFront looks for it")
	}
	if len(cdn.Aliases) > 0 && cdn.CertificateARN == "" {
		f.Add(path+".certificateArn", "is not set", "a certificate for the aliases")
	}
	if len(cdn.Aliases) == 0 && cdn.CertificateARN != "" {
		f.Add(path+".aliases", "is empty with a certificate", "the host names it is for")
	}
	for i, name := range cdn.Aliases {
		if slices.Contains(cdn.Aliases[:i], name) {
			f.Add(fmt.Sprintf("%s.aliases[%d]", path, i), settings.Show(name)+" again", "each name once")
		}
	}
}

// checkWayIn checks the way from the distribution to the load balancer. In production there is no other: nobody shall
// go past the distribution and its web ACL.
func (c *Config) checkWayIn(f *settings.Faults) {
	if !c.CDN.Enabled {
		return
	}
	encrypted := c.API.CertificateARN != "" && c.API.ListenerPort == 443
	if c.Environment == Production && !c.API.Internal && encrypted {
		f.Add(prefix+"api.internal", "is false with cdn.enabled",
			"true: the distribution reaches the load balancer inside the VPC, and nobody shall go past it")
	}
	if encrypted && c.CDN.OriginDomain == "" {
		f.Add(prefix+"cdn.originDomain", "is not set",
			"the host name in api.certificateArn: the load balancer's own name is in no certificate")
	}
	if !encrypted && c.CDN.OriginDomain != "" {
		f.Add(prefix+"cdn.originDomain", settings.Show(c.CDN.OriginDomain),
			"nothing, or api.certificateArn with listenerPort 443")
	}
}

// checkBehaviors lints the cache behaviors, each by itself and in their order.
func (c *Config) checkBehaviors(f *settings.Faults) {
	behaviors, path := c.CDN.Behaviors, prefix+"cdn.behaviors"
	for i, b := range behaviors {
		l := linter{Faults: f, path: fmt.Sprintf("%s[%d]", path, i), behavior: b}
		l.checkTTLs()
		l.checkOrder(behaviors[:i])
		if b.Origin == originAPI {
			l.checkLifetime()
		}
		switch {
		case b.Origin == originAssets:
			l.checkAssets()
		case b.Cached():
			l.checkKey()
		default:
			l.checkForwarded()
		}
	}
	if last := len(behaviors) - 1; behaviors[last].Path != "*" {
		f.Add(fmt.Sprintf("%s[%d].path", path, last), settings.Show(behaviors[last].Path),
			"* in the last: CloudFront has a behavior for the rest")
	}
}

// linter checks one behavior.
type linter struct {
	*settings.Faults
	path     string
	behavior Behavior
}

func (l linter) checkTTLs() {
	b := l.behavior
	if b.TTLSeconds < b.MinTTLSeconds || b.TTLSeconds > b.MaxTTLSeconds {
		l.Add(l.path+".ttlSeconds", settings.Show(b.TTLSeconds),
			fmt.Sprintf("minTtlSeconds to maxTtlSeconds, %d to %d", b.MinTTLSeconds, b.MaxTTLSeconds))
	}
	if !b.Cached() && b.Compress {
		l.Add(l.path+".compress", "is true with maxTtlSeconds 0", "false: CloudFront compresses what it may cache only")
	}
	if keys := len(b.KeyHeaders) + len(b.KeyQueryStrings) + len(b.KeyCookies); !b.Cached() && keys > 0 {
		l.Add(l.path+".maxTtlSeconds", "is 0 with a cache key", "no key parts, which belong into forward then, or a TTL")
	}
}

// checkOrder reports a behavior that repeats, or hides behind, one of those before, and two of which the order alone
// decides who gets some request.
func (l linter) checkOrder(before []Behavior) {
	for i, earlier := range before {
		name := fmt.Sprintf("cdn.behaviors[%d], %s", i, earlier.Path)
		switch own := l.behavior.Path; {
		case own == earlier.Path:
			l.Add(l.path+".path", settings.Show(own)+" again", "each path once: "+name)
		case pathCovers(earlier.Path, own):
			l.Add(l.path+".path", settings.Show(own)+", which no request reaches", "a place before "+name)
		case pathsMeet(earlier.Path, own) && !pathCovers(own, earlier.Path):
			l.Add(l.path+".path", settings.Show(own)+", which overlaps", "a path apart from "+name+", or within it")
		}
	}
}

// checkAssets: S3 reads the path and nothing else, and a request that it is forwarded to signed must not carry more.
func (l linter) checkAssets() {
	for _, p := range l.parts() {
		if len(p.names) > 0 {
			l.Add(l.path+"."+p.key, "is "+strings.Join(p.names, ", "),
				"nothing: S3 reads neither headers nor query strings nor cookies")
		}
	}
}

// checkLifetime leaves it to the API who may keep what: docs/api.md has the table.
func (l linter) checkLifetime() {
	if b := l.behavior; b.MinTTLSeconds > 0 {
		l.Add(l.path+".minTtlSeconds", settings.Show(b.MinTTLSeconds), "0: the edge would keep what the API lets nobody keep")
	}
	if b := l.behavior; b.CacheControl != "" {
		l.Add(l.path+".cacheControl", settings.Show(b.CacheControl), "nothing: the API says for each answer who may keep it")
	}
}

// part is one of a behavior's lists of request parts, and what the API reads of its kind.
type part struct {
	key      string
	names    []string
	varying  []string // the answer depends on them
	passing  []string // read, but they do not tell answers apart
	isKey    bool
	isHeader bool
}

func (l linter) parts() []part {
	b, reads := l.behavior, readsAt(l.behavior.Path)
	return []part{
		{key: "keyHeaders", names: b.KeyHeaders, varying: reads.Headers, isKey: true, isHeader: true},
		{key: "keyQueryStrings", names: b.KeyQueryStrings, varying: reads.QueryStrings, isKey: true},
		{key: "keyCookies", names: b.KeyCookies, isKey: true},
		{key: "forwardHeaders", names: b.ForwardHeaders, varying: reads.Headers, passing: reads.Passing, isHeader: true},
		{key: "forwardQueryStrings", names: b.ForwardQueryStrings, varying: reads.QueryStrings},
		{key: "forwardCookies", names: b.ForwardCookies},
	}
}

// has compares as HTTP does: the case of header names does not count.
func (p part) has(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n == name || p.isHeader && strings.EqualFold(n, name) })
}

// checkKey holds the cache key of an API path to what the API reads: a part too few serves one client's answer to
// another, a part too many keeps the same answer twice.
func (l linter) checkKey() {
	for _, p := range l.parts() {
		if !p.isKey {
			l.checkHost(p)
			continue
		}
		for i, name := range p.names {
			if !p.has(p.varying, name) {
				l.Add(fmt.Sprintf("%s.%s[%d]", l.path, p.key, i),
					settings.Show(name)+", which the API does not read at "+l.behavior.Path,
					wantParts(p.varying)+": it splits the cache for nothing")
			}
		}
		l.lacks(p, p.varying, "one answer would be served for all of them")
	}
}

// checkForwarded holds what passes uncached to what the API reads. Headers that tell who is asking pass with all the
// others or in a cache key: CloudFront refuses Authorization in an origin request policy
// (https://github.com/aws/aws-cdk/issues/13408 ; read 2026-11-30).
func (l linter) checkForwarded() {
	for _, p := range l.parts() {
		if p.isKey || slices.Contains(p.names, "*") {
			continue
		}
		l.checkHost(p)
		if p.isHeader && p.has(p.varying, authorization) {
			l.Add(l.path+"."+p.key, "is "+settings.Join(p.names),
				"*: the API reads Authorization at "+l.behavior.Path+", which CloudFront does not take by name")
			continue
		}
		l.lacks(p, append(slices.Clone(p.varying), p.passing...), "CloudFront drops what is not named")
	}
}

func (l linter) lacks(p part, wanted []string, why string) {
	for _, name := range wanted {
		if !p.has(p.names, name) {
			l.Add(l.path+"."+p.key, "lacks "+name, "it: the API reads it at "+l.behavior.Path+", and "+why)
		}
	}
}

// checkHost: with the viewer's Host the load balancer's certificate does not match.
func (l linter) checkHost(p part) {
	if p.isHeader && p.has(p.names, "Host") {
		l.Add(l.path+"."+p.key, "has Host", "none: the load balancer's certificate is for its own name")
	}
	for _, name := range []string{authorization, "Accept-Encoding"} {
		if l.behavior.Cached() && p.isHeader && p.has(p.names, name) {
			l.Add(l.path+"."+p.key, "has "+name, "none: CloudFront takes it in a cache key alone")
		}
	}
}

func wantParts(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "some of " + settings.Join(names)
}
