package observability

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/amp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// workspace is the managed Prometheus. It has no key of its own: managed scrapers do not write to a workspace that has.
// Source: https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-collector-how-to.html ; read 2026-11-24.
func (d *declaration) workspace() (*amp.Workspace, error) {
	logs, err := cloudwatch.NewLogGroup(d.ctx, d.name+"-prometheus", &cloudwatch.LogGroupArgs{
		// Below this prefix AWS services may write without a resource policy for each group.
		Name:            pulumi.String("/aws/vendedlogs/prometheus/" + d.name),
		RetentionInDays: pulumi.Int(d.args.LogRetentionDays),
		Tags:            d.tags("-prometheus"),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("log group: %w", err)
	}
	workspace, err := amp.NewWorkspace(d.ctx, d.name, &amp.WorkspaceArgs{
		Alias:                pulumi.String(d.name),
		LoggingConfiguration: &amp.WorkspaceLoggingConfigurationArgs{LogGroupArn: pulumi.Sprintf("%s:*", logs.Arn)},
		Tags:                 d.tags(""),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	return workspace, nil
}

func (d *declaration) prometheus(workspace *amp.Workspace, topic *sns.Topic) error {
	_, err := amp.NewWorkspaceConfiguration(d.ctx, d.name, &amp.WorkspaceConfigurationArgs{
		WorkspaceId: workspace.ID().ToStringOutput(), RetentionPeriodInDays: pulumi.Int(d.args.MetricRetentionDays),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("workspace configuration: %w", err)
	}
	if err := d.rules(workspace); err != nil {
		return err
	}
	if err := d.alertManager(workspace, topic); err != nil {
		return err
	}
	return d.scraper(workspace)
}

func (d *declaration) rules(workspace *amp.Workspace) error {
	for _, file := range d.args.Rules().Files() {
		text, err := file.YAML()
		if err != nil {
			return err
		}
		_, err = amp.NewRuleGroupNamespace(d.ctx, d.name+"-"+file.Name, &amp.RuleGroupNamespaceArgs{
			Name: pulumi.String(file.Name), WorkspaceId: workspace.ID(), Data: pulumi.String(text),
			Tags: d.tags("-" + file.Name),
		}, d.parent)
		if err != nil {
			return fmt.Errorf("rules %s: %w", file.Name, err)
		}
	}
	return nil
}

func (d *declaration) scraper(workspace *amp.Workspace) error {
	configuration, err := d.args.scrapeConfiguration()
	if err != nil {
		return err
	}
	_, err = amp.NewScraper(d.ctx, d.name, &amp.ScraperArgs{
		Alias:               pulumi.String(d.name),
		ScrapeConfiguration: pulumi.String(configuration),
		Source: &amp.ScraperSourceArgs{Eks: &amp.ScraperSourceEksArgs{
			ClusterArn: d.args.ClusterARN, SubnetIds: d.args.SubnetIDs, SecurityGroupIds: d.args.SecurityGroupIDs,
		}},
		Destination: &amp.ScraperDestinationArgs{Amp: &amp.ScraperDestinationAmpArgs{WorkspaceArn: workspace.Arn}},
		Tags:        d.tags("-scraper"),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("scraper: %w", err)
	}
	return nil
}
