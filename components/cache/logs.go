package cache

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// logTypes are all that Redis nodes deliver; each may be delivered once.
var logTypes = []string{"slow-log", "engine-log"}

// logDeliveries sends both logs to log groups, as JSON. Under /aws/vendedlogs one permission to write covers every
// group; elsewhere each adds to a resource policy that takes 5,120 characters (as remembered).
// Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Logging-destinations.html ; read 2026-11-23.
func (d *declaration) logDeliveries(
	identifier pulumi.StringOutput,
) (elasticache.ReplicationGroupLogDeliveryConfigurationArray, error) {
	var deliveries elasticache.ReplicationGroupLogDeliveryConfigurationArray
	for _, logType := range logTypes {
		group, err := cloudwatch.NewLogGroup(d.ctx, d.name+"-"+logType, &cloudwatch.LogGroupArgs{
			Name:            pulumi.Sprintf("/aws/vendedlogs/elasticache/%s/%s", identifier, logType),
			RetentionInDays: pulumi.Int(d.args.LogRetentionDays),
			Tags:            d.tags("-" + logType),
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("log group %q: %w", logType, err)
		}
		deliveries = append(deliveries, &elasticache.ReplicationGroupLogDeliveryConfigurationArgs{
			Destination:     group.Name,
			DestinationType: pulumi.String("cloudwatch-logs"),
			LogFormat:       pulumi.String("json"),
			LogType:         pulumi.String(logType),
		})
	}
	return deliveries, nil
}
