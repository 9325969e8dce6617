package components_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/cdn"
	"github.com/ragscale/ragscale/components/graph"
)

// smallCDN is valid, with everything optional left out.
func smallCDN() cdn.Args {
	return cdn.Args{
		API: cdn.API{
			LoadBalancerARN: pulumi.String("arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/api/1"),
			DomainName:      pulumi.String("api.elb.example"), Port: 80,
		},
		PriceClass: "PriceClass_100", LogRetentionDays: 30, ReadTimeoutSeconds: 30,
		Behaviors: []cdn.Behavior{
			{Path: "/v1/*", Origin: cdn.OriginAPI, ForwardHeaders: []string{"*"}, ForwardQueryStrings: []string{"*"}, ForwardCookies: []string{"*"}},
			{Path: "*", Origin: cdn.OriginAssets, TTLSeconds: 86400, MaxTTLSeconds: 86400, Compress: true, CacheControl: "no-cache"},
		},
	}
}

var cdnShapes = map[string]func() cdn.Args{
	"dev": smallCDN,
	"prod": func() cdn.Args {
		a := smallCDN()
		a.API.Private, a.API.Port, a.API.TLSDomain = true, 443, "api.internal.example.com"
		a.Aliases = []string{"rag.example.com"}
		a.CertificateARN = "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd"
		a.OriginShieldRegion = "eu-central-1"
		a.WebACLARN = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/1"
		a.Behaviors = append([]cdn.Behavior{{
			Path: "/v1/search", Origin: cdn.OriginAPI, MaxTTLSeconds: 60, Compress: true,
			KeyQueryStrings: []string{"q", "mode", "limit"}, ForwardHeaders: []string{"X-Request-Id"},
		}}, a.Behaviors...)
		a.DeletionProtection = true
		a.Tags = map[string]string{"stack": "prod"}
		return a
	},
}

func declareCDN(args cdn.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		global, err := aws.NewProvider(ctx, "us-east-1", &aws.ProviderArgs{Region: pulumi.String("us-east-1")})
		if err != nil {
			return err
		}
		args.Global = global
		c, err := cdn.New(ctx, "rag", args)
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"url": c.URL, "distributionId": c.DistributionID, "domainName": c.DomainName, "assetsBucket": c.AssetsBucket,
		})
	}
}

func TestCDNGraph(t *testing.T) {
	wantGraphs(t, "cdn", cdnShapes, declareCDN)
}

