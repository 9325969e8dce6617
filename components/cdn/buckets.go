package cdn

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// noncurrentDays is how long an overwritten or deleted file can be brought back.
const noncurrentDays = 30

// bucket declares a private, encrypted, versioned bucket without access lists.
func (d *declaration) bucket(suffix string) (*s3.BucketV2, error) {
	bucket, err := s3.NewBucketV2(d.ctx, d.name+suffix, &s3.BucketV2Args{
		ForceDestroy: pulumi.Bool(!d.args.DeletionProtection),
		Tags:         d.tags(suffix),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", suffix, err)
	}
	closed := &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.ID(),
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}
	if _, err := s3.NewBucketPublicAccessBlock(d.ctx, d.name+suffix, closed, d.parent); err != nil {
		return nil, fmt.Errorf("public access block of bucket %s: %w", suffix, err)
	}
	if err := d.ownedAndEncrypted(suffix, bucket); err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketVersioningV2(d.ctx, d.name+suffix, &s3.BucketVersioningV2Args{
		Bucket:                  bucket.ID(),
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, d.parent); err != nil {
		return nil, fmt.Errorf("versions of bucket %s: %w", suffix, err)
	}
	return bucket, d.lifecycle(suffix, bucket)
}

// ownedAndEncrypted keeps access lists off and encrypts with S3's own key: neither CloudFront nor log delivery needs a
// grant on a key then.
func (d *declaration) ownedAndEncrypted(suffix string, bucket *s3.BucketV2) error {
	if _, err := s3.NewBucketOwnershipControls(d.ctx, d.name+suffix, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.ID(),
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, d.parent); err != nil {
		return fmt.Errorf("ownership of bucket %s: %w", suffix, err)
	}
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(d.ctx, d.name+suffix,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.ID(),
			Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
				ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
					SseAlgorithm: pulumi.String("AES256"),
				},
			}},
		}, d.parent); err != nil {
		return fmt.Errorf("encryption of bucket %s: %w", suffix, err)
	}
	return nil
}

// lifecycle drops overwritten files after a month, and access logs at the end of their retention.
func (d *declaration) lifecycle(suffix string, bucket *s3.BucketV2) error {
	rule := &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id:     pulumi.String("expire"),
		Status: pulumi.String("Enabled"),
		Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")}, // every object
		NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
			NoncurrentDays: pulumi.Int(noncurrentDays),
		},
		AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
			DaysAfterInitiation: pulumi.Int(1),
		},
	}
	if suffix == logsSuffix {
		rule.Expiration = &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(d.args.LogRetentionDays)}
	}
	_, err := s3.NewBucketLifecycleConfigurationV2(d.ctx, d.name+suffix, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules:  s3.BucketLifecycleConfigurationV2RuleArray{rule},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("lifecycle of bucket %s: %w", suffix, err)
	}
	return nil
}

// assetsPolicy lets this distribution, and nobody else, read the files.
func (d *declaration) assetsPolicy(bucket *s3.BucketV2, distribution *cloudfront.Distribution) error {
	_, err := s3.NewBucketPolicy(d.ctx, d.name+"-assets", &s3.BucketPolicyArgs{
		Bucket: bucket.ID(),
		Policy: pulumi.JSONMarshal(bucketPolicy(bucket, map[string]any{
			"Sid":       "DistributionReads",
			"Principal": map[string]any{"Service": "cloudfront.amazonaws.com"},
			"Action":    "s3:GetObject",
			"Resource":  pulumi.Sprintf("%s/*", bucket.Arn),
			"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceArn": distribution.Arn}},
		})),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("policy of the assets' bucket: %w", err)
	}
	return nil
}

// bucketPolicy allows the one thing, and denies everything over plain HTTP.
func bucketPolicy(bucket *s3.BucketV2, allowed map[string]any) map[string]any {
	allowed["Effect"] = "Allow"
	return map[string]any{"Version": "2012-10-17", "Statement": []any{
		allowed,
		map[string]any{
			"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
			"Resource":  []any{bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn)},
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		},
	}}
}
