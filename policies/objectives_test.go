package main_test

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks"
)

// finds counts what a stack rule finds.
func finds(t *testing.T, name string, limits rules.Thresholds, resources ...rules.Resource) int {
	t.Helper()
	rule, known := rules.Named(name)
	if !known {
		t.Fatal("no rule " + name)
	}
	return len(rule.FindInStack(rules.Stack{Resources: resources}, limits))
}

// scaledPod is a Deployment and its autoscaler, whose pods request a core.
func scaledPod(resources map[string]any, target, most any) []rules.Resource {
	return []rules.Resource{
		resourceFrom("kubernetes:apps/v1:Deployment", "api", map[string]any{
			"kind": "Deployment", "metadata": map[string]any{"name": "api"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "api", "resources": resources}}}}},
		}),
		resourceFrom("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "api", map[string]any{"spec": map[string]any{
			"scaleTargetRef": map[string]any{"kind": "Deployment", "name": "api"}, "maxReplicas": most,
			"metrics": []any{map[string]any{"resource": map[string]any{"name": "cpu", "target": map[string]any{"averageUtilization": target}}}},
		}}),
	}
}

func TestAnAutoscalerActsBeforeTheAlarmThatMeasuresTheSame(t *testing.T) {
	requests, limits := map[string]any{"cpu": "1", "memory": "1Gi"}, rules.Thresholds{SLO: stacks.SLO{CPUPercent: 70}}
	same := map[string]any{"requests": requests, "limits": map[string]any{"cpu": "1000m"}}
	for name, c := range map[string]struct {
		resources map[string]any
		target    any
		faults    int
	}{
		"below the alarm":        {same, 60.0, 0},
		"at the alarm":           {same, 70.0, 1},
		"may use more":           {map[string]any{"requests": requests, "limits": map[string]any{"cpu": "2"}}, 70.0, 0},
		"without limit":          {map[string]any{"requests": requests}, 70.0, 0},
		"target not known yet":   {same, resource.NewComputedProperty(unknown), 0},
		"no target":              {same, nil, 0},
		"requests not known yet": {map[string]any{"requests": resource.NewComputedProperty(unknown), "limits": requests}, 70.0, 0},
	} {
		if n := finds(t, "hpa-below-alarm", limits, scaledPod(c.resources, c.target, 3.0)...); n != c.faults {
			t.Errorf("%s: %d faults, want %d", name, n, c.faults)
		}
	}
}

// An m7g.large has 1.93 CPU for pods.
func TestNodesHoldAllPodsAtFullScale(t *testing.T) {
	group := func(pool string, most any) rules.Resource {
		return resourceFrom("aws:eks/nodeGroup:NodeGroup", pool, map[string]any{
			"labels": map[string]any{"ragscale.io/pool": pool}, "instanceTypes": []any{"m7g.large"}, "scalingConfig": map[string]any{"maxSize": most},
		})
	}
	later := resource.NewComputedProperty(unknown)
	for name, c := range map[string]struct {
		groups []rules.Resource
		pods   any
		faults int
	}{
		"room for three":          {[]rules.Resource{group("api", 2.0)}, 3.0, 0},
		"none for four":           {[]rules.Resource{group("api", 2.0)}, 4.0, 1},
		"in two groups":           {[]rules.Resource{group("api", 2.0), group("burst", 1.0)}, 4.0, 0},
		"not on load test nodes":  {[]rules.Resource{group("api", 2.0), group("loadtest", 9.0)}, 4.0, 1},
		"nodes not known yet":     {[]rules.Resource{group("api", later)}, 4.0, 0},
		"pods not known yet":      {[]rules.Resource{group("api", 2.0)}, later, 0},
		"no node group in sight":  {nil, 4.0, 0},
		"no size of a node group": {[]rules.Resource{group("api", nil)}, 4.0, 0},
	} {
		pods := scaledPod(map[string]any{"requests": map[string]any{"cpu": "1", "memory": "1Gi"}}, 70.0, c.pods)
		if n := finds(t, "nodes-hold-full-scale", rules.Thresholds{}, append(pods, c.groups...)...); n != c.faults {
			t.Errorf("%s: %d faults, want %d", name, n, c.faults)
		}
	}
}

