package components_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/observability"
	"github.com/ragscale/ragscale/slo"
)

const (
	alarmType     = "aws:cloudwatch/metricAlarm:MetricAlarm"
	compositeType = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
	ruleFileType  = "aws:amp/ruleGroupNamespace:RuleGroupNamespace"
)

// limit is a threshold of a value.
func limit(v float64) slo.Threshold { return slo.Threshold{Value: v} }

// smallObservability is valid, with everything optional left out.
func smallObservability() observability.Args {
	return observability.Args{
		Region: "eu-central-1", Emails: []string{"oncall@example.com"},
		ClusterName: pulumi.String("platform"), ClusterARN: pulumi.String("arn:aws:eks:eu-central-1:123456789012:cluster/platform"),
		SubnetIDs: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}), SecurityGroupIDs: pulumi.ToStringArray([]string{"sg-nodes"}),
		LoadBalancerARNSuffix: pulumi.String("app/api/0123"), TargetGroupARNSuffix: pulumi.String("targetgroup/api/4567"),
		DatabaseInstanceID: pulumi.String("db-1"), APINamespace: "agentic-rag",
		Thresholds: slo.Thresholds{
			API: slo.API{
				ResponseSeconds: limit(2), ComplexSearchSeconds: limit(5), UploadSecondsPerMB: limit(30), ErrorRatio: limit(0.001), ThroughputRPS: limit(1000),
			},
			Nodes:    slo.Nodes{CPUPercent: limit(70), MemoryPercent: limit(80), StoragePercent: limit(85)},
			Database: slo.Database{CPUPercent: limit(70), FreeMemoryBytes: limit(1 << 30), FreeStorageBytes: limit(3 << 30), Connections: limit(140), LatencySeconds: limit(0.02)},
			Scaling:  slo.Scaling{AtMaximumMinutes: limit(15), UnschedulableMinutes: limit(5)},
		},
		MetricRetentionDays: 30, LogRetentionDays: 7, StateMetricsChartVersion: "8.4.1",
	}
}

var observabilityShapes = map[string]func() observability.Args{
	"local": func() observability.Args {
		a := smallObservability()
		a.Emails, a.Unattended = nil, true
		return a
	},
	"dev": func() observability.Args {
		a := smallObservability()
		a.PgBouncer, a.AutoscalingNamespace = true, "kube-system"
		a.CacheClusterIDs = map[string]pulumi.StringInput{"001": pulumi.String("cache-001")}
		a.Thresholds.Database.ReplicaLagSeconds = limit(10)
		a.Thresholds.Cache = slo.Cache{CPUPercent: limit(80), MemoryPercent: limit(80), HitPercent: limit(50)}
		a.Tags = map[string]string{"stack": "dev"}
		return a
	},
	"prod": fullObservability,
}

// fullObservability has every tier.
func fullObservability() observability.Args {
	a := smallObservability()
	a.Emails = []string{"oncall@example.com", "platform@example.com"}
	a.PgBouncer, a.AutoscalingNamespace, a.VectorStoreNamespace, a.GrafanaNamespace = true, "kube-system", "vectors", "grafana"
	a.ReplicaIDs = map[string]pulumi.StringInput{"1": pulumi.String("db-1-replica-1"), "2": pulumi.String("db-1-replica-2")}
	a.CacheClusterIDs = map[string]pulumi.StringInput{"001": pulumi.String("cache-001"), "002": pulumi.String("cache-002")}
	a.DistributionID = pulumi.String("E2EXAMPLE")
	t := &a.Thresholds
	t.Database.ReplicaFreeMemoryBytes, t.Database.ReplicaLagSeconds, t.PgBouncer.WaitingClients = limit(1<<29), limit(10), limit(5)
	t.Cache = slo.Cache{CPUPercent: limit(80), MemoryPercent: limit(85), HitPercent: limit(60), EvictionsPerMinute: limit(100)}
	t.Edge = slo.Edge{HitPercent: limit(80), ErrorPercent: limit(0.5)}
	a.MetricRetentionDays, a.LogRetentionDays, a.DeletionProtection = 150, 30, true
	a.Tags = map[string]string{"stack": "prod", "cost-centre": "search"}
	return a
}

