package rules

import (
	"fmt"
	"slices"
	"strings"
)

const (
	metricAlarm    = "aws:cloudwatch/metricAlarm:MetricAlarm"
	compositeAlarm = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
	alertRules     = "aws:amp/ruleGroupNamespace:RuleGroupNamespace"
	topic          = "aws:sns/topic:Topic"
	subscription   = "aws:sns/topicSubscription:TopicSubscription"

	// mostBurnRate is how many times its even pace an error budget may go before somebody is called: 2 % of a month's in
	// an hour. Source: https://sre.google/workbook/alerting-on-slos/ ; read 2026-11-24.
	mostBurnRate = 14.4
)

var alarms = []Rule{
	{
		Name: "objectives-watched", Area: Alarms, Levels: everywhere,
		Says: "Every threshold that follows from the objectives has its alarms and alerts, for each tier that the stack " +
			"has.",
		Fix:    "Declare the alarm, or the alert in a rule group, whose name the finding says.",
		Origin: "slo: an objective that nobody watches is a wish", CheckStack: objectivesWatched,
	},
	{
		Name: "alarm-threshold", Area: Alarms, Levels: everywhere,
		Says:       "Every alarm rings at the threshold that it watches, or before.",
		Fix:        "threshold of the alarm: what stacks.Thresholds says; docs/configuration.md has the table.",
		Origin:     "slo and the thresholds that follow from it; an error budget may burn 14.4 times as fast",
		CheckStack: alarmThreshold,
	},
	{
		Name: "alarm-tells", Area: Alarms, Levels: everywhere,
		Says:   "Every alarm tells somebody, or is part of one that does.",
		Fix:    "alarmActions of the alarm: the topic of the stack; actionsEnabled not false.",
		Origin: "availabilityPercent: an alarm that tells nobody ends nothing", CheckStack: alarmTells,
	},
	{
		Name: "alarm-heard", Area: Alarms, Levels: productions,
		Says:   "Somebody gets what is sent to a topic.",
		Fix:    "Set ragscale:observability.alarmEmails.",
		Origin: "availabilityPercent: an alarm that nobody gets ends nothing", CheckStack: alarmHeard,
	},
}

func objectivesWatched(s Stack, t Thresholds, p *Report) {
	watches, decided := watchesOf(s)
	if !decided {
		return
	}
	for _, row := range t.Watched {
		if !inStack(s, row) {
			continue
		}
		for _, name := range row.Watches {
			if !watches(name) && !forReplicasOnly(s, name) {
				p.about(Resource{}, row.Tier+"."+row.Name, "watched by no "+name, "the alarm or alert of that name")
			}
		}
	}
}

// watchesOf tells by its name whether there is an alarm or an alert. An alarm's name ends with it and, where there is
// one per instance, the instance. decided = false if a rule group is not known.
func watchesOf(s Stack) (watches func(name string) bool, decided bool) {
	var alerts, names []string
	for _, group := range s.OfType(alertRules) {
		if group.At("data").Unknown() {
			return nil, false
		}
		alerts = append(alerts, alertsIn(group.At("data").Text())...)
	}
	for _, alarm := range s.OfType(metricAlarm, compositeAlarm) {
		names = append(names, alarm.Name+"-")
	}
	return func(name string) bool {
		named := func(alarm string) bool { return strings.Contains(alarm, "-"+name+"-") }
		return slices.Contains(alerts, name) || slices.ContainsFunc(names, named)
	}, true
}

// alertsIn is the names of the alerts in the text of a Prometheus rule group.
func alertsIn(rules string) []string {
	var names []string
	for line := range strings.Lines(rules) {
		if name, is := strings.CutPrefix(strings.TrimLeft(line, " -"), "alert:"); is {
			names = append(names, strings.Trim(strings.TrimSpace(name), `"'`))
		}
	}
	return names
}

// tiers are what of a tier must be in a stack for its thresholds to need a watch. PgBouncer has no type of its own. A
// tier that is not here is taken to be in every stack, so that one forgotten is seen.
var tiers = map[string]string{
	"Edge": distribution, "API": loadBalancer, "Scaling": hpaType, "Nodes": nodeGroup, "Database": rdsInstance,
	"Cache": replicationGroup,
}

func inStack(s Stack, row Watch) bool {
	if row.Tier == "PgBouncer" {
		return slices.ContainsFunc(s.OfType(deployment),
			func(d Resource) bool { return d.At("metadata", "name").Text() == poolerName })
	}
	typ, listed := tiers[row.Tier]
	return !listed || len(s.OfType(typ)) > 0
}

// forReplicasOnly tells whether a watch compares replicas with their source, and there are none.
func forReplicasOnly(s Stack, watch string) bool {
	switch watch {
	case "replica-lag":
		return !slices.ContainsFunc(s.OfType(rdsInstance), replicates)
	case "cache-replication-lag":
		return !slices.ContainsFunc(s.OfType(replicationGroup), func(r Resource) bool {
			nodes, known := r.At("numCacheClusters").Number()
			return known && nodes > 1
		})
	}
	return false
}

func alarmTells(s Stack, _ Thresholds, p *Report) {
	for _, alarm := range s.OfType(metricAlarm, compositeAlarm) {
		if partOfAnother(s, alarm) {
			continue
		}
		if actions := alarm.At("alarmActions"); !actions.Unknown() && len(actions.Each()) == 0 {
			p.fault(alarm, actions, "a topic")
		}
		if enabled := alarm.At("actionsEnabled"); !enabled.Absent() {
			p.isTrue(alarm, enabled)
		}
	}
}

// partOfAnother tells whether a composite alarm is made of an alarm, among others.
func partOfAnother(s Stack, alarm Resource) bool {
	return slices.ContainsFunc(s.OfType(compositeAlarm), func(c Resource) bool {
		return c.comesFrom("alarmRule", alarm)
	})
}

func alarmHeard(s Stack, _ Thresholds, p *Report) {
	for _, t := range s.OfType(topic) {
		heard := func(sub Resource) bool { return sub.mayComeFrom("topic", t) }
		if !slices.ContainsFunc(s.OfType(subscription), heard) {
			p.about(t, "", fmt.Sprintf("without any of %d subscriptions", len(s.OfType(subscription))), "a subscription")
		}
	}
}
