package cdn

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/components/internal/fault"
)

var (
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/.+$`)
	webACLARN      = regexp.MustCompile(`^arn:aws[a-z-]*:wafv2:us-east-1:[0-9]{12}:global/webacl/.+$`)
	priceClasses   = []string{"PriceClass_100", "PriceClass_200", "PriceClass_All"}
)

const (
	longestName = 24
	// mostBehaviors is CloudFront's quota of behaviors per distribution, the default one included.
	// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html ; as remembered.
	mostBehaviors = 75
	// mostReadTimeout s without a raised quota. Source: as above.
	mostReadTimeout = 60
	mostPort        = 65535
)

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("cdn")}
	f.Name("name", name, longestName)
	if a.Global == nil {
		f.Add("Global is missing, want a provider for us-east-1")
	}
	f.api(a)
	f.certificate(a)
	if !slices.Contains(priceClasses, a.PriceClass) {
		f.Add("PriceClass is %q, want one of %s", a.PriceClass, strings.Join(priceClasses, ", "))
	}
	if a.WebACLARN != "" && !webACLARN.MatchString(a.WebACLARN) {
		f.Add("WebACLARN is %q, want a web ACL of us-east-1 with scope CLOUDFRONT", a.WebACLARN)
	}
	f.AtLeast("LogRetentionDays", a.LogRetentionDays, 1)
	f.behaviors(a.Behaviors)
	return f.Err()
}

func (f *faults) api(a Args) {
	if a.API.DomainName == nil {
		f.Add("API.DomainName is missing, want the load balancer's")
	}
	if a.API.LoadBalancerARN == nil {
		f.Add("API.LoadBalancerARN is missing, want the load balancer's")
	}
	f.Between("API.Port", a.API.Port, 1, mostPort)
	f.Between("ReadTimeoutSeconds", a.ReadTimeoutSeconds, 1, mostReadTimeout)
}

func (f *faults) certificate(a Args) {
	match := certificateARN.FindStringSubmatch(a.CertificateARN)
	switch {
	case a.CertificateARN == "" && len(a.Aliases) > 0:
		f.Add("CertificateARN is missing with Aliases, want a certificate that covers them")
	case a.CertificateARN == "":
	case match == nil:
		f.Add("CertificateARN is %q, want the ARN of an ACM certificate", a.CertificateARN)
	case match[1] != "us-east-1":
		f.Add("CertificateARN is in %s, want us-east-1, where CloudFront looks for it", match[1])
	}
}

func (f *faults) behaviors(behaviors []Behavior) {
	if n := len(behaviors); n < 1 || n > mostBehaviors {
		f.Add("Behaviors has %d, want 1 to %d", n, mostBehaviors)
		return
	}
	if last := behaviors[len(behaviors)-1]; last.Path != "*" {
		f.Add("Behaviors[%d].Path is %q, want * last: some behavior takes the rest", len(behaviors)-1, last.Path)
	}
	seen := map[string]bool{}
	for i, b := range behaviors {
		if slug := b.slug(); seen[slug] {
			f.Add("Behaviors[%d].Path is %q again, want each path once", i, b.Path)
		} else {
			seen[slug] = true
		}
		if b.Origin != OriginAPI && b.Origin != OriginAssets {
			f.Add("Behaviors[%d].Origin is %q, want %s or %s", i, b.Origin, OriginAPI, OriginAssets)
		}
		f.behavior(i, b)
	}
}

func (f *faults) behavior(i int, b Behavior) {
	if b.MinTTLSeconds < 0 || b.MinTTLSeconds > b.TTLSeconds || b.TTLSeconds > b.MaxTTLSeconds {
		f.Add("Behaviors[%d] is cached %d, %d, %d s at least, by default and at most, want them in this order", i,
			b.MinTTLSeconds, b.TTLSeconds, b.MaxTTLSeconds)
	}
	if !b.cached() && (b.Compress || len(b.KeyHeaders)+len(b.KeyQueryStrings)+len(b.KeyCookies) > 0) {
		f.Add("Behaviors[%d] is never cached and has a cache key or compression, want neither: CloudFront refuses it", i)
	}
	f.forwarded(i, b)
	if slices.Contains(b.KeyHeaders, "Accept-Encoding") {
		f.Add("Behaviors[%d].KeyHeaders has Accept-Encoding, want Compress: CloudFront normalizes it then", i)
	}
}

// forwarded checks what an origin request policy may name.
func (f *faults) forwarded(i int, b Behavior) {
	named := func(name string) bool {
		return slices.ContainsFunc(b.ForwardHeaders, func(h string) bool { return strings.EqualFold(h, name) })
	}
	if slices.Contains(b.ForwardHeaders, everything) && b.forwards() != everything {
		f.Add("Behaviors[%d].ForwardHeaders has *, want * in ForwardQueryStrings and ForwardCookies too: only all of it "+
			"leaves Host out", i)
	}
	if named("Host") {
		f.Add("Behaviors[%d].ForwardHeaders has Host, want it left out: the origin's name and certificate are others", i)
	}
	for _, name := range []string{"Authorization", "Accept-Encoding"} {
		if named(name) {
			f.Add("Behaviors[%d].ForwardHeaders has %s, want it in KeyHeaders, or *: CloudFront refuses it in an origin "+
				"request policy", i, name)
		}
	}
}