func declareObservability(args observability.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		if args.DistributionID != nil {
			global, err := aws.NewProvider(ctx, "global", &aws.ProviderArgs{Region: pulumi.String("us-east-1")})
			if err != nil {
				return err
			}
			args.GlobalProvider = global
		}
		cluster, err := kubernetes.NewProvider(ctx, "cluster", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		o, err := observability.New(ctx, "rag", args, pulumi.Providers(cluster))
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"topicArn": o.TopicARN, "globalTopicArn": o.GlobalTopicARN, "workspaceArn": o.WorkspaceARN,
			"prometheusEndpoint": o.PrometheusEndpoint, "dashboardName": o.DashboardName,
		})
	}
}

func TestObservabilityGraph(t *testing.T) {
	wantGraphs(t, "observability", observabilityShapes, declareObservability)
}

func TestObservabilityFaultsNameTheField(t *testing.T) {
	cases := map[string]struct {
		change func(*observability.Args)
		want   string
	}{
		"region": {func(a *observability.Args) { a.Region = "Frankfurt" },
			`observability.Region is "Frankfurt", want an AWS region such as eu-central-1`},
		"nobody to tell": {func(a *observability.Args) { a.Emails = nil },
			"observability.Emails is empty, want one address or more, or Unattended: an alarm without a target wakes nobody"},
		"unattended with somebody": {func(a *observability.Args) { a.Unattended = true },
			"observability.Unattended is true with 1 Emails, want one or the other"},
		"address": {func(a *observability.Args) { a.Emails = []string{"on call"} },
			`observability.Emails[0] is "on call", want a mail address`},
		"address twice": {func(a *observability.Args) { a.Emails = append(a.Emails, a.Emails[0]) },
			`observability.Emails[1] is "oncall@example.com" again, want it once`},
		"runbook": {func(a *observability.Args) { a.RunbookURL = "https://example.com/runbook#top" },
			`observability.RunbookURL is "https://example.com/runbook#top", want an https address without a fragment`},
		"cluster": {func(a *observability.Args) { a.ClusterARN = nil },
			"observability.ClusterARN is missing, want a value from the component that has it"},
		"database": {func(a *observability.Args) { a.DatabaseInstanceID = nil },
			"observability.DatabaseInstanceID is missing, want a value from the component that has it"},
		"one subnet": {func(a *observability.Args) { a.SubnetIDs = a.SubnetIDs[:1] },
			"observability.SubnetIDs has 1, want 2 or more, each in a zone of its own"},
		"no security group": {func(a *observability.Args) { a.SecurityGroupIDs = nil },
			"observability.SecurityGroupIDs has 0, want 1 to 5"},
		"replica": {func(a *observability.Args) {
			a.ReplicaIDs, a.Thresholds.Database.ReplicaLagSeconds = map[string]pulumi.StringInput{"1": nil}, limit(10)
		}, "observability.ReplicaIDs[1] is missing, want an identifier"},
		"replica's key": {func(a *observability.Args) {
			a.ReplicaIDs, a.Thresholds.Database.ReplicaLagSeconds = map[string]pulumi.StringInput{"No 1": pulumi.String("db")}, limit(10)
		}, "observability.ReplicaIDs[No 1] is no key for a resource's name, want lower-case letters, digits and hyphens"},
		"replica without a limit": {func(a *observability.Args) {
			a.ReplicaIDs = map[string]pulumi.StringInput{"1": pulumi.String("db")}
		}, "observability.Thresholds.Database.ReplicaLagSeconds is 0, want above 0: nothing would watch it"},
		"namespace": {func(a *observability.Args) { a.APINamespace = "" },
			`observability.APINamespace is "", want at most 63 lower-case letters, digits and hyphens`},
		"an objective that nothing watches": {func(a *observability.Args) { a.Thresholds.API.ResponseSeconds = limit(0) },
			"observability.Thresholds.API.ResponseSeconds is 0, want above 0: nothing would watch it"},
		"throughput that nothing watches": {func(a *observability.Args) { a.Thresholds.API.ThroughputRPS = limit(0) },
			"observability.Thresholds.API.ThroughputRPS is 0, want above 0: nothing would watch it"},
		"all of the CPU": {func(a *observability.Args) { a.Thresholds.Nodes.CPUPercent = limit(100) },
			"observability.Thresholds.Nodes.CPUPercent is 100, want above 0 and below 100: nothing would watch it"},
		"percent for a ratio": {func(a *observability.Args) { a.Thresholds.API.ErrorRatio = limit(0.1) },
			"observability.Thresholds.API.ErrorRatio is 0.1, want above 0 and below 0.069: 14.4 times as many failures must still be seen"},
		"patience": {func(a *observability.Args) { a.Thresholds.Scaling.AtMaximumMinutes = limit(0) },
			"observability.Thresholds.Scaling.AtMaximumMinutes is 0, want 1 or more"},
		"cache without a limit": {func(a *observability.Args) {
			*a = fullObservability()
			a.DistributionID, a.Thresholds.Cache.HitPercent = nil, limit(0)
		}, "observability.Thresholds.Cache.HitPercent is 0, want above 0 and below 100: nothing would watch it"},
		"negative": {func(a *observability.Args) { a.PgBouncer, a.Thresholds.PgBouncer.WaitingClients = true, limit(-1) },
			"observability.Thresholds.PgBouncer.WaitingClients is -1, want 0 or more"},
		"metric retention": {func(a *observability.Args) { a.MetricRetentionDays = 1096 },
			"observability.MetricRetentionDays is 1096, want 1 to 1095"},
		"log retention": {func(a *observability.Args) { a.LogRetentionDays = 8 },
			"observability.LogRetentionDays is 8, want 0 (for ever) or one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallObservability()
			c.change(&args)
			wantFault(t, declareObservability(args), c.want)
		})
	}
}

