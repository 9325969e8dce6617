package cdn

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue"
)

// everything, in a list of what the origin sees.
const everything = "*"

// hstsSeconds is a year, from which on browsers' preload lists take a domain.
const hstsSeconds = 31536000

// behavior is a Behavior with the policies that carry it out.
type behavior struct {
	Behavior
	cache, originRequest, responseHeaders pulumi.StringPtrInput
}

func (d *declaration) behaviors() ([]behavior, error) {
	headers := map[string]pulumi.StringPtrInput{}
	var all []behavior
	for _, b := range d.args.Behaviors {
		var err error
		if headers[b.CacheControl] == nil {
			if headers[b.CacheControl], err = d.responseHeaders(b); err != nil {
				return nil, err
			}
		}
		with := behavior{Behavior: b, responseHeaders: headers[b.CacheControl]}
		if with.cache, err = d.cachePolicy(b); err != nil {
			return nil, err
		}
		if with.originRequest, err = d.originRequest(b); err != nil {
			return nil, err
		}
		all = append(all, with)
	}
	return all, nil
}

// notInNames is what the name of a policy may not have.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// slug names a behavior's policies by its path: "/v1/search" is "v1-search", "*" is "rest".
func (b Behavior) slug() string {
	slug := strings.Trim(notInNames.ReplaceAllString(b.Path, "-"), "-")
	if slug == "" {
		return "rest"
	}
	return slug
}

