package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Source of the distribution's rules: DistributionConfig of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudfront@v1.73.0/types ; read 2026-11-23.
func distribution(c *check) {
	c.oneOf("priceClass", "PriceClass_All", "PriceClass_200", "PriceClass_100")
	c.oneOf("httpVersion", "http1.1", "http2", "http2and3", "http3")
	c.viewerCertificate()
	origins := map[string]bool{}
	complete := true
	for i := range c.list("origins") {
		id, ok := props.String(c.Inputs, fmt.Sprintf("origins.%d.originId", i))
		origins[id] = true
		complete = complete && ok
	}
	c.behavior("defaultCacheBehavior", props.Object(c.Inputs, "defaultCacheBehavior"), origins, complete)
	for i, b := range props.Objects(c.Inputs, "orderedCacheBehaviors") {
		c.behavior(fmt.Sprintf("orderedCacheBehaviors[%d]", i), b, origins, complete)
	}
	if arn := c.str("webAclId"); strings.HasPrefix(arn, "arn:") && !strings.Contains(arn, ":us-east-1:") {
		c.fail("webAclId", "is %s, want a web ACL of us-east-1 with scope CLOUDFRONT", arn)
	}
	if c.str("comment") != "" && len(c.str("comment")) > 128 {
		c.fail("comment", "has %d characters, want at most 128", len(c.str("comment")))
	}
}

func (c *check) viewerCertificate() {
	const v = "viewerCertificate."
	arn := c.str(v + "acmCertificateArn")
	if arn != "" && !strings.Contains(arn, ":us-east-1:") {
		c.fail(v+"acmCertificateArn", "is %s, want a certificate of us-east-1", arn)
	}
	c.oneOf(v+"sslSupportMethod", "sni-only", "vip", "static-ip")
	c.oneOf(v+"minimumProtocolVersion", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.3_2025", "TLSv1.2_2025", "SSLv3")
	if c.has(v+"acmCertificateArn") && !c.has(v+"sslSupportMethod") {
		c.fail(v+"sslSupportMethod", "missing, want sni-only with a certificate")
	}
	if len(c.list("aliases")) > 0 && c.is(v+"cloudfrontDefaultCertificate", false) {
		c.fail(v+"cloudfrontDefaultCertificate", "is true with aliases, want a certificate that covers them")
	}
}

var methodSets = [][]string{{"GET", "HEAD"}, {"GET", "HEAD", "OPTIONS"}, {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"}}

func (c *check) behavior(path string, b resource.PropertyMap, origins map[string]bool, complete bool) {
	if target, ok := props.String(b, "targetOriginId"); ok && complete && !origins[target] {
		c.fail(path+".targetOriginId", "is %q, which is no origin of the distribution", target)
	}
	c.behaviorCache(path, b)
	if allowed := props.Strings(b, "allowedMethods"); len(allowed) > 0 && len(allowed) == len(props.List(b, "allowedMethods")) && !isMethodSet(allowed) {
		c.fail(path+".allowedMethods", "is %q, want GET and HEAD, or with OPTIONS, or all seven", allowed)
	}
	policies := []string{"allow-all", "https-only", "redirect-to-https"}
	if policy, ok := props.String(b, "viewerProtocolPolicy"); ok && !slices.Contains(policies, policy) {
		c.fail(path+".viewerProtocolPolicy", "is %q, want one of %q", policy, policies)
	}
}

// behaviorCache wants the time to live in a cache policy or in the behavior, not in both.
func (c *check) behaviorCache(path string, b resource.PropertyMap) {
	if props.Has(b, "cachePolicyId") {
		for _, k := range []string{"forwardedValues", "minTtl", "maxTtl", "defaultTtl"} {
			if props.Has(b, k) {
				c.fail(path+"."+k, "is given with cachePolicyId, want it in the policy")
			}
		}
	} else if !props.Has(b, "forwardedValues") {
		c.fail(path+".cachePolicyId", "missing, want a cache policy")
	}
}

func isMethodSet(list []string) bool {
	given := map[string]bool{}
	for _, m := range list {
		given[m] = true
	}
	for _, set := range methodSets {
		same := len(given) == len(set)
		for _, m := range set {
			same = same && given[m]
		}
		if same {
			return true
		}
	}
	return false
}

// Source of the defaults: CachePolicyConfig of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudfront@v1.73.0/types ; read 2026-11-23. What maxTtl 0 excludes is as remembered.
func cachePolicy(c *check) {
	low, high, def := props.Int(c.Inputs, "minTtl", 0), props.Int(c.Inputs, "maxTtl", 31536000), props.Int(c.Inputs, "defaultTtl", 86400)
	if low > high || def < low || def > high {
		c.fail("defaultTtl", "is %d between minTtl %d and maxTtl %d, want minTtl <= defaultTtl <= maxTtl", def, low, high)
	}
	if top, ok := c.num("maxTtl"); !ok || top != 0 {
		return
	}
	const key = "parametersInCacheKeyAndForwardedToOrigin."
	for _, path := range []string{"enableAcceptEncodingBrotli", "enableAcceptEncodingGzip"} {
		if c.is(key+path, false) {
			c.fail(key+path, "is true with maxTtl 0, want the managed policy CachingDisabled (%s)", catalogue.CachingDisabled)
		}
	}
	for path, kind := range map[string]string{"cookiesConfig": "cookieBehavior", "headersConfig": "headerBehavior", "queryStringsConfig": "queryStringBehavior"} {
		if s := c.str(key + path + "." + kind); s != "" && s != "none" {
			c.fail(key+path, "is %s with maxTtl 0, want none or the managed policy CachingDisabled (%s)", s, catalogue.CachingDisabled)
		}
	}
}
