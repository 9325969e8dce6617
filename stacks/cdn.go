package stacks

import "slices"

// CDN is the CloudFront distribution.
type CDN struct {
	// Declare the distribution.
	Enabled bool `json:"enabled"`
	// Host names of its own; they need certificateArn and a DNS record each.
	Aliases []string `json:"aliases" rule:"match=hostName maxItems=100"`
	// ACM certificate for the aliases, in us-east-1, where CloudFront looks for it; empty = CloudFront's own name.
	CertificateARN string `json:"certificateArn" rule:"match=certificateArn"`
	// Host name in the load balancer's certificate (api.certificateArn), under which CloudFront asks it; needed with
	// one, empty without.
	OriginDomain string `json:"originDomain" rule:"match=hostNameOrNone"`
	// Which edge locations serve: North America and Europe, most, or all.
	PriceClass string `json:"priceClass" rule:"one=PriceClass_100|PriceClass_200|PriceClass_All"`
	// Region of the cache that stands before the origins; empty = none. By default in production the stack's own,
	// where there is one.
	OriginShieldRegion string `json:"originShieldRegion" rule:"match=originShield"`
	// Days that access logs are kept in S3.
	LogRetentionDays int `json:"logRetentionDays" rule:"min=1 max=3650"`
	// Web ACL that requests pass; empty = none.
	WebACLARN string `json:"webAclArn" rule:"match=webAclArn"`
	// What happens to a request, by path: the first whose path matches decides. The last is * and takes the rest.
	Behaviors []Behavior `json:"behaviors" rule:"minItems=1 maxItems=26"`
}

// Behavior is a cache behavior: the requests of a path, where they go, what tells cached answers apart and what the
// origin gets to see.
type Behavior struct {
	// Path pattern: * stands for any characters, ? for one.
	Path string `json:"path" rule:"required match=pathPattern"`
	// assets = the bucket of static files, api = the load balancer.
	Origin string `json:"origin" rule:"required one=assets|api"`
	// An answer is cached at least so long, whatever the origin says, s.
	MinTTLSeconds int `json:"minTtlSeconds" rule:"min=0 max=31536000"`
	// How long an answer is cached of which the origin says nothing, s.
	TTLSeconds int `json:"ttlSeconds" rule:"min=0 max=31536000"`
	// An answer is cached at most so long, s; 0 = never.
	MaxTTLSeconds int `json:"maxTtlSeconds" rule:"min=0 max=31536000"`
	// Compress answers with Brotli or gzip.
	Compress bool `json:"compress"`
	// Headers in the cache key.
	KeyHeaders []string `json:"keyHeaders" rule:"match=requestPart maxItems=10"`
	// Query strings in the cache key.
	KeyQueryStrings []string `json:"keyQueryStrings" rule:"match=requestPart maxItems=10"`
	// Cookies in the cache key.
	KeyCookies []string `json:"keyCookies" rule:"match=requestPart maxItems=10"`
	// Headers that the origin sees beside the key's; * = all but Host.
	ForwardHeaders []string `json:"forwardHeaders" rule:"match=requestPart maxItems=10"`
	// Query strings, likewise; * = all.
	ForwardQueryStrings []string `json:"forwardQueryStrings" rule:"match=requestPart maxItems=10"`
	// Cookies, likewise; * = all.
	ForwardCookies []string `json:"forwardCookies" rule:"match=requestPart maxItems=10"`
	// Cache-Control for browsers; empty = the origin's own.
	CacheControl string `json:"cacheControl" rule:"match=cacheControl"`
}

// Cached reports whether any answer of the behavior may be cached.
func (b Behavior) Cached() bool { return b.MaxTTLSeconds > 0 }

// Spans, s.
const (
	minute  = 60
	oneDay  = 24 * 60 * minute
	oneYear = 365 * oneDay
)

const (
	originAPI    = "api"
	originAssets = "assets"
)

// defaultBehaviors is the edge in all environments. The API says who may keep what (docs/api.md has the table): the
// edge keeps what is public, which is nothing where callers need tokens. All else goes through as it is, with all that
// was asked. Assets have versioned names and never change. The rest are entry documents: browsers ask each time, the
// edge keeps them until a deploy invalidates them, or a day.
func defaultBehaviors() []Behavior {
	all := []string{"*"}
	behavior := func(b Behavior) Behavior {
		for _, list := range []*[]string{&b.KeyHeaders, &b.KeyQueryStrings, &b.KeyCookies, &b.ForwardHeaders,
			&b.ForwardQueryStrings, &b.ForwardCookies} {
			if *list == nil {
				*list = []string{}
			}
		}
		return b
	}
	return []Behavior{
		behavior(Behavior{
			Path: "/v1/dashboard", Origin: originAPI, MaxTTLSeconds: minute, Compress: true,
			KeyHeaders: []string{"Authorization"}, ForwardHeaders: []string{"X-Request-Id"},
		}),
		behavior(Behavior{
			Path: "/v1/openapi.json", Origin: originAPI, MaxTTLSeconds: 5 * minute, Compress: true,
			KeyHeaders: []string{"Authorization"}, ForwardHeaders: []string{"X-Request-Id"},
		}),
		behavior(Behavior{Path: "/v1/*", Origin: originAPI, ForwardHeaders: all, ForwardQueryStrings: all,
			ForwardCookies: all}),
		behavior(Behavior{
			Path: "/assets/*", Origin: originAssets, TTLSeconds: oneYear, MaxTTLSeconds: oneYear, Compress: true,
			CacheControl: "public, max-age=31536000, immutable",
		}),
		behavior(Behavior{Path: "*", Origin: originAssets, TTLSeconds: oneDay, MaxTTLSeconds: oneDay, Compress: true,
			CacheControl: "no-cache"}),
	}
}