func TestObservabilityNeedsAProviderWhereCloudFrontsMetricsAre(t *testing.T) {
	args := smallObservability()
	args.DistributionID, args.Thresholds.Edge = pulumi.String("E2EXAMPLE"), slo.Edge{ErrorPercent: limit(1), HitPercent: limit(80)}
	wantFault(t, func(ctx *pulumi.Context) error {
		_, err := observability.New(ctx, "rag", args)
		return err
	}, "observability.GlobalProvider is missing, want a provider for us-east-1: CloudFront's alarms live there")
}

func TestObservabilityReportsAllFaultsAtOnce(t *testing.T) {
	args := smallObservability()
	args.Emails, args.ClusterName, args.Thresholds.Nodes.CPUPercent, args.MetricRetentionDays = nil, nil, limit(0), 0
	wantFaultsOf(t, declareObservability(args), "observability", "Emails", "ClusterName", "Thresholds.Nodes.CPUPercent", "MetricRetentionDays")
}

// Whatever threshold moves, an alarm or a rule must move with it.
func TestEveryThresholdIsWatched(t *testing.T) {
	watching := func(a observability.Args) string {
		g := graph.Run(t, "prod", declareObservability(a))
		var text strings.Builder
		for _, typ := range []string{alarmType, ruleFileType} {
			for _, r := range g.OfType(typ) {
				text.WriteString(r.Text())
			}
		}
		return text.String()
	}
	before := watching(fullObservability())
	// Those of the autoscalers themselves: alerts read them in the cluster.
	inTheCluster := []string{"Scaling.MinReplicas", "Scaling.MaxReplicas", "Scaling.CPUPercent", "Scaling.MemoryPercent"}
	tiers := reflect.TypeFor[slo.Thresholds]()
	for i := range tiers.NumField() {
		for j := range tiers.Field(i).Type.NumField() {
			name := tiers.Field(i).Name + "." + tiers.Field(i).Type.Field(j).Name
			a := fullObservability()
			value := reflect.ValueOf(&a.Thresholds).Elem().Field(i).Field(j).FieldByName("Value")
			value.SetFloat(max(value.Float()/2, 1e-4)) // the error ratio stays below what burn rates can watch
			if same := watching(a) == before; same != slices.Contains(inTheCluster, name) {
				t.Errorf("Thresholds.%s has changed: that no alarm or rule has is %t", name, same)
			}
		}
	}
}

