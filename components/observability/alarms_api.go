package observability

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/observability/rules"
	"github.com/ragscale/ragscale/slo"
)

const (
	loadBalancerSpace = "AWS/ApplicationELB"
	burnKey           = "availability-burn"
	// failedShare is the share of requests that failed, in the load balancer or behind it. Without requests it has no
	// value. The load balancer sees what the pods' own metrics cannot: a pod that is gone answers nothing. RequestCount
	// leaves out requests for which there was no target, which get a 503: with all pods gone it is zero, so they are
	// added.
	// Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html ,
	// as remembered 2026-11-24.
	failedShare = "(FILL(elb, 0) + FILL(target, 0)) / (FILL(requests, 0) + FILL(refused, 0))"
)

func (a Args) apiAlarms() []alarm {
	balancer := map[string]pulumi.StringInput{"LoadBalancer": a.LoadBalancerARNSuffix}
	target := map[string]pulumi.StringInput{"LoadBalancer": a.LoadBalancerARNSuffix, "TargetGroup": a.TargetGroupARNSuffix}
	failures := []metric{
		{"elb", loadBalancerSpace, "HTTPCode_ELB_5XX_Count", "Sum", balancer},
		{"target", loadBalancerSpace, "HTTPCode_Target_5XX_Count", "Sum", balancer},
		{"requests", loadBalancerSpace, "RequestCount", "Sum", balancer},
		{"refused", loadBalancerSpace, "HTTPCode_ELB_503_Count", "Sum", balancer},
	}
	all := []alarm{
		{
			tier: objectivesTier, key: "api-latency", title: "Response time, p95",
			meaning:   "One request in twenty takes longer than the objective.",
			metrics:   []metric{{"latency", loadBalancerSpace, "TargetResponseTime", "p95", balancer}},
			threshold: a.Thresholds.API.ResponseSeconds,
			unit:      "s", when: prompt, whenMissing: quiet,
		},
		{
			tier: objectivesTier, key: "api-errors", title: "Requests that failed",
			meaning: "More requests fail than the availability objective allows.",
			metrics: failures, expression: failedShare, threshold: a.Thresholds.API.ErrorRatio, unit: "share of requests",
			when: sustained, whenMissing: quiet,
		},
		{
			tier: apiTier, key: "api-no-targets", title: "Healthy pods behind the load balancer",
			meaning: "The load balancer has no healthy pod to send requests to.",
			// With none the metric itself can go missing.
			metrics: []metric{{"healthy", loadBalancerSpace, "HealthyHostCount", "Minimum", target}}, below: true,
			threshold: slo.Threshold{Value: leastHealthy},
			unit:      "pods", when: prompt, whenMissing: loud,
		},
	}
	return append(all, a.burnLegs(failures)...)
}

// leastHealthy pods behind the load balancer: below one is none.
const leastHealthy = 1

// burnPair is a pair of windows, s, as in package rules. CloudWatch looks back a day at most, which leaves out the slow
// pairs: those are Prometheus' alone.
type burnPair struct {
	long, short int
	factor      float64
}

var burnPairs = []burnPair{{3600, 300, rules.FastestBurn}, {6 * 3600, 1800, rules.SecondBurn}}

func window(seconds int) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dm", seconds/60)
}

func (a Args) burnLegs(failures []metric) []alarm {
	var legs []alarm
	for _, pair := range burnPairs {
		for _, seconds := range []int{pair.long, pair.short} {
			legs = append(legs, alarm{
				tier: objectivesTier, key: burnKey, subject: window(seconds), title: "Requests that failed, by window", leg: true,
				meaning: fmt.Sprintf("In %s the error budget of 30 days burns %v times too fast. Tells nobody by itself.",
					window(seconds), pair.factor),
				metrics: failures, expression: failedShare, threshold: a.Thresholds.API.ErrorRatio, burn: pair.factor,
				unit: "share of requests",
				when: evaluation{seconds, 1, 1}, whenMissing: quiet,
			})
		}
	}
	return legs
}

// availabilityBurn is in alarm while both windows of a pair are: it matters, and it still goes on.
func (d *declaration) availabilityBurn(legs map[string]pulumi.StringOutput,
	t topics) (*cloudwatch.CompositeAlarm, error) {
	var names []any
	var pairs []string
	for _, pair := range burnPairs {
		names = append(names, legs[window(pair.long)], legs[window(pair.short)])
		pairs = append(pairs, `(ALARM("%s") AND ALARM("%s"))`)
	}
	name := d.name + "-" + burnKey
	return cloudwatch.NewCompositeAlarm(d.ctx, name, &cloudwatch.CompositeAlarmArgs{
		AlarmName: pulumi.String(name),
		AlarmDescription: d.args.description("Requests fail so fast that the error budget of 30 days will not last.",
			burnKey),
		AlarmRule:    pulumi.Sprintf(strings.Join(pairs, " OR "), names...),
		AlarmActions: pulumi.StringArray{t.regional.Arn},
		OkActions:    pulumi.StringArray{t.regional.Arn},
		Tags:         d.tags("-" + burnKey),
	}, d.parent)
}