func TestSharedBuffersAreAShareOfTheInstancesMemory(t *testing.T) {
	for value, faults := range map[any]int{
		"{DBInstanceClassMemory/32768}": 0, "{DBInstanceClassMemory/20480}": 0, "{DBInstanceClassMemory/20000}": 1, "{DBInstanceClassMemory/70000}": 1,
		"471859": 0, "1048576": 1, 471859.0: 0, "plenty": 0, nil: 0,
	} {
		group := resourceFrom("aws:rds/parameterGroup:ParameterGroup", "db", map[string]any{"parameters": []any{map[string]any{"name": "shared_buffers", "value": value}}})
		group.URN = "group"
		instance := resourceFrom("aws:rds/instance:Instance", "db", map[string]any{"instanceClass": "db.r7g.large"})
		instance.Sources = map[string][]string{"parameterGroupName": {"group"}}
		if n := finds(t, "rds-memory-split", rules.Thresholds{}, group, instance); n != faults {
			t.Errorf("%v: %d faults, want %d", value, n, faults)
		}
	}
}

func TestSlowStatementsAreLogged(t *testing.T) {
	rule, _ := rules.Named("rds-slow-statements")
	parameter := func(name string, value any) any { return map[string]any{"name": name, "value": value} }
	locks := parameter("log_lock_waits", "1")
	for name, c := range map[string]struct {
		parameters any
		faults     int
	}{
		"half a second":        {[]any{parameter("log_min_duration_statement", "500"), locks}, 0},
		"at the objective":     {[]any{parameter("log_min_duration_statement", "2000"), locks}, 0},
		"beyond the objective": {[]any{parameter("log_min_duration_statement", "2001"), locks}, 1},
		"off":                  {[]any{parameter("log_min_duration_statement", "-1"), locks}, 1},
		"nothing set":          {[]any{}, 2},
		"not known yet":        {resource.NewComputedProperty(unknown), 0},
	} {
		group := resourceFrom("aws:rds/parameterGroup:ParameterGroup", "db", map[string]any{"parameters": c.parameters})
		if found := rule.Find(group, rules.Thresholds{SLO: stacks.SLO{ResponseSeconds: 2}}); len(found) != c.faults {
			t.Errorf("%s: %v, want %d", name, found, c.faults)
		}
	}
}

func TestAlarmsRingAtTheirThresholdOrBefore(t *testing.T) {
	limits := rules.Thresholds{Watched: []rules.Watch{
		{Threshold: slo.Threshold{Tier: "Nodes", Name: "CPUPercent", Value: 70, Unit: "%"}, Watches: []string{"node-cpu"}},
		{Threshold: slo.Threshold{Tier: "Cache", Name: "HitPercent", Value: 80, Unit: "%, below"}, Watches: []string{"cache-hit-rate"}},
		{Threshold: slo.Threshold{Tier: "API", Name: "ErrorRatio", Value: 0.001}, Watches: []string{"availability-burn"}},
	}}
	for name, c := range map[string]struct {
		alarm     string
		threshold any
		faults    int
	}{
		"at it":                     {"rag-prod-node-cpu", 70.0, 0},
		"before it":                 {"rag-prod-node-cpu", 60.0, 0},
		"too late":                  {"rag-prod-node-cpu", 71.0, 1},
		"too late where below":      {"rag-prod-cache-hit-rate-001", 79.0, 1},
		"early where below":         {"rag-prod-cache-hit-rate-001", 90.0, 0},
		"budget at its fastest":     {"rag-prod-availability-burn-1h", 0.0144, 0},
		"budget too fast":           {"rag-prod-availability-burn-1h", 0.02, 1},
		"not known yet":             {"rag-prod-node-cpu", resource.NewComputedProperty(unknown), 0},
		"none, as of an expected":   {"rag-prod-node-cpu", nil, 0},
		"of no objective":           {"rag-prod-node-failed", 5.0, 0},
		"whose name only begins so": {"rag-prod-node-cpus", 99.0, 0},
	} {
		alarm := resourceFrom("aws:cloudwatch/metricAlarm:MetricAlarm", c.alarm, map[string]any{"threshold": c.threshold})
		if n := finds(t, "alarm-threshold", limits, alarm); n != c.faults {
			t.Errorf("%s: %d faults, want %d", name, n, c.faults)
		}
	}
}

