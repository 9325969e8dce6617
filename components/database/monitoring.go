package database

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue"
)

const monitoringTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"monitoring.rds.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// monitoring is what enhanced monitoring needs. The zero value is monitoring that is off.
type monitoring struct {
	roleARN pulumi.StringPtrInput
	// ready is what the instance waits for: RDS refuses a role that may not write yet.
	ready []pulumi.Resource
}

func (d *declaration) monitoringRole() (monitoring, error) {
	if d.args.MonitoringIntervalSeconds == 0 {
		return monitoring{}, nil
	}
	role, err := iam.NewRole(d.ctx, d.name+"-monitoring", &iam.RoleArgs{
		Description:      pulumi.String("RDS writes enhanced monitoring to CloudWatch Logs"),
		AssumeRolePolicy: pulumi.String(monitoringTrust),
		Tags:             d.tags("-monitoring"),
	}, d.parent)
	if err != nil {
		return monitoring{}, fmt.Errorf("monitoring role: %w", err)
	}
	attachment, err := iam.NewRolePolicyAttachment(d.ctx, d.name+"-monitoring", &iam.RolePolicyAttachmentArgs{
		Role:      role.Name,
		PolicyArn: pulumi.String(catalogue.EnhancedMonitoringPolicy),
	}, d.parent)
	if err != nil {
		return monitoring{}, fmt.Errorf("monitoring policy: %w", err)
	}
	return monitoring{roleARN: role.Arn.ToStringPtrOutput(), ready: []pulumi.Resource{attachment}}, nil
}

// logGroups of the logs that an instance exports. RDS makes them itself when they are missing, and then keeps logs for
// ever.
func (d *declaration) logGroups(suffix string, identifier pulumi.StringOutput) ([]pulumi.Resource, error) {
	var groups []pulumi.Resource
	for _, export := range d.args.LogExports {
		group, err := cloudwatch.NewLogGroup(d.ctx, d.name+suffix+"-"+export, &cloudwatch.LogGroupArgs{
			Name:            pulumi.Sprintf("/aws/rds/instance/%s/%s", identifier, export),
			RetentionInDays: pulumi.Int(d.args.LogRetentionDays),
			Tags:            d.tags(suffix + "-" + export),
		}, d.parent)
		if err != nil {
			return nil, fmt.Errorf("log group %q of %s: %w", export, d.name+suffix, err)
		}
		groups = append(groups, group)
	}
	return groups, nil
}