// APIRead is what the API reads of the requests of a path.
type APIRead struct {
	Path         string   // path pattern
	QueryStrings []string // the answer depends on them
	Headers      []string // the answer depends on them
	Passing      []string // headers that are read and do not tell answers apart: ids, conditions, the form of a body
}

// passing are the headers that every path of the API reads and that do not tell answers apart, and more.
func passing(more ...string) []string {
	return append([]string{"X-Request-Id", "If-Match", "If-None-Match"}, more...)
}

// APIReads is the contract of docs/api.md as the edge needs it. Every answer depends on the token. Accept-Encoding is
// in no row: the API does not compress, CloudFront does and keys on what it normalized by itself.
func APIReads() []APIRead {
	reads := []APIRead{
		// Keys of metadata are anybody's: no list holds them, so that no edge can tell searches apart by one.
		{Path: "/v1/search", QueryStrings: []string{"q", "mode", "limit", "cursor", "perDocument", "content", "neighbours",
			"metadata.KEY"}, Passing: passing()},
		{Path: "/v1/documents", QueryStrings: []string{"status", "limit", "cursor", "title"},
			Passing: passing("Content-Type", "Idempotency-Key")},
		{Path: "/v1/documents/*", QueryStrings: []string{"title"}, Passing: passing("Content-Type")},
		{Path: "/v1/documents/*/retry", Passing: passing()},
		{Path: "/v1/documents/*/chunks", QueryStrings: []string{"from", "limit"}, Passing: passing()},
		{Path: "/v1/sessions", QueryStrings: []string{"user", "limit", "cursor"},
			Passing: passing("Content-Type", "Idempotency-Key")},
		{Path: "/v1/sessions/*", QueryStrings: []string{"limit", "before"}, Passing: passing()},
		{Path: "/v1/sessions/*/messages", Passing: passing("Content-Type", "Idempotency-Key")},
		{Path: "/v1/dashboard", Passing: []string{"X-Request-Id"}},
		{Path: "/v1/openapi.json", Passing: []string{"X-Request-Id", "If-None-Match"}},
	}
	for i := range reads {
		reads[i].Headers = append(reads[i].Headers, authorization)
	}
	return reads
}

// authorization is the header that tells who is asking.
const authorization = "Authorization"

// readsAt is all that the API reads of the requests that a path pattern matches.
func readsAt(path string) APIRead {
	sum := APIRead{Path: path}
	merge := func(into *[]string, more []string) {
		for _, name := range more {
			if !slices.Contains(*into, name) {
				*into = append(*into, name)
			}
		}
	}
	for _, read := range APIReads() {
		if pathsMeet(path, read.Path) {
			merge(&sum.QueryStrings, read.QueryStrings)
			merge(&sum.Headers, read.Headers)
			merge(&sum.Passing, read.Passing)
		}
	}
	return sum
}

// longestEdgeWait is CloudFront's limit for an origin's answer without a raised quota, s.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html (response timeout
// per origin); as remembered, 2026-11.
const longestEdgeWait = 60

// EdgeReadTimeoutSeconds is how long CloudFront waits for the API's answer, s: as long as the longest can take.
func (c *Config) EdgeReadTimeoutSeconds() int { return min(c.longestAnswerSeconds(), longestEdgeWait) }

// originShieldRegions are the regions that have Origin Shield. As remembered from
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html ; to settle: CreateDistribution
// refuses any other.
var originShieldRegions = []string{
	"us-east-1", "us-east-2", "us-west-2", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1",
	"ap-southeast-2",
	"eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1",
}

// ownRegion is OriginShieldRegion until the region is known.
const ownRegion = "own"

// originShield settles the region of Origin Shield.
func (c *Config) originShield() string {
	switch {
	case c.CDN.OriginShieldRegion != ownRegion:
		return c.CDN.OriginShieldRegion
	case slices.Contains(originShieldRegions, c.Region):
		return c.Region
	}
	return ""
}
