package cdn

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const logsSuffix = "-edge-logs"

// accessLogs delivers one Parquet record per request to a bucket (standard logging v2; v1 would need access lists on
// the bucket). Source, destination and delivery are CloudWatch Logs' and live in us-east-1; the bucket may be anywhere.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html ; as remembered. To
// settle: the first `up` on AWS. CreateDelivery may add AWS's own statement to the bucket's policy; the one below
// allows what that would, so that the next update takes away nothing that is needed. A refresh after an `up` would show
// it.
func (d *declaration) accessLogs(distribution *cloudfront.Distribution) error {
	bucket, err := d.bucket(logsSuffix)
	if err != nil {
		return err
	}
	allowed, err := s3.NewBucketPolicy(d.ctx, d.name+logsSuffix, &s3.BucketPolicyArgs{
		Bucket: bucket.ID(),
		Policy: pulumi.JSONMarshal(bucketPolicy(bucket, map[string]any{
			"Sid":       "LogDelivery",
			"Principal": map[string]any{"Service": "delivery.logs.amazonaws.com"},
			"Action":    "s3:PutObject",
			"Resource":  pulumi.Sprintf("%s/AWSLogs/*", bucket.Arn),
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": accountOf(distribution)},
				"ArnLike":      map[string]any{"aws:SourceArn": "arn:aws:logs:us-east-1:*:delivery-source:" + d.name + "*"},
			},
		})),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("policy of the access logs' bucket: %w", err)
	}
	global := pulumi.Provider(d.args.Global)
	source, err := cloudwatch.NewLogDeliverySource(d.ctx, d.name, &cloudwatch.LogDeliverySourceArgs{
		Name:        pulumi.String(d.name + "-edge"),
		LogType:     pulumi.String("ACCESS_LOGS"),
		ResourceArn: distribution.Arn,
		Tags:        d.tags(logsSuffix),
	}, d.parent, global)
	if err != nil {
		return fmt.Errorf("source of access logs: %w", err)
	}
	destination, err := cloudwatch.NewLogDeliveryDestination(d.ctx, d.name, &cloudwatch.LogDeliveryDestinationArgs{
		Name:         pulumi.String(d.name + "-edge"),
		OutputFormat: pulumi.String("parquet"),
		DeliveryDestinationConfiguration: &cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs{
			DestinationResourceArn: bucket.Arn,
		},
		Tags: d.tags(logsSuffix),
	}, d.parent, global, pulumi.DependsOn([]pulumi.Resource{allowed}))
	if err != nil {
		return fmt.Errorf("destination of access logs: %w", err)
	}
	_, err = cloudwatch.NewLogDelivery(d.ctx, d.name, &cloudwatch.LogDeliveryArgs{
		DeliverySourceName:     source.Name,
		DeliveryDestinationArn: destination.Arn,
		Tags:                   d.tags(logsSuffix),
	}, d.parent, global)
	if err != nil {
		return fmt.Errorf("delivery of access logs: %w", err)
	}
	return nil
}

// accountOf is the distribution's account: another's delivery may be called the same.
func accountOf(distribution *cloudfront.Distribution) pulumi.StringOutput {
	return distribution.Arn.ApplyT(func(text string) (string, error) {
		parsed, err := arn.Parse(text)
		if err != nil {
			return "", fmt.Errorf("distribution: ARN %q: %w", text, err)
		}
		return parsed.AccountID, nil
	}).(pulumi.StringOutput)
}
