package network

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// flowLogs records all traffic of the VPC for FlowLogRetentionDays. CloudWatch encrypts log groups with a key of its
// own; a customer key would have to name the account in its policy and adds nothing for metadata of connections.
func (d *declaration) flowLogs() error {
	if d.args.FlowLogRetentionDays == 0 {
		return nil
	}
	const suffix = "-flow-logs"
	group, err := cloudwatch.NewLogGroup(d.ctx, d.name+suffix, &cloudwatch.LogGroupArgs{
		RetentionInDays: pulumi.Int(d.args.FlowLogRetentionDays),
		Tags:            d.tags(suffix, nil),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("flow log group: %w", err)
	}
	role, write, err := d.flowLogRole(suffix, group)
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(d.ctx, d.name+suffix, &ec2.FlowLogArgs{
		VpcId:              d.vpc.ID(),
		TrafficType:        pulumi.String("ALL"),
		LogDestinationType: pulumi.String("cloud-watch-logs"),
		LogDestination:     group.Arn,
		IamRoleArn:         role.Arn,
		// 60 s instead of 600 s: an incident is read while it lasts.
		MaxAggregationInterval: pulumi.Int(60),
		Tags:                   d.tags(suffix, nil),
		// Without its policy the role delivers nothing, and nothing says so.
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{write}))
	if err != nil {
		return fmt.Errorf("flow log: %w", err)
	}
	return nil
}

// flowLogRole may write to this one log group.
func (d *declaration) flowLogRole(suffix string, group *cloudwatch.LogGroup) (*iam.Role, *iam.RolePolicy, error) {
	trust, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"Service": "vpc-flow-logs.amazonaws.com"},
			"Action":    "sts:AssumeRole",
		}},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("trust policy of the flow log role: %w", err)
	}
	role, err := iam.NewRole(d.ctx, d.name+suffix, &iam.RoleArgs{
		Description:      pulumi.String("Writes the VPC's flow logs to CloudWatch"),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             d.tags(suffix, nil),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("flow log role: %w", err)
	}
	write, err := iam.NewRolePolicy(d.ctx, d.name+suffix, &iam.RolePolicyArgs{
		Role: role.ID(),
		Policy: pulumi.JSONMarshal(map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{
				map[string]any{
					"Effect":   "Allow",
					"Action":   []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
					"Resource": []any{group.Arn, pulumi.Sprintf("%s:*", group.Arn)},
				},
				// Listing log groups knows no narrower resource.
				map[string]any{"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
			},
		}),
	}, d.parent)
	if err != nil {
		return nil, nil, fmt.Errorf("policy of the flow log role: %w", err)
	}
	return role, write, nil
}
