// Package observability declares who is told when the platform misses an objective, and what they look at.
//
// Owns: the topics and their keys, CloudWatch alarms and dashboard, the managed Prometheus workspace with its scraper,
// rules and alert manager, kube-state-metrics, the Grafana dashboards. The alarms are a table (alarms_*.go): every
// alarm is also a graph, and links to its section of docs/operations.md.
//
// Does not own: what is watched, thresholds (the caller derives them from the stack's objectives), Grafana itself, the
// workloads' own exporters, CloudFront's monitoring subscription.
package observability

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:observability:Observability"

// globalRegion is where CloudFront's metrics are. An alarm and its topic must be where the metric is.
const globalRegion = "us-east-1"

// Observability is what has been declared.
type Observability struct {
	pulumi.ResourceState

	// TopicARN receives every alarm and alert of the stack's region, GlobalTopicARN those of CloudFront: the same topic in
	// us-east-1 and without a distribution.
	TopicARN       pulumi.StringOutput
	GlobalTopicARN pulumi.StringOutput
	// WorkspaceARN and PrometheusEndpoint are the managed Prometheus: the endpoint is Grafana's data source, with SigV4.
	WorkspaceARN       pulumi.StringOutput
	PrometheusEndpoint pulumi.StringOutput
	// DashboardName in CloudWatch.
	DashboardName pulumi.StringOutput
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	parent pulumi.ResourceOption
}

// New declares the observability of a stack. opts give the Kubernetes provider. Faults of args are reported all at
// once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Observability, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	o := &Observability{}
	d := &declaration{ctx: ctx, name: name, args: args.withDefaults(), parent: pulumi.Parent(o)}
	return component.Declare(ctx, typeToken, name, o, opts, d.declare, (*Observability).outputs)
}

func (o *Observability) outputs() pulumi.Map {
	return pulumi.Map{
		"topicArn":           o.TopicARN,
		"globalTopicArn":     o.GlobalTopicARN,
		"workspaceArn":       o.WorkspaceARN,
		"prometheusEndpoint": o.PrometheusEndpoint,
		"dashboardName":      o.DashboardName,
	}
}

func (d *declaration) declare(o *Observability) error {
	workspace, err := d.workspace()
	if err != nil {
		return err
	}
	topics, err := d.topics(workspace.Arn)
	if err != nil {
		return err
	}
	if err := d.prometheus(workspace, topics.regional); err != nil {
		return err
	}
	if err := d.stateMetricsServer(); err != nil {
		return err
	}
	arns, err := d.alarms(topics)
	if err != nil {
		return err
	}
	dashboard, err := d.cloudWatchDashboard(arns)
	if err != nil {
		return err
	}
	if err := d.grafanaDashboards(); err != nil {
		return err
	}
	o.TopicARN, o.GlobalTopicARN = topics.regional.Arn, topics.global.Arn
	o.WorkspaceARN, o.PrometheusEndpoint = workspace.Arn, workspace.PrometheusEndpoint
	o.DashboardName = dashboard.DashboardName
	return nil
}

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "observability", d.name+suffix)
}
