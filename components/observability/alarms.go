package observability

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/slo"
)

// alarm is one CloudWatch alarm, and a line of the dashboard's graph of the same tier and title.
type alarm struct {
	tier tier
	// key is the section of the runbook, and the end of the alarm's name.
	key string
	// subject tells alarms of one key apart: a replica, a cache node, a window. Empty for the only one.
	subject string
	title   string
	// meaning is a sentence: what is wrong when it is in alarm.
	meaning string
	metrics []metric
	// expression over the metrics' ids; empty: the only metric is compared.
	expression string
	below      bool // alarm below the threshold, not above
	threshold  slo.Threshold
	// burn is how many times the threshold, an error budget, may go; 0 is the threshold itself.
	burn float64
	unit string // of threshold and graph
	when evaluation
	// whenMissing is what no data mean: notBreaching for what is idle, breaching for what must never be silent.
	whenMissing string
	// global alarms live in us-east-1.
	global bool
	// leg of a composite alarm: it tells nobody itself.
	leg bool
}

// metric is one CloudWatch metric of one subject. stat is a statistic or a percentile ("p95").
type metric struct {
	id, namespace, name, stat string
	dimensions                map[string]pulumi.StringInput
}

// evaluation is how long a metric must be bad: breaching of the last periods, s each.
type evaluation struct{ period, periods, breaching int }

var (
	// prompt is for what users feel: three bad minutes of five.
	prompt = evaluation{60, 5, 3}
	// sustained is for saturation: a quarter of an hour outlasts any scale-up, so that what autoscaling answers wakes
	// nobody.
	sustained = evaluation{60, 15, 12}
	// late is for metrics that arrive minutes late, CloudFront's.
	late = evaluation{300, 3, 3}
)

// What no data mean.
const (
	quiet = "notBreaching"
	loud  = "breaching"
)

// table is every alarm, in the order of the dashboard.
func (a Args) table() []alarm {
	return slices.Concat(a.apiAlarms(), a.edgeAlarms(), a.databaseAlarms(), a.cacheAlarms(), a.nodeAlarms())
}

func (d *declaration) alarms(t topics) (pulumi.Array, error) {
	var arns pulumi.Array
	legs := map[string]pulumi.StringOutput{}
	for _, a := range d.args.table() {
		declared, err := d.alarm(a, t)
		if err != nil {
			return nil, fmt.Errorf("alarm %s: %w", a.name(d.name), err)
		}
		if a.leg {
			legs[a.subject] = declared.Name
			continue
		}
		arns = append(arns, declared.Arn)
	}
	burn, err := d.availabilityBurn(legs, t)
	if err != nil {
		return nil, fmt.Errorf("alarm %s: %w", burnKey, err)
	}
	return append(pulumi.Array{burn.Arn}, arns...), nil
}

func (a alarm) name(stack string) string {
	name := stack + "-" + a.key
	if a.subject != "" {
		name += "-" + a.subject
	}
	return name
}

// limit is what the metric is compared with.
func (a alarm) limit() float64 {
	if a.burn > 0 {
		return rules.BurnLimit(a.burn, a.threshold.Value)
	}
	return a.threshold.Value
}

// Watched are the names of the alarms and alerts that compare with a threshold, by the threshold's ID.
func (a Args) Watched() map[string][]string {
	watched := map[string][]string{}
	add := func(id, name string) {
		if !slices.Contains(watched[id], name) {
			watched[id] = append(watched[id], name)
		}
	}
	a = a.withDefaults()
	for _, alarm := range a.table() {
		if alarm.threshold.Name != "" { // else a limit of its own
			add(alarm.threshold.ID(), alarm.key)
		}
	}
	for _, file := range a.Rules().Files() {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				for _, id := range rule.Thresholds {
					add(id, rule.Alert)
				}
			}
		}
	}
	return watched
}

func (a alarm) comparison() string {
	if a.below {
		return "LessThanThreshold"
	}
	return "GreaterThanThreshold"
}

// description is what an alarm's mail begins with: what is wrong, and where to read what to do.
func (a Args) description(meaning, section string) pulumi.String {
	return pulumi.String(meaning + " " + a.RunbookURL + "#" + section)
}

func (d *declaration) alarm(a alarm, t topics) (*cloudwatch.MetricAlarm, error) {
	name := a.name(d.name)
	args := &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(name),
		AlarmDescription:   d.args.description(a.meaning, a.key),
		ComparisonOperator: pulumi.String(a.comparison()),
		Threshold:          pulumi.Float64(a.limit()),
		EvaluationPeriods:  pulumi.Int(a.when.periods),
		DatapointsToAlarm:  pulumi.Int(a.when.breaching),
		TreatMissingData:   pulumi.String(a.whenMissing),
		Tags:               d.tags("-" + strings.TrimPrefix(name, d.name+"-")),
	}
	topic, options := t.regional, []pulumi.ResourceOption{d.parent}
	if a.global {
		topic, options = t.global, append(options, d.globally()...)
	}
	if !a.leg {
		args.AlarmActions, args.OkActions = pulumi.Array{topic.Arn}, pulumi.Array{topic.Arn}
	}
	a.setMetrics(args)
	return cloudwatch.NewMetricAlarm(d.ctx, name, args, options...)
}

// setMetrics compares the one metric, or the expression over several.
func (a alarm) setMetrics(args *cloudwatch.MetricAlarmArgs) {
	if a.expression == "" {
		m := a.metrics[0]
		args.Namespace, args.MetricName = pulumi.String(m.namespace), pulumi.String(m.name)
		args.Dimensions, args.Period = dimensions(m), pulumi.Int(a.when.period)
		if strings.HasPrefix(m.stat, "p") {
			args.ExtendedStatistic = pulumi.String(m.stat)
			// A percentile of three requests says nothing.
			args.EvaluateLowSampleCountPercentiles = pulumi.String("ignore")
		} else {
			args.Statistic = pulumi.String(m.stat)
		}
		return
	}
	queries := cloudwatch.MetricAlarmMetricQueryArray{&cloudwatch.MetricAlarmMetricQueryArgs{
		Id: pulumi.String("result"), Expression: pulumi.String(a.expression), Label: pulumi.String(a.title),
		ReturnData: pulumi.Bool(true),
	}}
	for _, m := range a.metrics {
		queries = append(queries, &cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String(m.id), ReturnData: pulumi.Bool(false),
			Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
				Namespace: pulumi.String(m.namespace), MetricName: pulumi.String(m.name), Dimensions: dimensions(m),
				Stat: pulumi.String(m.stat), Period: pulumi.Int(a.when.period),
			},
		})
	}
	args.MetricQueries = queries
}

func dimensions(m metric) pulumi.StringMap {
	all := pulumi.StringMap{}
	for name, value := range m.dimensions {
		all[name] = value
	}
	return all
}
