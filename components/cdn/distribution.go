package cdn

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var (
	readMethods = pulumi.ToStringArray([]string{"GET", "HEAD", "OPTIONS"})
	allMethods  = pulumi.ToStringArray([]string{"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})
	cachedOnes  = pulumi.ToStringArray([]string{"GET", "HEAD"})
)

// uncachedErrors are never kept: CloudFront's own 10 s would serve a fault on after it has gone.
var uncachedErrors = []int{500, 502, 503, 504}

func (d *declaration) distribution(origins cloudfront.DistributionOriginArray,
	behaviors []behavior) (*cloudfront.Distribution, error) {
	last := len(behaviors) - 1
	var ordered cloudfront.DistributionOrderedCacheBehaviorArray
	for _, b := range behaviors[:last] {
		ordered = append(ordered, b.ordered())
	}
	var errors cloudfront.DistributionCustomErrorResponseArray
	for _, code := range uncachedErrors {
		errors = append(errors, &cloudfront.DistributionCustomErrorResponseArgs{
			ErrorCode: pulumi.Int(code), ErrorCachingMinTtl: pulumi.Int(0),
		})
	}
	args := &cloudfront.DistributionArgs{
		Comment:               pulumi.String(d.name + ": RAG API and static assets"),
		Enabled:               pulumi.Bool(true),
		IsIpv6Enabled:         pulumi.Bool(true),
		HttpVersion:           pulumi.String("http2and3"),
		PriceClass:            pulumi.String(d.args.PriceClass),
		Aliases:               pulumi.ToStringArray(d.args.Aliases),
		DefaultRootObject:     pulumi.String("index.html"),
		Origins:               origins,
		DefaultCacheBehavior:  behaviors[last].fallback(),
		OrderedCacheBehaviors: ordered,
		CustomErrorResponses:  errors,
		Restrictions: &cloudfront.DistributionRestrictionsArgs{
			GeoRestriction: &cloudfront.DistributionRestrictionsGeoRestrictionArgs{RestrictionType: pulumi.String("none")},
		},
		ViewerCertificate: d.certificate(),
		Tags:              d.tags(""),
	}
	if d.args.WebACLARN != "" {
		args.WebAclId = pulumi.String(d.args.WebACLARN)
	}
	distribution, err := cloudfront.NewDistribution(d.ctx, d.name, args, d.parent,
		pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("distribution: %w", err)
	}
	return distribution, nil
}

// certificate serves the aliases with TLS 1.2 and later. Under CloudFront's own name CloudFront decides.
func (d *declaration) certificate() *cloudfront.DistributionViewerCertificateArgs {
	if d.args.CertificateARN == "" {
		return &cloudfront.DistributionViewerCertificateArgs{CloudfrontDefaultCertificate: pulumi.Bool(true)}
	}
	return &cloudfront.DistributionViewerCertificateArgs{
		AcmCertificateArn:      pulumi.String(d.args.CertificateARN),
		SslSupportMethod:       pulumi.String("sni-only"),
		MinimumProtocolVersion: pulumi.String("TLSv1.2_2021"),
	}
}

func (b behavior) methods() pulumi.StringArray {
	if b.Origin == OriginAPI && !b.cached() {
		return allMethods
	}
	return readMethods
}

// viewers of the API are refused over plain HTTP, for a redirect comes after what they sent; others are sent on.
func (b behavior) viewers() pulumi.String {
	if b.Origin == OriginAPI {
		return "https-only"
	}
	return "redirect-to-https"
}

func (b behavior) fallback() *cloudfront.DistributionDefaultCacheBehaviorArgs {
	return &cloudfront.DistributionDefaultCacheBehaviorArgs{
		TargetOriginId: pulumi.String(b.Origin), ViewerProtocolPolicy: b.viewers(),
		AllowedMethods: b.methods(), CachedMethods: cachedOnes, Compress: pulumi.Bool(b.Compress),
		CachePolicyId: b.cache, OriginRequestPolicyId: b.originRequest, ResponseHeadersPolicyId: b.responseHeaders,
	}
}

func (b behavior) ordered() *cloudfront.DistributionOrderedCacheBehaviorArgs {
	return &cloudfront.DistributionOrderedCacheBehaviorArgs{
		PathPattern:    pulumi.String(b.Path),
		TargetOriginId: pulumi.String(b.Origin), ViewerProtocolPolicy: b.viewers(),
		AllowedMethods: b.methods(), CachedMethods: cachedOnes, Compress: pulumi.Bool(b.Compress),
		CachePolicyId: b.cache, OriginRequestPolicyId: b.originRequest, ResponseHeadersPolicyId: b.responseHeaders,
	}
}

// metrics subscribes to CloudFront's additional metrics, of which the cache hit rate is one.
func (d *declaration) metrics(distribution *cloudfront.Distribution) error {
	_, err := cloudfront.NewMonitoringSubscription(d.ctx, d.name, &cloudfront.MonitoringSubscriptionArgs{
		DistributionId: distribution.ID().ToStringOutput(),
		MonitoringSubscription: &cloudfront.MonitoringSubscriptionMonitoringSubscriptionArgs{
			RealtimeMetricsSubscriptionConfig: &cloudfront.MonitoringSubscriptionMonitoringSubscriptionRealtimeMetricsSubscriptionConfigArgs{
				RealtimeMetricsSubscriptionStatus: pulumi.String("Enabled"),
			},
		},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("monitoring subscription: %w", err)
	}
	return nil
}
