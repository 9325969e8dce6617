package rules

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	bucket           = "aws:s3/bucketV2:BucketV2"
	bucketBlock      = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
	bucketEncryption = "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"
	bucketVersioning = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	bucketPolicy     = "aws:s3/bucketPolicy:BucketPolicy"
)

var buckets = []Rule{
	{
		Name: "bucket-private", Area: Buckets, Levels: everywhere,
		Says:   "Every bucket refuses to be made public.",
		Fix:    "Declare a BucketPublicAccessBlock for the bucket with all four settings true.",
		Origin: "nothing is public that need not be", CheckStack: bucketPrivate,
	},
	{
		Name: "bucket-encrypted", Area: Buckets, Levels: everywhere,
		Says:   "Every bucket says how it encrypts what it stores.",
		Fix:    "Declare a BucketServerSideEncryptionConfigurationV2 for the bucket: AES256 or aws:kms.",
		Origin: "encryption at rest", CheckStack: bucketEncrypted,
	},
	{
		Name: "bucket-versioned", Area: Buckets, Levels: onAWS,
		Says: "Every bucket keeps what is overwritten or deleted.",
		Fix: "Declare a BucketVersioningV2 for the bucket with status Enabled, and a lifecycle rule that ends old " +
			"versions.",
		Origin: "a wrong deployment of assets must be undone", CheckStack: bucketVersioned,
	},
	{
		Name: "bucket-over-tls", Area: Buckets, Levels: onAWS,
		Says:   "Every bucket refuses requests without TLS.",
		Fix:    "Deny s3:* to everybody in the bucket's policy where aws:SecureTransport is false.",
		Origin: "encryption in transit", CheckStack: bucketOverTLS,
	},
}

// eachCompanion finds every bucket's resources of a type that says something about buckets, and reports those without.
func eachCompanion(s Stack, typ, want string, p *Report, check func(Resource)) {
	for _, b := range s.OfType(bucket) {
		companions := slices.DeleteFunc(s.OfType(typ), func(r Resource) bool { return !r.mayComeFrom("bucket", b) })
		if len(companions) == 0 {
			p.about(b, "", "without one", want)
		}
		for _, r := range companions {
			check(r)
		}
	}
}

func bucketPrivate(s Stack, _ Thresholds, p *Report) {
	eachCompanion(s, bucketBlock, "a public access block", p, func(r Resource) {
		for _, setting := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls",
			"restrictPublicBuckets"} {
			p.isTrue(r, r.At(setting))
		}
	})
}

func bucketEncrypted(s Stack, _ Thresholds, p *Report) {
	eachCompanion(s, bucketEncryption, "an encryption configuration", p, func(r Resource) {
		if rules := r.At("rules"); !rules.Unknown() && len(rules.Each()) == 0 {
			p.fault(r, rules, "a rule")
		}
		for _, rule := range r.At("rules").Each() {
			p.isOneOf(r, rule.At("applyServerSideEncryptionByDefault", "sseAlgorithm"), "AES256", "aws:kms", "aws:kms:dsse")
		}
	})
}

func bucketVersioned(s Stack, _ Thresholds, p *Report) {
	eachCompanion(s, bucketVersioning, "versioning", p, func(r Resource) {
		p.isOneOf(r, r.At("versioningConfiguration", "status"), "Enabled")
	})
}

func bucketOverTLS(s Stack, _ Thresholds, p *Report) {
	eachCompanion(s, bucketPolicy, "a policy that denies requests without TLS", p, func(r Resource) {
		policy := r.At("policy")
		if policy.Undecided() {
			return
		}
		var d document
		if err := json.Unmarshal([]byte(policy.Text()), &d); err != nil || !slices.ContainsFunc(d.Statement, deniesPlain) {
			p.about(r, policy.Path, "open to requests without TLS", "a Deny where aws:SecureTransport is false")
		}
	})
}

func deniesPlain(s statement) bool {
	condition := strings.ReplaceAll(string(s.Condition), " ", "")
	return s.Effect == "Deny" && slices.Contains(s.Action, "s3:*") &&
		strings.Contains(condition, `"aws:SecureTransport":"false"`)
}