func (d *declaration) cachePolicy(b Behavior) (pulumi.StringPtrInput, error) {
	if !b.cached() {
		return pulumi.String(catalogue.CachingDisabled), nil
	}
	policy, err := cloudfront.NewCachePolicy(d.ctx, d.name+"-"+b.slug(), &cloudfront.CachePolicyArgs{
		Comment: pulumi.String("Answers of " + b.Path),
		MinTtl:  pulumi.Int(b.MinTTLSeconds), DefaultTtl: pulumi.Int(b.TTLSeconds), MaxTtl: pulumi.Int(b.MaxTTLSeconds),
		ParametersInCacheKeyAndForwardedToOrigin: &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs{
			EnableAcceptEncodingBrotli: pulumi.Bool(b.Compress),
			EnableAcceptEncodingGzip:   pulumi.Bool(b.Compress),
			CookiesConfig:              keyCookies(b.KeyCookies),
			HeadersConfig:              keyHeaders(b.KeyHeaders),
			QueryStringsConfig:         keyQueryStrings(b.KeyQueryStrings),
		},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("cache policy of %s: %w", b.Path, err)
	}
	return policy.ID().ToStringOutput().ToStringPtrOutput(), nil
}

func keyCookies(names []string) *cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs {
	config := &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs{CookieBehavior: listed(names)}
	if len(names) > 0 {
		config.Cookies = &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigCookiesArgs{Items: pulumi.ToStringArray(names)}
	}
	return config
}

func keyHeaders(names []string) *cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs {
	config := &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs{HeaderBehavior: listed(names)}
	if len(names) > 0 {
		config.Headers = &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigHeadersArgs{Items: pulumi.ToStringArray(names)}
	}
	return config
}

func keyQueryStrings(names []string) *cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs {
	config := &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs{QueryStringBehavior: listed(names)}
	if len(names) > 0 {
		config.QueryStrings = &cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigQueryStringsArgs{Items: pulumi.ToStringArray(names)}
	}
	return config
}

// listed is how CloudFront says that only the listed ones count, or none.
func listed(names []string) pulumi.String {
	if len(names) == 0 {
		return "none"
	}
	return "whitelist"
}

// originRequest is what the origin sees beside the cache key. Host is never forwarded to the load balancer: behind it
// is another name, and another certificate.
func (d *declaration) originRequest(b Behavior) (pulumi.StringPtrInput, error) {
	if b.forwards() == "" {
		return nil, nil
	}
	if b.forwards() == everything {
		return pulumi.String(catalogue.AllViewerExceptHostHeader), nil
	}
	policy, err := cloudfront.NewOriginRequestPolicy(d.ctx, d.name+"-"+b.slug(), &cloudfront.OriginRequestPolicyArgs{
		Comment:            pulumi.String("What the origin of " + b.Path + " sees beside the cache key"),
		CookiesConfig:      forwardCookies(b.ForwardCookies),
		HeadersConfig:      forwardHeaders(b.ForwardHeaders),
		QueryStringsConfig: forwardQueryStrings(b.ForwardQueryStrings),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("origin request policy of %s: %w", b.Path, err)
	}
	return policy.ID().ToStringOutput().ToStringPtrOutput(), nil
}

// forwards is "" for nothing, "*" for everything, else "listed".
func (b Behavior) forwards() string {
	lists := [][]string{b.ForwardHeaders, b.ForwardQueryStrings, b.ForwardCookies}
	none, all := true, true
	for _, list := range lists {
		none = none && len(list) == 0
		all = all && len(list) == 1 && list[0] == everything
	}
	switch {
	case none:
		return ""
	case all:
		return everything
	}
	return "listed"
}

func forwardCookies(names []string) *cloudfront.OriginRequestPolicyCookiesConfigArgs {
	config := &cloudfront.OriginRequestPolicyCookiesConfigArgs{CookieBehavior: forwarded(names)}
	if config.CookieBehavior == pulumi.String("whitelist") {
		config.Cookies = &cloudfront.OriginRequestPolicyCookiesConfigCookiesArgs{Items: pulumi.ToStringArray(names)}
	}
	return config
}

func forwardHeaders(names []string) *cloudfront.OriginRequestPolicyHeadersConfigArgs {
	config := &cloudfront.OriginRequestPolicyHeadersConfigArgs{HeaderBehavior: listed(names)}
	if len(names) > 0 {
		config.Headers = &cloudfront.OriginRequestPolicyHeadersConfigHeadersArgs{Items: pulumi.ToStringArray(names)}
	}
	return config
}

func forwardQueryStrings(names []string) *cloudfront.OriginRequestPolicyQueryStringsConfigArgs {
	config := &cloudfront.OriginRequestPolicyQueryStringsConfigArgs{QueryStringBehavior: forwarded(names)}
	if config.QueryStringBehavior == pulumi.String("whitelist") {
		config.QueryStrings = &cloudfront.OriginRequestPolicyQueryStringsConfigQueryStringsArgs{Items: pulumi.ToStringArray(names)}
	}
	return config
}

// forwarded is listed, where "*" stands for all. Headers have no such behavior that leaves Host out.
func forwarded(names []string) pulumi.String {
	if len(names) == 1 && names[0] == everything {
		return "all"
	}
	return listed(names)
}

// responseHeaders are the security headers, and Cache-Control for browsers where it is given. Behaviors with the same
// Cache-Control share a policy.
func (d *declaration) responseHeaders(b Behavior) (pulumi.StringPtrInput, error) {
	suffix := "-headers"
	if b.CacheControl != "" {
		suffix += "-" + b.slug()
	}
	args := &cloudfront.ResponseHeadersPolicyArgs{
		Comment: pulumi.String("Security headers"),
		SecurityHeadersConfig: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs{
			ContentTypeOptions: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs{Override: pulumi.Bool(true)},
			FrameOptions: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs{
				FrameOption: pulumi.String("DENY"), Override: pulumi.Bool(true),
			},
			ReferrerPolicy: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs{
				ReferrerPolicy: pulumi.String("strict-origin-when-cross-origin"), Override: pulumi.Bool(true),
			},
			StrictTransportSecurity: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs{
				AccessControlMaxAgeSec: pulumi.Int(hstsSeconds), IncludeSubdomains: pulumi.Bool(true), Override: pulumi.Bool(true),
			},
		},
	}
	if b.CacheControl != "" {
		args.Comment = pulumi.String("Security headers; browsers are told: " + b.CacheControl)
		args.CustomHeadersConfig = &cloudfront.ResponseHeadersPolicyCustomHeadersConfigArgs{
			Items: cloudfront.ResponseHeadersPolicyCustomHeadersConfigItemArray{&cloudfront.ResponseHeadersPolicyCustomHeadersConfigItemArgs{
				Header: pulumi.String("Cache-Control"), Value: pulumi.String(b.CacheControl), Override: pulumi.Bool(true),
			}},
		}
	}
	policy, err := cloudfront.NewResponseHeadersPolicy(d.ctx, d.name+suffix, args, d.parent)
	if err != nil {
		return nil, fmt.Errorf("response headers policy of %s: %w", b.Path, err)
	}
	return policy.ID().ToStringOutput().ToStringPtrOutput(), nil
}
