// Package cdn declares the edge: a CloudFront distribution before the API's load balancer and a bucket of static files.
//
// Owns: the distribution with its cache, origin-request and response-header policies, the assets' bucket and
// CloudFront's access to it, the VPC origin, access logs, the subscription to CloudFront's additional metrics.
//
// Does not own: the load balancer, certificates, DNS records, web ACLs, what is in the bucket, invalidation (an action,
// not a resource: `ragscale cdn invalidate`), alarms, and which paths are cached how long.
package cdn

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:cdn:CDN"

// Args says what stands at the edge. Everything plain is checked before anything is declared.
type Args struct {
	// Global is a provider for us-east-1, where CloudFront's log delivery lives.
	Global pulumi.ProviderResource

	API API
	// Aliases are host names of its own. They need CertificateARN, and DNS records, which are not declared here.
	Aliases []string
	// CertificateARN of ACM in us-east-1. Empty serves under CloudFront's own name.
	CertificateARN string
	// PriceClass is PriceClass_100, PriceClass_200 or PriceClass_All.
	PriceClass string
	// OriginShieldRegion is where requests to the origins meet in one cache; empty has none.
	OriginShieldRegion string
	// WebACLARN of us-east-1 with scope CLOUDFRONT; empty has none.
	WebACLARN string
	// Behaviors by path, the first that matches decides. The last is "*".
	Behaviors []Behavior
	// LogRetentionDays of access logs in S3: 1 or more.
	LogRetentionDays int
	// ReadTimeoutSeconds is how long CloudFront waits for the API's answer: 1 to 60.
	ReadTimeoutSeconds int
	// DeletionProtection keeps the buckets when they are not empty, and protects the distribution's name.
	DeletionProtection bool

	Tags map[string]string
}

// API is the load balancer as an origin.
type API struct {
	// LoadBalancerARN and DomainName of the load balancer.
	LoadBalancerARN pulumi.StringInput
	DomainName      pulumi.StringInput
	// Private reaches a load balancer that is in private subnets through a VPC origin; else it is reached from outside.
	Private bool
	// Port of the listener that CloudFront speaks to.
	Port int
	// TLSDomain is the host name in the listener's certificate, which resolves to the load balancer: it makes the origin
	// HTTPS. Empty speaks plain HTTP: the load balancer's own name is in no certificate.
	TLSDomain string
}

// Origin names.
const (
	OriginAPI    = "api"
	OriginAssets = "assets"
)

// Behavior is what happens to requests of a path.
type Behavior struct {
	Path   string // pattern: * any characters, ? one
	Origin string // OriginAPI or OriginAssets
	// How long an answer is cached, s. MaxTTLSeconds 0 never caches.
	MinTTLSeconds, TTLSeconds, MaxTTLSeconds int
	Compress                                 bool
	// What tells cached answers apart.
	KeyHeaders, KeyQueryStrings, KeyCookies []string
	// What the origin sees beside the key's; "*" is everything but Host.
	ForwardHeaders, ForwardQueryStrings, ForwardCookies []string
	// CacheControl for browsers; empty leaves the origin's own.
	CacheControl string
}

func (b Behavior) cached() bool { return b.MaxTTLSeconds > 0 }

// CDN is what was declared.
type CDN struct {
	pulumi.ResourceState

	// URL of the distribution: its first alias, or CloudFront's own name.
	URL pulumi.StringOutput
	// DistributionID is CloudWatch's dimension, and what an invalidation names.
	DistributionID pulumi.StringOutput
	// DomainName is where DNS records of the aliases point.
	DomainName pulumi.StringOutput
	// AssetsBucket holds the static files.
	AssetsBucket pulumi.StringOutput
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	parent pulumi.ResourceOption
}

// New declares the edge. Faults of args are reported all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*CDN, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	c := &CDN{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(c)}
	return component.Declare(ctx, typeToken, name, c, opts, d.declare, (*CDN).outputs)
}

func (c *CDN) outputs() pulumi.Map {
	return pulumi.Map{
		"url":            c.URL,
		"distributionId": c.DistributionID,
		"domainName":     c.DomainName,
		"assetsBucket":   c.AssetsBucket,
	}
}

func (d *declaration) declare(c *CDN) error {
	assets, err := d.bucket("-assets")
	if err != nil {
		return err
	}
	origins, err := d.origins(assets)
	if err != nil {
		return err
	}
	behaviors, err := d.behaviors()
	if err != nil {
		return err
	}
	distribution, err := d.distribution(origins, behaviors)
	if err != nil {
		return err
	}
	if err := d.assetsPolicy(assets, distribution); err != nil {
		return err
	}
	if err := d.accessLogs(distribution); err != nil {
		return err
	}
	if err := d.metrics(distribution); err != nil {
		return err
	}
	c.DistributionID, c.DomainName = distribution.ID().ToStringOutput(), distribution.DomainName
	c.URL = pulumi.Sprintf("https://%s", distribution.DomainName)
	if len(d.args.Aliases) > 0 {
		c.URL = pulumi.Sprintf("https://%s", d.args.Aliases[0])
	}
	c.AssetsBucket = assets.ID().ToStringOutput()
	return nil
}

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "cdn", d.name+suffix)
}