// linked are the sections of the runbook that alarms and alerts name, with the name of one that does.
func linked(t *testing.T, g graph.Graph) map[string]string {
	t.Helper()
	sections := map[string]string{}
	for _, typ := range []string{alarmType, compositeType} {
		for _, r := range g.OfType(typ) {
			_, section, found := strings.Cut(fmt.Sprint(r.Input("alarmDescription")), "docs/operations.md#")
			if !found {
				t.Errorf("%s links to no section", r.Name)
			}
			sections[section] = r.Name
		}
	}
	for _, r := range g.OfType(ruleFileType) {
		for _, rule := range alertsOf(t, r) {
			_, section, found := strings.Cut(rule.Annotations["runbook_url"], "docs/operations.md#")
			if !found {
				t.Errorf("%s links to no section", rule.Alert)
			}
			sections[section] = rule.Alert
		}
	}
	return sections
}

type alertRule struct {
	Alert       string            `json:"alert"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func alertsOf(t *testing.T, r graph.Resource) []alertRule {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []alertRule `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.Unmarshal([]byte(fmt.Sprint(r.Input("data"))), &file); err != nil {
		t.Fatal(err)
	}
	var alerts []alertRule
	for _, g := range file.Groups {
		alerts = append(alerts, slices.DeleteFunc(g.Rules, func(a alertRule) bool { return a.Alert == "" })...)
	}
	return alerts
}

// runbookSections are those of docs/operations.md that have a third-level heading, by the fragment that GitHub gives them.
func runbookSections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		sections[strings.ReplaceAll(strings.ToLower(heading), " ", "-")] = body
	}
	return sections
}

func TestEveryAlarmHasItsSectionAndEverySectionAnAlarm(t *testing.T) {
	alarms := linked(t, graph.Run(t, "prod", declareObservability(fullObservability())))
	sections := runbookSections(t)
	for section, alarm := range alarms {
		if _, ok := sections[section]; !ok {
			t.Errorf("%s links to #%s, which docs/operations.md lacks", alarm, section)
		}
	}
	for section := range sections {
		if _, ok := alarms[section]; !ok {
			t.Errorf("#%s of docs/operations.md belongs to no alarm", section)
		}
	}
}

func TestEverySectionSaysWhatItMeansWhatToLookAtAndWhatToDo(t *testing.T) {
	link := regexp.MustCompile(`\]\(#([a-z-]+)\)`)
	sections := runbookSections(t)
	for section, body := range sections {
		for _, part := range []string{"- **Means**: ", "- **Look at**: ", "- **Do**: "} {
			if strings.Count(body, part) != 1 {
				t.Errorf("#%s has %d of %q, want one", section, strings.Count(body, part), part)
			}
		}
		for _, to := range link.FindAllStringSubmatch(body, -1) {
			if _, ok := sections[to[1]]; !ok {
				t.Errorf("#%s links to #%s, which is not there", section, to[1])
			}
		}
	}
}

func TestEveryAlarmTellsSomeoneWhenItBeginsAndWhenItEnds(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	topics := map[string]string{}
	for _, r := range g.OfType("aws:sns/topic:Topic") {
		topics[fmt.Sprintf("arn:aws:sns:eu-central-1:123456789012:topic/%s", r.Name)] = r.Provider
	}
	for _, r := range append(g.OfType(alarmType), g.OfType(compositeType)...) {
		if leg := regexp.MustCompile(`-availability-burn-\d+[hm]$`).MatchString(r.Name); leg {
			continue
		}
		for _, property := range []string{"alarmActions[0]", "okActions[0]"} {
			provider, ok := topics[fmt.Sprint(r.Input(property))]
			if !ok {
				t.Errorf("%s: %s is %v, want a topic", r.Name, property, r.Input(property))
			} else if provider != r.Provider {
				t.Errorf("%s is of provider %q and its topic of %q, want one region for both", r.Name, r.Provider, provider)
			}
		}
	}
}

