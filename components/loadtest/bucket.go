package loadtest

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	resultsSuffix = "-load-results"
	// resultsPrefix of every result in the bucket: what generators may write below.
	resultsPrefix = "results"
	// noncurrentDays is how long a result that was overwritten, by a second Job of the same name, can be brought back.
	noncurrentDays = 30
)

// bucket declares a private, encrypted, versioned bucket that is reached over TLS only.
func (d *declaration) bucket() (*s3.BucketV2, error) {
	name := d.name + resultsSuffix
	bucket, err := s3.NewBucketV2(d.ctx, name, &s3.BucketV2Args{
		ForceDestroy: pulumi.Bool(!d.args.DeletionProtection),
		Tags:         d.tags(resultsSuffix),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	closed, err := s3.NewBucketPublicAccessBlock(d.ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.ID(),
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("public access block: %w", err)
	}
	if _, err := s3.NewBucketOwnershipControls(d.ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.ID(),
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, d.parent); err != nil {
		return nil, fmt.Errorf("ownership of the bucket: %w", err)
	}
	if err := d.overTLS(bucket, closed); err != nil {
		return nil, err
	}
	return bucket, d.keep(bucket)
}

// overTLS denies everything over plain HTTP. S3 refuses to change the policy and the public access block at once.
func (d *declaration) overTLS(bucket *s3.BucketV2, closed pulumi.Resource) error {
	_, err := s3.NewBucketPolicy(d.ctx, d.name+resultsSuffix, &s3.BucketPolicyArgs{
		Bucket: bucket.ID(),
		Policy: pulumi.JSONMarshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
			"Resource":  []any{bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn)},
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		}}}),
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{closed}))
	if err != nil {
		return fmt.Errorf("policy of the bucket: %w", err)
	}
	return nil
}

// keep encrypts results with S3's own key and keeps them for their time.
func (d *declaration) keep(bucket *s3.BucketV2) error {
	name := d.name + resultsSuffix
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(d.ctx, name,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.ID(),
			Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
				ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
					SseAlgorithm: pulumi.String("AES256"),
				},
			}},
		}, d.parent); err != nil {
		return fmt.Errorf("encryption of the bucket: %w", err)
	}
	versions, err := s3.NewBucketVersioningV2(d.ctx, name, &s3.BucketVersioningV2Args{
		Bucket:                  bucket.ID(),
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("versions of the bucket: %w", err)
	}
	_, err = s3.NewBucketLifecycleConfigurationV2(d.ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{&s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:     pulumi.String("expire-results"),
			Status: pulumi.String("Enabled"),
			// Baselines stay.
			Filter:     &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String(resultsPrefix + "/")},
			Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(d.args.ResultsRetentionDays)},
		}, &s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:     pulumi.String("expire-versions"),
			Status: pulumi.String("Enabled"),
			Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")}, // every object
			NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
				NoncurrentDays: pulumi.Int(noncurrentDays),
			},
			AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
				DaysAfterInitiation: pulumi.Int(1),
			},
		}},
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{versions})) // a rule for old versions needs versions
	if err != nil {
		return fmt.Errorf("lifecycle of the bucket: %w", err)
	}
	return nil
}