func TestLoadTestsPassOnlyWithinTheObjectives(t *testing.T) {
	rule, _ := rules.Named("loadtest-thresholds")
	limits := rules.Thresholds{Load: slo.LoadTest{ResponseMillis: 2000, ComplexSearchMillis: 5000, UploadSecondsPerMB: 30, FailedRatio: 0.001, RecallRatio: 0.95, DegradedRatio: 0.001, FreshnessSeconds: 30}}
	of := func(response, dropped, recall, freshness string) string {
		return fmt.Sprintf(`{"thresholds": {"responseMillis": %s, "complexSearchMillis": 5000, "uploadSecondsPerMB": 30, "failedRatio": 0.001, "droppedIterations": %s, `+
			`"recallRatio": %s, "degradedRatio": 0.001, "freshnessSeconds": %s}}`, response, dropped, recall, freshness)
	}
	file := func(response, dropped string) string { return of(response, dropped, "0.95", "30") }
	for name, c := range map[string]struct {
		data   any
		faults int
	}{
		"the objectives":     {map[string]any{"scenario.json": file("2000", "0")}, 0},
		"stricter":           {map[string]any{"scenario.json": file("500", "0")}, 0},
		"laxer":              {map[string]any{"scenario.json": file("2500", "0")}, 1},
		"requests left out":  {map[string]any{"scenario.json": file("2000", "10")}, 1},
		"better answers":     {map[string]any{"scenario.json": of("2000", "0", "0.99", "20")}, 0},
		"fewer found":        {map[string]any{"scenario.json": of("2000", "0", "0.9", "30")}, 1},
		"found later":        {map[string]any{"scenario.json": of("2000", "0", "0.95", "31")}, 1},
		"recall absent":      {map[string]any{"scenario.json": of("2000", "0", "null", "30")}, 1},
		"a threshold absent": {map[string]any{"scenario.json": file("null", "0")}, 1},
		"no thresholds":      {map[string]any{"scenario.json": "{}"}, 1},
		"no JSON":            {map[string]any{"scenario.json": "users: 5"}, 1},
		"not known yet":      {resource.NewComputedProperty(unknown), 0},
		"of something else":  {map[string]any{"pgbouncer.ini": "[databases]"}, 0},
	} {
		config := resourceFrom("kubernetes:core/v1:ConfigMap", "load", map[string]any{"data": c.data})
		if found := rule.Find(config, limits); len(found) != c.faults {
			t.Errorf("%s: %v, want %d", name, found, c.faults)
		}
	}
}

// A tier that rules/alarms.go does not list is taken to be in every stack.
func TestAForgottenTierIsSeen(t *testing.T) {
	forgotten := rules.Watch{Threshold: slo.Threshold{Tier: "Events", Name: "OldestSeconds"}, Watches: []string{"events-waiting"}}
	rule, _ := rules.Named("objectives-watched")
	if found := rule.FindInStack(rules.Stack{}, rules.Thresholds{Watched: []rules.Watch{forgotten}}); len(found) != 1 {
		t.Errorf("%v, want that nothing watches Events.OldestSeconds", found)
	}
	if found := rule.FindInStack(rules.Stack{}, declare(t, "prod").settings.Thresholds); len(found) > 0 {
		t.Errorf("of an empty stack, want every tier listed: %v", found)
	}
}

// An input that is not there comes from nowhere; of one that the engine says nothing about, it may be from anywhere.
func TestWhatIsAbsentComesFromNothing(t *testing.T) {
	topic := resourceFrom("aws:sns/topic:Topic", "alarms", map[string]any{})
	for name, c := range map[string]struct {
		inputs map[string]any
		from   []string
		faults int
	}{
		"without a topic":           {map[string]any{"protocol": "email"}, nil, 1},
		"a topic of unknown origin": {map[string]any{"topic": "arn:aws:sns:eu-central-1:123456789012:alarms"}, nil, 0},
		"this topic":                {map[string]any{"topic": "x"}, []string{topic.URN}, 0},
		"another topic":             {map[string]any{"topic": "x"}, []string{"urn:another"}, 1},
	} {
		subscription := resourceFrom("aws:sns/topicSubscription:TopicSubscription", "one", c.inputs)
		subscription.Sources = map[string][]string{"topic": c.from}
		if n := finds(t, "alarm-heard", rules.Thresholds{}, topic, subscription); n != c.faults {
			t.Errorf("%s: %d faults, want %d", name, n, c.faults)
		}
	}
}
