package rules

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Source: ScheduleKeyDeletion and CreateAlias of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/kms@v1.55.0 ; the
// rotation period: rotationPeriodInDays of aws.kms.Key, pulumi-aws v6.83.4; read 2026-11-23.
func kmsKey(c *check) {
	c.within("deletionWindowInDays", 7, 30)
	c.within("rotationPeriodInDays", 90, 2560)
	if c.has("rotationPeriodInDays") && !c.is("enableKeyRotation", false) && !c.unknown("enableKeyRotation") {
		c.fail("rotationPeriodInDays", "is given, want enableKeyRotation true with it")
	}
}

var aliasForm = regexp.MustCompile(`^alias/[A-Za-z0-9/_-]+$`)

func kmsAlias(c *check) {
	name, ok := props.String(c.Inputs, "name")
	if ok && (!aliasForm.MatchString(name) || strings.HasPrefix(name, "alias/aws/")) {
		c.fail("name", "is %q, want alias/ and letters, digits, / _ -, not alias/aws/", name)
	}
}

var repositoryForm = regexp.MustCompile(`^[a-z0-9]+([._/-][a-z0-9]+)*$`)

// Source of the values: CreateRepository of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ecr@v1.57.1 ; read
// 2026-11-23. Its text wants a letter first; the form here is that of the API's pattern as remembered, which takes a digit.
func repository(c *check) {
	name, ok := props.String(c.Inputs, "name")
	if ok && (!repositoryForm.MatchString(name) || len(name) < 2) {
		c.fail("name", "is %q, want small letters and digits, joined by single . _ / -", name)
	}
	c.oneOf("imageTagMutability", "MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")
	for i := range c.list("encryptionConfigurations") {
		path := fmt.Sprintf("encryptionConfigurations.%d", i)
		c.oneOf(path+".encryptionType", "AES256", "KMS", "KMS_DSSE")
		if c.has(path+".kmsKey") && !strings.HasPrefix(c.str(path+".encryptionType"), "KMS") {
			c.fail(path+".kmsKey", "is given, want encryptionType KMS with it")
		}
	}
}

// Source of the actions: LifecyclePolicyRuleAction of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ecr@v1.57.1/types ; read 2026-11-23. The rest as remembered; to settle: `aws ecr start-lifecycle-policy-preview`.
func lifecyclePolicy(c *check) {
	text, ok := c.document("policy")
	if !ok {
		return
	}
	var doc struct {
		Rules []struct {
			RulePriority int             `json:"rulePriority"`
			Description  string          `json:"description"`
			Selection    json.RawMessage `json:"selection"`
			Action       struct {
				Type string `json:"type"`
			} `json:"action"`
		} `json:"rules"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		c.fail("policy", "is no lifecycle policy: %v", err)
		return
	}
	if len(doc.Rules) == 0 {
		c.fail("policy", "has no rules, want at least one")
	}
	seen := map[int]bool{}
	for i, r := range doc.Rules {
		if r.RulePriority < 1 || seen[r.RulePriority] {
			c.fail("policy", "rules[%d].rulePriority is %d, want a number from 1 that no other rule has", i, r.RulePriority)
		}
		seen[r.RulePriority] = true
		if r.Action.Type != "expire" && r.Action.Type != "transition" {
			c.fail("policy", "rules[%d].action.type is %q, want expire or transition", i, r.Action.Type)
		}
		if len(r.Selection) == 0 {
			c.fail("policy", "rules[%d].selection is missing", i)
		}
	}
}

func logGroup(c *check) {
	// 0 is for ever.
	if days, ok := c.num("retentionInDays"); ok && days != 0 && !slices.Contains(catalogue.LogDays(), int(days)) {
		c.fail("retentionInDays", "is %v, want one of %v, or 0", days, catalogue.LogDays())
	}
	c.oneOf("logGroupClass", "STANDARD", "INFREQUENT_ACCESS", "DELIVERY")
}

var percentile = regexp.MustCompile(`^(p([0-9]{1,2}(\.[0-9]{1,10})?|100)|(tm|wm|tc|ts)[0-9.]+|(TM|WM|PR|TC|TS)\(.+\)|IQM)$`)

// Source: PutMetricAlarm of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudwatch@v1.75.6 ; read
// 2026-11-23. At most 5 actions of a kind: internal/service/cloudwatch/metric_alarm.go of
// https://github.com/hashicorp/terraform-provider-aws ; read 2026-11-30.
func metricAlarm(c *check) {
	c.oneOf("comparisonOperator", "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
		"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
	c.oneOf("treatMissingData", "breaching", "notBreaching", "ignore", "missing")
	c.oneOf("statistic", "SampleCount", "Average", "Sum", "Minimum", "Maximum")
	c.conflict("statistic", "extendedStatistic")
	if s, ok := props.String(c.Inputs, "extendedStatistic"); ok && !percentile.MatchString(s) {
		c.fail("extendedStatistic", "is %q, want a percentile such as p95 or p99.9", s)
	}
	c.alarmMetric()
	c.alarmPeriods()
	for _, path := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
		if n := len(c.list(path)); n > 5 {
			c.fail(path, "has %d actions, want at most 5", n)
		}
	}
}

func (c *check) alarmMetric() {
	switch {
	case c.has("metricQueries"):
		for _, path := range []string{"metricName", "namespace", "period", "statistic", "extendedStatistic", "dimensions"} {
			c.conflict(path, "metricQueries")
		}
	case !c.has("metricName"):
		c.fail("metricName", "missing, want it or metricQueries")
	case !c.has("statistic") && !c.has("extendedStatistic"):
		c.fail("statistic", "missing, want statistic or extendedStatistic")
	}
	if !c.has("threshold") && !c.has("thresholdMetricId") {
		c.fail("threshold", "missing, want a number")
	}
}

const day = 86400 // s

func (c *check) alarmPeriods() {
	period, ok := c.num("period")
	periods, ok2 := c.num("evaluationPeriods")
	if ok && !slices.Contains([]float64{10, 20, 30}, period) && (period <= 0 || int(period)%60 != 0) {
		c.fail("period", "is %v, want 10, 20, 30 or a multiple of 60", period)
	}
	if n, given := c.num("datapointsToAlarm"); given && ok2 && n > periods {
		c.fail("datapointsToAlarm", "is %v, want at most evaluationPeriods, %v", n, periods)
	}
	if ok && ok2 {
		c.alarmSpan(period, periods)
	}
}

// alarmSpan checks the time that an alarm looks back, in seconds.
func (c *check) alarmSpan(period, periods float64) {
	limit := float64(day)
	if period >= 3600 {
		limit = 7 * day
	}
	if period*periods > limit {
		c.fail("evaluationPeriods", "times period is %v s, want at most %v", period*periods, limit)
	}
}

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// As remembered; to settle: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func bucket(c *check) {
	name, ok := props.String(c.Inputs, "bucket")
	if ok && (!bucketForm.MatchString(name) || strings.Contains(name, "..") || strings.HasPrefix(name, "xn--")) {
		c.fail("bucket", "is %q, want 3 to 63 small letters, digits, hyphens and single dots", name)
	}
}
