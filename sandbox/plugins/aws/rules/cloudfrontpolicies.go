package rules

import (
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Behaviors of the parts of a request.
// Source: CachePolicyHeaderBehavior, OriginRequestPolicyHeaderBehavior and so on of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudfront@v1.73.0/types ; read 2026-11-30.
var (
	cachedHeaders = []string{"none", "whitelist"}
	sentHeaders   = []string{"none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept"}
	anyPart       = []string{"none", "whitelist", "allExcept", "all"}
	naming        = []string{"whitelist", "allExcept", "allViewerAndWhitelistCloudFront"} // those that take names
)

// mostNamed is how many headers, cookies or query strings a policy names by default.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-policies ; read 2026-11-30.
const mostNamed = 10

func cachePolicyParts(c *check) {
	const key = "parametersInCacheKeyAndForwardedToOrigin."
	c.part(key+"headersConfig", "headerBehavior", "headers", cachedHeaders)
	c.part(key+"cookiesConfig", "cookieBehavior", "cookies", anyPart)
	c.part(key+"queryStringsConfig", "queryStringBehavior", "queryStrings", anyPart)
	compressed := c.is(key+"enableAcceptEncodingGzip", false) || c.is(key+"enableAcceptEncodingBrotli", false)
	if compressed && c.names(key+"headersConfig.headers.items", "Accept-Encoding") {
		c.fail(key+"headersConfig.headers.items", "names Accept-Encoding beside enableAcceptEncodingGzip or Brotli, which put it into the key themselves")
	}
}

// originRequestPolicy: what decides who is asking belongs into the cache key, and what CloudFront itself negotiates is its
// own. Source: https://github.com/aws/aws-cdk/issues/13408 and /pull/15327 ; read 2026-11-30.
func originRequestPolicy(c *check) {
	c.part("headersConfig", "headerBehavior", "headers", sentHeaders)
	c.part("cookiesConfig", "cookieBehavior", "cookies", anyPart)
	c.part("queryStringsConfig", "queryStringBehavior", "queryStrings", anyPart)
	if c.str("headersConfig.headerBehavior") == "allExcept" {
		return
	}
	for _, name := range []string{"Authorization", "Accept-Encoding"} {
		if c.names("headersConfig.headers.items", name) {
			c.fail("headersConfig.headers.items", "names %s, which only a cache policy may, or the behavior allViewer", name)
		}
	}
}

// part checks a behavior and that names are given exactly where it asks for them.
func (c *check) part(config, behavior, list string, behaviors []string) {
	c.oneOf(config+"."+behavior, behaviors...)
	how, known := props.String(c.Inputs, config+"."+behavior)
	items := config + "." + list + ".items"
	if !known || !slices.Contains(behaviors, how) || c.unknown(config+"."+list) || c.unknown(items) {
		return
	}
	n := len(c.list(items))
	switch named := slices.Contains(naming, how); {
	case named && n == 0:
		c.fail(items, "missing, want names with %s %s", behavior, how)
	case !named && n > 0:
		c.fail(items, "is given with %s %s, want none", behavior, how)
	case n > mostNamed:
		c.fail(items, "has %d names, want at most %d", n, mostNamed)
	}
}

func (c *check) names(path, name string) bool {
	return slices.ContainsFunc(props.Strings(c.Inputs, path), func(s string) bool { return strings.EqualFold(s, name) })
}