func TestPercentilesAreExtendedStatistics(t *testing.T) {
	latency := graph.Run(t, "dev", declareObservability(smallObservability())).Find(alarmType, "rag-api-latency")
	if latency.Input("extendedStatistic") != "p95" || latency.Input("statistic") != nil {
		t.Errorf("extendedStatistic is %v and statistic %v, want p95 and none", latency.Input("extendedStatistic"), latency.Input("statistic"))
	}
}

func TestAlarmsOfCloudFrontAreInUSEast1(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	edge := 0
	for _, r := range g.OfType(alarmType) {
		if r.Input("namespace") != "AWS/CloudFront" {
			continue
		}
		edge++
		if r.Provider != "pulumi:providers:aws global" || r.Input("dimensions.Region") != "Global" {
			t.Errorf("%s: provider %q, region %v, want the global provider and Global", r.Name, r.Provider, r.Input("dimensions.Region"))
		}
	}
	if edge == 0 {
		t.Error("no alarm of CloudFront")
	}
}

func TestAStackInUSEast1HasOneTopic(t *testing.T) {
	args := fullObservability()
	args.Region = "us-east-1"
	g := graph.Run(t, "prod", declareObservability(args))
	if topics := g.OfType("aws:sns/topic:Topic"); len(topics) != 1 {
		t.Errorf("%d topics, want 1", len(topics))
	}
	for _, r := range g.OfType(alarmType) {
		if r.Provider != "" {
			t.Errorf("%s is of provider %q, want the stack's own", r.Name, r.Provider)
		}
	}
}

func TestTiersThatAreNotThereAreNotWatched(t *testing.T) {
	text := graph.Run(t, "dev", declareObservability(smallObservability())).Text()
	for _, tier := range []string{"AWS/CloudFront", "AWS/ElastiCache", "ReplicaLag\"", "pgbouncer_", "cluster_autoscaler_", "vpa_recommender_", "grafana_dashboard"} {
		if strings.Contains(text, tier) {
			t.Errorf("%s is watched, and not there", tier)
		}
	}
}

// An absent cache node is idle; an absent set of healthy pods is an outage.
func TestMissingDataOfTheWayInIsAnAlarm(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	for _, r := range g.OfType(alarmType) {
		want := "notBreaching"
		if r.Name == "rag-api-no-targets" {
			want = "breaching"
		}
		if got := r.Input("treatMissingData"); got != want {
			t.Errorf("%s treats missing data as %v, want %s", r.Name, got, want)
		}
	}
}

// CloudWatch allows 20 metrics and expressions in an alarm, and a day of windows below an hour's period, a week of others.
func TestAlarmsLookBackNoFurtherThanCloudWatchAllows(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	for _, r := range g.OfType(alarmType) {
		period, _ := r.Input("period").(float64)
		if period == 0 {
			period, _ = r.Input("metricQueries[1].metric.period").(float64)
		}
		periods, _ := r.Input("evaluationPeriods").(float64)
		if window := period * periods; window <= 0 || window > 86400 {
			t.Errorf("%s looks back %v s, want up to a day", r.Name, window)
		}
	}
}

type cloudWatchWidget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Region string
		Metrics       []any
		Alarms        []string
	}
}

func cloudWatchWidgets(t *testing.T, g graph.Graph) []cloudWatchWidget {
	t.Helper()
	var body struct{ Widgets []cloudWatchWidget }
	text := fmt.Sprint(g.Find("aws:cloudwatch/dashboard:Dashboard", "rag").Input("dashboardBody"))
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return body.Widgets
}

func TestDashboardWidgetsFitTheGridWithoutOverlap(t *testing.T) {
	taken := map[[2]int]bool{}
	for _, w := range cloudWatchWidgets(t, graph.Run(t, "prod", declareObservability(fullObservability()))) {
		if w.Width < 1 || w.Height < 1 || w.X+w.Width > 24 {
			t.Errorf("%s %q lies at %d,%d, %d wide, want it within 24 columns", w.Type, w.Properties.Title, w.X, w.Y, w.Width)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if taken[[2]int{x, y}] {
					t.Fatalf("%s %q lies on another", w.Type, w.Properties.Title)
				}
				taken[[2]int{x, y}] = true
			}
		}
	}
}

