package rules

import (
	"fmt"
	"slices"

	"github.com/ragscale/ragscale/catalogue"
)

const (
	distribution  = "aws:cloudfront/distribution:Distribution"
	originControl = "aws:cloudfront/originAccessControl:OriginAccessControl"

	headersPolicy = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"

	// leastHSTSSeconds is half a year. Source: https://cheatsheetseries.owasp.org (HTTP Strict Transport Security wants a
	// year, after shorter ones while it is introduced); as remembered.
	leastHSTSSeconds = 180 * 86400
)

// edgeProtocols are CloudFront's security policies without TLS 1.0 and 1.1.
var edgeProtocols = []string{"TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}

var edge = []Rule{
	{
		Name: "edge-https", Area: Edge, Levels: everywhere,
		Says:   "The distribution answers over HTTPS alone, or leads there.",
		Fix:    "viewerProtocolPolicy of every behavior: https-only or redirect-to-https.",
		Origin: "encryption in transit",
		Types:  []string{distribution}, Check: edgeHTTPS,
	},
	{
		Name: "edge-tls", Area: Edge, Levels: everywhere,
		Says:   "A distribution with a certificate of its own speaks TLS 1.2 or later.",
		Fix:    "viewerCertificate.minimumProtocolVersion: TLSv1.2_2021.",
		Origin: "encryption in transit; without it CloudFront accepts TLS 1.0",
		Types:  []string{distribution}, Check: edgeTLS,
	},
	{
		Name: "edge-origin-signed", Area: Edge, Levels: everywhere,
		Says:   "The distribution signs what it asks of buckets, so that nobody else need be let in.",
		Fix:    "originAccessControlId of every S3 origin, of an access control whose signingBehavior is always.",
		Origin: "nothing is public that need not be",
		Types:  []string{distribution, originControl}, Check: edgeOriginSigned,
	},
	{
		Name: "edge-assets-cached", Area: Edge, Levels: onAWS,
		Says:   "What comes from a bucket is cached at the edge.",
		Fix:    "Give the behavior of the S3 origin a cache policy other than CachingDisabled.",
		Origin: "responseSeconds: static paths are the edge's to answer",
		Types:  []string{distribution}, Check: edgeAssetsCached,
	},
	{
		Name: "edge-compressed", Area: Edge, Levels: onAWS,
		Says:   "What the edge caches it sends compressed.",
		Fix:    "compress of the behavior: true.",
		Origin: "responseSeconds on slow lines; the bill counts bytes",
		Types:  []string{distribution}, Check: edgeCompressed,
	},
	{
		Name: "edge-headers", Area: Edge, Levels: everywhere,
		Says: "Whatever the edge sends tells browsers to keep to HTTPS, not to guess types and not to show it in frames.",
		Fix: "responseHeadersPolicyId of every behavior: a policy with strictTransportSecurity, contentTypeOptions and " +
			"frameOptions.",
		Origin: fmt.Sprintf("encryption in transit: HTTPS is kept for at least %d days", leastHSTSSeconds/86400),
		Types:  []string{distribution, headersPolicy}, Check: edgeHeaders,
	},
}

func behaviors(r Resource) []Property {
	all := r.At("orderedCacheBehaviors").Each()
	if first := r.At("defaultCacheBehavior"); !first.Absent() {
		all = append(all, first)
	}
	return all
}

func edgeHTTPS(r Resource, _ Thresholds, p *Report) {
	for _, b := range behaviors(r) {
		p.isOneOf(r, b.At("viewerProtocolPolicy"), "https-only", "redirect-to-https")
	}
}

func edgeTLS(r Resource, _ Thresholds, p *Report) {
	certificate := r.At("viewerCertificate")
	own := !certificate.At("acmCertificateArn").Absent() || !certificate.At("iamCertificateId").Absent()
	if own && !certificate.At("cloudfrontDefaultCertificate").True() {
		p.isOneOf(r, certificate.At("minimumProtocolVersion"), edgeProtocols...)
	}
}

func edgeOriginSigned(r Resource, _ Thresholds, p *Report) {
	if r.Type == originControl {
		p.isOneOf(r, r.At("signingBehavior"), "always")
		return
	}
	for _, origin := range r.At("origins").Each() {
		if isBucket(origin) && origin.At("s3OriginConfig", "originAccessIdentity").Absent() {
			p.isSet(r, origin.At("originAccessControlId"), "an origin access control")
		}
	}
}

// isBucket tells whether an origin is none of CloudFront's other kinds: a server, or a load balancer inside a VPC.
func isBucket(origin Property) bool {
	return origin.At("customOriginConfig").Absent() && origin.At("vpcOriginConfig").Absent()
}

func edgeAssetsCached(r Resource, _ Thresholds, p *Report) {
	var assets []string
	for _, origin := range r.At("origins").Each() {
		if isBucket(origin) {
			assets = append(assets, origin.At("originId").Text())
		}
	}
	for _, b := range behaviors(r) {
		if target := b.At("targetOriginId"); target.Text() != "" && slices.Contains(assets, target.Text()) && !caches(b) {
			p.fault(r, b.At("cachePolicyId"), "a policy that caches")
		}
	}
}

// caches tells whether a behavior may keep answers. Without a policy, CloudFront's older settings decide: they cache
// unless their ttl is 0.
func caches(behavior Property) bool {
	most, known := behavior.At("maxTtl").Number()
	return behavior.At("cachePolicyId").Text() != catalogue.CachingDisabled && !(known && most == 0)
}

func edgeCompressed(r Resource, _ Thresholds, p *Report) {
	for _, b := range behaviors(r) {
		if !b.At("cachePolicyId").Unknown() && !b.At("maxTtl").Unknown() && caches(b) {
			p.isTrue(r, b.At("compress"))
		}
	}
}

func edgeHeaders(r Resource, _ Thresholds, p *Report) {
	if r.Type == headersPolicy {
		security := r.At("securityHeadersConfig")
		p.isAtLeast(r, security.At("strictTransportSecurity", "accessControlMaxAgeSec"), leastHSTSSeconds, " s")
		p.isTrue(r, security.At("contentTypeOptions", "override"))
		p.isOneOf(r, security.At("frameOptions", "frameOption"), "DENY", "SAMEORIGIN")
		return
	}
	for _, b := range behaviors(r) {
		p.isSet(r, b.At("responseHeadersPolicyId"), "a response headers policy")
	}
}