func TestCDNFaultsNameTheField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*cdn.Args)
		want   string
	}{
		"price class": {func(a *cdn.Args) { a.PriceClass = "cheap" },
			`cdn.PriceClass is "cheap", want one of PriceClass_100, PriceClass_200, PriceClass_All`},
		"alias without certificate": {func(a *cdn.Args) { a.Aliases = []string{"rag.example.com"} },
			"cdn.CertificateARN is missing with Aliases, want a certificate that covers them"},
		"certificate elsewhere": {func(a *cdn.Args) {
			a.CertificateARN = "arn:aws:acm:eu-central-1:123456789012:certificate/0123abcd"
		}, "cdn.CertificateARN is in eu-central-1, want us-east-1, where CloudFront looks for it"},
		"no certificate": {func(a *cdn.Args) { a.CertificateARN = "rag.example.com" },
			`cdn.CertificateARN is "rag.example.com", want the ARN of an ACM certificate`},
		"regional web ACL": {func(a *cdn.Args) { a.WebACLARN = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/1" },
			`cdn.WebACLARN is "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/1", want a web ACL of us-east-1 with scope CLOUDFRONT`},
		"no load balancer": {func(a *cdn.Args) { a.API.LoadBalancerARN = nil },
			"cdn.API.LoadBalancerARN is missing, want the load balancer's"},
		"port": {func(a *cdn.Args) { a.API.Port = 0 },
			"cdn.API.Port is 0, want 1 to 65535"},
		"patience": {func(a *cdn.Args) { a.ReadTimeoutSeconds = 61 },
			"cdn.ReadTimeoutSeconds is 61, want 1 to 60"},
		"retention": {func(a *cdn.Args) { a.LogRetentionDays = 0 },
			"cdn.LogRetentionDays is 0, want 1 or more"},
		"nothing": {func(a *cdn.Args) { a.Behaviors = nil },
			"cdn.Behaviors has 0, want 1 to 75"},
		"no rest": {func(a *cdn.Args) { a.Behaviors = a.Behaviors[:1] },
			`cdn.Behaviors[0].Path is "/v1/*", want * last: some behavior takes the rest`},
		"path twice": {func(a *cdn.Args) { a.Behaviors = append(a.Behaviors[:1:1], a.Behaviors...) },
			`cdn.Behaviors[1].Path is "/v1/*" again, want each path once`},
		"origin": {func(a *cdn.Args) { a.Behaviors[1].Origin = "s3" },
			`cdn.Behaviors[1].Origin is "s3", want api or assets`},
		"times to live": {func(a *cdn.Args) { a.Behaviors[1].MinTTLSeconds = 90000 },
			"cdn.Behaviors[1] is cached 90000, 86400, 86400 s at least, by default and at most, want them in this order"},
		"uncached key": {func(a *cdn.Args) { a.Behaviors[0].KeyQueryStrings = []string{"q"} },
			"cdn.Behaviors[0] is never cached and has a cache key or compression, want neither: CloudFront refuses it"},
		"uncached compression": {func(a *cdn.Args) { a.Behaviors[0].Compress = true },
			"cdn.Behaviors[0] is never cached and has a cache key or compression, want neither: CloudFront refuses it"},
		"authorization by name": {func(a *cdn.Args) { a.Behaviors[1].ForwardHeaders = []string{"authorization"} },
			"cdn.Behaviors[1].ForwardHeaders has Authorization, want it in KeyHeaders, or *: CloudFront refuses it in an origin request policy"},
		"host": {func(a *cdn.Args) { a.Behaviors[1].ForwardHeaders = []string{"host"} },
			"cdn.Behaviors[1].ForwardHeaders has Host, want it left out: the origin's name and certificate are others"},
		"all headers alone": {func(a *cdn.Args) { a.Behaviors[0].ForwardCookies = nil },
			"cdn.Behaviors[0].ForwardHeaders has *, want * in ForwardQueryStrings and ForwardCookies too: only all of it leaves Host out"},
		"raw encoding": {func(a *cdn.Args) { a.Behaviors[1].KeyHeaders = []string{"Accept-Encoding"} },
			"cdn.Behaviors[1].KeyHeaders has Accept-Encoding, want Compress: CloudFront normalizes it then"},
	} {
		t.Run(name, func(t *testing.T) {
			args := smallCDN()
			c.change(&args)
			wantFault(t, declareCDN(args), c.want)
		})
	}
}

func TestOnlyThisAccountDeliversLogs(t *testing.T) {
	g := graph.Run(t, "prod", declareCDN(cdnShapes["prod"]()))
	policy, ok := g.Find("aws:s3/bucketPolicy:BucketPolicy", "rag-edge-logs").Input("policy").(string)
	if !ok || !strings.Contains(policy, `"aws:SourceAccount":"123456789012"`) {
		t.Errorf("policy is %s, want writing bound to the distribution's account", policy)
	}
}

func TestOnlyTheDistributionReadsTheAssets(t *testing.T) {
	g := graph.Run(t, "prod", declareCDN(cdnShapes["prod"]()))
	policy, ok := g.Find("aws:s3/bucketPolicy:BucketPolicy", "rag-assets").Input("policy").(string)
	if !ok || !strings.Contains(policy, `"aws:SourceArn":"arn:aws:cloudfront`) {
		t.Errorf("policy is %s, want reading bound to the distribution's ARN", policy)
	}
}