func TestDashboardShowsEveryAlarm(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	var shown []string
	graphs := map[string]bool{}
	for _, w := range cloudWatchWidgets(t, g) {
		shown = append(shown, w.Properties.Alarms...)
		for _, m := range w.Properties.Metrics {
			if line, ok := m.([]any); ok && len(line) > 1 {
				graphs[fmt.Sprint(line[1])] = true
			}
		}
	}
	for _, r := range g.OfType(alarmType) {
		if name := r.Input("metricName"); name != nil && !graphs[fmt.Sprint(name)] {
			t.Errorf("%s: no graph has its metric %v", r.Name, name)
		}
		if r.Input("alarmActions") != nil && !slices.ContainsFunc(shown, func(arn string) bool { return strings.HasSuffix(arn, "/"+r.Name) }) {
			t.Errorf("%s is not among the dashboard's alarms", r.Name)
		}
	}
}

func TestScrapeConfigurationKeepsWithinWhatAManagedScraperTakes(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	text := fmt.Sprint(g.Find("aws:amp/scraper:Scraper", "rag").Input("scrapeConfiguration"))
	var config map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	for key := range config {
		if key != "global" && key != "scrape_configs" {
			t.Errorf("%s is in the configuration, want global and scrape_configs alone", key)
		}
	}
	if !strings.Contains(text, "scrape_interval: 30s") {
		t.Error("the interval is not 30s, the shortest that is taken")
	}
}

func TestAPageSilencesTheTicketOfItsOwnObjectiveOnly(t *testing.T) {
	g := graph.Run(t, "dev", declareObservability(smallObservability()))
	var outer struct {
		Config string `json:"alertmanager_config"`
	}
	if err := yaml.Unmarshal([]byte(fmt.Sprint(g.Find("aws:amp/alertManagerDefinition:AlertManagerDefinition", "rag").Input("definition"))), &outer); err != nil {
		t.Fatal(err)
	}
	var config struct {
		InhibitRules []struct {
			SourceMatchers []string `json:"source_matchers"`
			Equal          []string `json:"equal"`
		} `json:"inhibit_rules"`
	}
	if err := yaml.Unmarshal([]byte(outer.Config), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.InhibitRules) != 1 {
		t.Fatalf("%d rules inhibit, want 1", len(config.InhibitRules))
	}
	rule := config.InhibitRules[0]
	// Labels that neither alert has count as equal.
	if !slices.Contains(rule.SourceMatchers, `slo=~".+"`) || !slices.Equal(rule.Equal, []string{"slo"}) {
		t.Errorf("inhibits from %v on equal %v, want only alerts with the same label slo", rule.SourceMatchers, rule.Equal)
	}
}

func TestOnlyThisStacksAlarmsAndWorkspacePublish(t *testing.T) {
	g := graph.Run(t, "prod", declareObservability(fullObservability()))
	regional := fmt.Sprint(g.Find("aws:sns/topicPolicy:TopicPolicy", "rag-alarms").Input("policy"))
	for _, want := range []string{":alarm:rag-*", "aws:SourceAccount", "workspace/rag"} {
		if !strings.Contains(regional, want) {
			t.Errorf("the topic's policy lacks %s:\n%s", want, regional)
		}
	}
	global := fmt.Sprint(g.Find("aws:sns/topicPolicy:TopicPolicy", "rag-global-alarms").Input("policy"))
	if strings.Contains(global, "aps.amazonaws.com") {
		t.Error("Prometheus may publish to the topic in us-east-1, want the region's own alarms alone")
	}
}

func TestObservabilityFirstPreviewNeedsNothingKnown(t *testing.T) {
	graph.Preview(t, "prod", declareObservability(fullObservability()))
}

func TestGrafanaDashboardsCanBeHadWithoutACluster(t *testing.T) {
	files, err := observability.Dashboards(fullObservability())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"objectives", "request-path", "scaling"} {
		if !json.Valid(files[name]) {
			t.Errorf("%s is no JSON, want a dashboard", name)
		}
	}
}
