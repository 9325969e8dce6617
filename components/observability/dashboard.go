package observability

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// tier is a row of the dashboard, by its title.
type tier string

const (
	objectivesTier tier = "Objectives"
	edgeTier       tier = "Edge: CloudFront"
	apiTier        tier = "Way in: load balancer"
	databaseTier   tier = "PostgreSQL"
	cacheTier      tier = "Redis"
	nodesTier      tier = "Nodes"
)

// tiers in their order: whoever is on call reads from the top. Is an objective missed, then where along the way of a
// request?
var tiers = []tier{objectivesTier, edgeTier, apiTier, databaseTier, cacheTier, nodesTier}

// The grid is 24 wide; a graph takes a quarter.
const (
	gridWidth   = 24
	graphWidth  = 6
	graphHeight = 6
	titleHeight = 1
	// mostAlarms that CloudWatch shows in one widget.
	mostAlarms = 100
)

// graph is a widget of one or more metrics of a tier.
type graph struct {
	title  string
	unit   string
	region string
	lines  []alarm
	// limits are drawn across: the thresholds of the alarms.
	limits []float64
}

func (d *declaration) cloudWatchDashboard(alarms pulumi.Array) (*cloudwatch.Dashboard, error) {
	dashboard, err := cloudwatch.NewDashboard(d.ctx, d.name, &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(d.name), DashboardBody: d.dashboardBody(alarms),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	return dashboard, nil
}

// dashboardBody is the dashboard in CloudWatch's own form.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html ;
// read 2026-11-24.
func (d *declaration) dashboardBody(alarms pulumi.Array) pulumi.StringOutput {
	l := &layout{}
	l.across(2, widget("text", pulumi.Map{"markdown": pulumi.Sprintf(
		"# %s\nFrom top to bottom: objectives, then the way of a request. Lines across are alarm thresholds. What to do: "+
			"[operations](%s)",
		d.name, d.args.RunbookURL)}))
	// Alarms of us-east-1 among them: documented as possible in another region's dashboard; PutDashboard would settle it.
	for part := range slices.Chunk(alarms, mostAlarms) {
		l.across(4, widget("alarm", pulumi.Map{"title": pulumi.String("Alarms"), "alarms": part}))
	}
	for _, t := range tiers {
		graphs := d.graphs(t)
		if len(graphs) == 0 {
			continue
		}
		l.across(titleHeight, widget("text", pulumi.Map{"markdown": pulumi.String("## " + t)}))
		for _, g := range graphs {
			l.add(graphWidth, graphHeight, g.widget())
		}
	}
	return pulumi.JSONMarshal(pulumi.Map{"widgets": l.widgets})
}

// graphs of a tier: those of its alarms, and what explains them.
func (d *declaration) graphs(t tier) []graph {
	var graphs []graph
	for _, a := range slices.Concat(d.args.table(), d.args.context()) {
		if a.tier != t {
			continue
		}
		i := slices.IndexFunc(graphs, func(g graph) bool { return g.title == a.title })
		if i < 0 {
			region := d.args.Region
			if a.global {
				region = globalRegion
			}
			graphs, i = append(graphs, graph{title: a.title, unit: a.unit, region: region}), len(graphs)
		}
		graphs[i].lines = append(graphs[i].lines, a)
		if a.key != "" && !slices.Contains(graphs[i].limits, a.limit()) {
			graphs[i].limits = append(graphs[i].limits, a.limit())
		}
	}
	return graphs
}

// context is what has no alarm and explains those that have one.
func (a Args) context() []alarm {
	balancer := map[string]pulumi.StringInput{"LoadBalancer": a.LoadBalancerARNSuffix}
	return []alarm{
		{tier: objectivesTier, title: "Requests per minute", unit: "requests", when: prompt,
			metrics: []metric{{"requests", loadBalancerSpace, "RequestCount", "Sum", balancer}}},
		{tier: apiTier, title: "Open connections", unit: "connections", when: prompt,
			metrics: []metric{{"connections", loadBalancerSpace, "ActiveConnectionCount", "Sum", balancer}}},
		{tier: apiTier, title: "Connections refused by pods", unit: "connections", when: prompt,
			metrics: []metric{{"refused", loadBalancerSpace, "TargetConnectionErrorCount", "Sum", balancer}}},
		{tier: nodesTier, title: "Nodes", unit: "nodes", when: prompt,
			metrics: []metric{{"nodes", "ContainerInsights", "cluster_node_count", "Average",
				map[string]pulumi.StringInput{"ClusterName": a.ClusterName}}}},
	}
}

func (g graph) widget() pulumi.Map {
	var metrics pulumi.Array
	for i, a := range g.lines {
		metrics = append(metrics, a.line(i)...)
	}
	var limits pulumi.Array
	for _, v := range g.limits {
		limits = append(limits, pulumi.Map{"label": pulumi.String("alarm"), "value": pulumi.Float64(v)})
	}
	properties := pulumi.Map{
		"title": pulumi.String(g.title), "region": pulumi.String(g.region), "view": pulumi.String("timeSeries"),
		"metrics": metrics,
		"yAxis":   pulumi.Map{"left": pulumi.Map{"label": pulumi.String(g.unit), "showUnits": pulumi.Bool(false)}},
	}
	if limits != nil {
		properties["annotations"] = pulumi.Map{"horizontal": limits}
	}
	return widget("metric", properties)
}

// line is an alarm's metric, or its expression with the hidden metrics under it. Ids are unique within a graph.
func (a alarm) line(index int) pulumi.Array {
	label := a.subject
	if label == "" {
		label = a.title
		if a.tier == databaseTier {
			label = "primary"
		}
	}
	number := strconv.Itoa(index)
	var lines pulumi.Array
	var rename []string
	for _, m := range a.metrics {
		options := pulumi.Map{"id": pulumi.String(m.id + number), "stat": pulumi.String(m.stat),
			"period": pulumi.Int(a.when.period)}
		if a.expression == "" {
			options["label"] = pulumi.String(label)
		} else {
			options["visible"] = pulumi.Bool(false)
		}
		rename = append(rename, m.id, m.id+number)
		lines = append(lines, append(m.path(), options))
	}
	if a.expression != "" {
		lines = append(lines, pulumi.Array{pulumi.Map{
			"id": pulumi.String("result" + number), "label": pulumi.String(label),
			"expression": pulumi.String(strings.NewReplacer(rename...).Replace(a.expression)),
		}})
	}
	return lines
}

// path is namespace, name and dimensions, as dashboards list them.
func (m metric) path() pulumi.Array {
	path := pulumi.Array{pulumi.String(m.namespace), pulumi.String(m.name)}
	for _, name := range sortedKeys(m.dimensions) {
		path = append(path, pulumi.String(name), m.dimensions[name])
	}
	return path
}

func widget(kind string, properties pulumi.Map) pulumi.Map {
	return pulumi.Map{"type": pulumi.String(kind), "properties": properties}
}

// layout places widgets from left to right, top to bottom.
type layout struct {
	widgets      pulumi.Array
	x, y, height int
}

func (l *layout) add(width, height int, w pulumi.Map) {
	if l.x+width > gridWidth {
		l.wrap()
	}
	w["x"], w["y"], w["width"], w["height"] = pulumi.Int(l.x), pulumi.Int(l.y), pulumi.Int(width), pulumi.Int(height)
	l.widgets = append(l.widgets, w)
	l.x, l.height = l.x+width, max(l.height, height)
}

func (l *layout) wrap() { l.x, l.y, l.height = 0, l.y+l.height, 0 }

// across places a widget in a line of its own.
func (l *layout) across(height int, w pulumi.Map) {
	l.wrap()
	l.add(gridWidth, height, w)
	l.wrap()
}
