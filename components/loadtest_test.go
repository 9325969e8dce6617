package components_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/loadtest"
	"github.com/ragscale/ragscale/slo"
)

const configMapType = "kubernetes:core/v1:ConfigMap"

// smallLoadTest is valid, with everything optional left out.
func smallLoadTest() loadtest.Args {
	return loadtest.Args{
		Namespace: "loadtest", Region: "eu-central-1",
		ClusterName: pulumi.String("cluster-1"),
		Image:       "grafana/k6:2.3.0", UploadImage: "public.ecr.aws/aws-cli/aws-cli:2.36.44",
		TargetURL: pulumi.String("http://api.example:8080"), TargetPorts: []int{8080},
		Scenarios: []loadtest.Scenario{{
			Name: "smoke", Users: 2, RampUpSeconds: 2, DurationSeconds: 10, ThinkSeconds: 1, Generators: 1, Suspended: true,
			GracefulSeconds: 10, DeadlineSeconds: 600,
		}},
		Thresholds:           slo.LoadTest{ResponseMillis: 2000, ComplexSearchMillis: 5000, UploadSecondsPerMB: 30, FailedRatio: 0.001, RecallRatio: 0.95, DegradedRatio: 0.001, FreshnessSeconds: 30},
		Requests:             loadtest.Resources{CPU: "100m", Memory: "256Mi"},
		ResultsRetentionDays: 7,
	}
}

// peakLoad is a scenario of several generators.
func peakLoad() loadtest.Scenario {
	return loadtest.Scenario{
		Name: "peak", Users: 500, RampUpSeconds: 120, DurationSeconds: 900, ThinkSeconds: 1, Generators: 2, Suspended: true,
		GracefulSeconds: 30, GatherSeconds: 360, DeadlineSeconds: 1590,
	}
}

var loadTestShapes = map[string]func() loadtest.Args{
	"local": smallLoadTest,
	"dev": func() loadtest.Args {
		a := smallLoadTest()
		a.Scenarios = []loadtest.Scenario{peakLoad()}
		a.Scenarios[0].Name, a.Scenarios[0].Schedule, a.Scenarios[0].Suspended = "normal", "30 1 * * 1-5", false
		a.Requests = loadtest.Resources{CPU: "1", Memory: "2Gi"}
		a.NodeGroup, a.PriorityClassName, a.ResultsRetentionDays = "loadtest", "rag-background", 90
		a.Environment = map[string]pulumi.StringInput{"stack": pulumi.String("dev"), "image": pulumi.String("api:1")}
		a.Tags = map[string]string{"stack": "dev"}
		return a
	},
	"prod": func() loadtest.Args {
		a := smallLoadTest()
		a.Production, a.DeletionProtection = true, true
		a.TargetURL, a.TargetPorts, a.TargetUnnamed = pulumi.String("https://api.example"), []int{443}, true
		breakpoint := peakLoad()
		breakpoint.Name, breakpoint.Users, breakpoint.Generators, breakpoint.StopAtFault = "breakpoint", 4000, 4, true
		a.Scenarios = []loadtest.Scenario{peakLoad(), breakpoint}
		a.Requests = loadtest.Resources{CPU: "2", Memory: "4Gi"}
		a.NodeGroup, a.PriorityClassName, a.ResultsRetentionDays = "loadtest", "rag-background", 365
		a.Environment = map[string]pulumi.StringInput{"stack": pulumi.String("prod")}
		a.Tags = map[string]string{"stack": "prod", "cost-centre": "search"}
		return a
	},
}

func declareLoadTest(args loadtest.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "cluster", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		tests, err := loadtest.New(ctx, "rag", args, pulumi.Providers(provider))
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{"namespace": tests.Namespace, "resultsBucket": tests.ResultsBucket, "roleArn": tests.RoleARN})
	}
}

// withoutScripts leaves the scripts out of the text: they are files of their own, with tests of their own.
func withoutScripts(g graph.Graph) graph.Graph {
	for _, r := range g.Resources {
		if data := r.Inputs["data"]; r.Type == configMapType && data.IsObject() {
			for key := range data.ObjectValue() {
				if name := string(key); strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".sh") {
					delete(data.ObjectValue(), key)
				}
			}
		}
	}
	return g
}

func TestLoadTestGraph(t *testing.T) {
	for stack, args := range loadTestShapes {
		t.Run(stack, func(t *testing.T) {
			g := withoutScripts(graph.Run(t, stack, declareLoadTest(args())))
			graph.Golden(t, "testdata/loadtest-"+stack+".golden", g.Text())
		})
	}
}

func TestLoadTestPodsHaveEveryScript(t *testing.T) {
	g := graph.Run(t, "local", declareLoadTest(smallLoadTest()))
	data, ok := g.Find(configMapType, "rag-load-scripts").Input("data").(map[string]any)
	if !ok {
		t.Fatal("no scripts")
	}
	for _, name := range []string{"main.js", "config.js", "mix.js", "zipf.js", "checks.js", "summary.js", "run.sh", "upload.sh", "environment.json"} {
		if text, ok := data[name].(string); !ok || text == "" {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestLoadTestThresholdsReachTheScript(t *testing.T) {
	args := smallLoadTest()
	args.Thresholds = slo.LoadTest{ResponseMillis: 1500, ComplexSearchMillis: 4000, UploadSecondsPerMB: 20, FailedRatio: 0.01, RecallRatio: 0.9, DegradedRatio: 0.01, FreshnessSeconds: 45}
	text, ok := graph.Run(t, "local", declareLoadTest(args)).Find(configMapType, "rag-load-smoke").Input(`data["scenario.json"]`).(string)
	if !ok {
		t.Fatal("no scenario")
	}
	var scenario struct{ Thresholds slo.LoadTest }
	if err := json.Unmarshal([]byte(text), &scenario); err != nil || scenario.Thresholds != args.Thresholds {
		t.Errorf("%v: %+v, want %+v", err, scenario.Thresholds, args.Thresholds)
	}
}

func TestLoadTestJobNeverStartsAGeneratorTwice(t *testing.T) {
	g := graph.Run(t, "prod", declareLoadTest(loadTestShapes["prod"]()))
	for name, generators := range map[string]float64{"rag-load-peak": 2, "rag-load-breakpoint": 4} {
		job := g.Find(cronJobType, name)
		const at = "spec.jobTemplate.spec."
		for path, want := range map[string]any{
			at + "completionMode": "Indexed", at + "completions": generators, at + "parallelism": generators,
			at + "backoffLimitPerIndex": 0.0, at + "backoffLimit": generators - 1, at + "template.spec.restartPolicy": "Never",
			"spec.concurrencyPolicy": "Forbid",
		} {
			if got := job.Input(path); got != want {
				t.Errorf("%s: %s is %v, want %v", name, path, got, want)
			}
		}
	}
}

// What uploads ends after k6 and has no say in how the run went.
func TestLoadTestUploadIsASidecar(t *testing.T) {
	pod := graph.Run(t, "prod", declareLoadTest(loadTestShapes["prod"]())).Find(cronJobType, "rag-load-peak")
	const spec = "spec.jobTemplate.spec.template.spec."
	for path, want := range map[string]any{
		"initContainers[0].name": "results", "initContainers[0].restartPolicy": "Always", "initContainers[1]": nil,
		"containers[0].name": "k6", "containers[1]": nil,
		"terminationGracePeriodSeconds": 120.0,
	} {
		if got := pod.Input(spec + path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestLoadTestPodTakesWhatItWasGiven(t *testing.T) {
	pod := graph.Run(t, "prod", declareLoadTest(loadTestShapes["prod"]())).Find(cronJobType, "rag-load-peak")
	const spec = "spec.jobTemplate.spec.template.spec."
	for path, want := range map[string]any{
		"containers[0].resources.requests.cpu": "1900m", "containers[0].resources.limits.cpu": "1900m",
		"initContainers[0].resources.requests.cpu": "100m", "initContainers[0].resources.limits.cpu": "100m",
		"containers[0].resources.requests.memory": "3840Mi", "containers[0].resources.limits.memory": "3840Mi",
		"initContainers[0].resources.requests.memory": "256Mi", "initContainers[0].resources.limits.memory": "256Mi",
	} {
		if got := pod.Input(spec + path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestLoadTestGeneratorsMayOnlyAddResults(t *testing.T) {
	policy, ok := graph.Run(t, "prod", declareLoadTest(loadTestShapes["prod"]())).Find("aws:iam/rolePolicy:RolePolicy", "rag-load").Input("policy").(string)
	if !ok {
		t.Fatal("no policy")
	}
	var document struct {
		Statement []struct{ Effect, Action, Resource string }
	}
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatal(err)
	}
	s := document.Statement
	if len(s) != 1 || s[0].Effect != "Allow" || s[0].Action != "s3:PutObject" || !strings.HasSuffix(s[0].Resource, "rag-load-results/results/*") {
		t.Errorf("the role may %+v", s)
	}
}

func TestLoadTestRunsByHandWithoutSchedule(t *testing.T) {
	g := graph.Run(t, "dev", declareLoadTest(loadTestShapes["dev"]()))
	if got := g.Find(cronJobType, "rag-load-normal"); got.Input("spec.suspend") != false || got.Input("spec.schedule") != "30 1 * * 1-5" {
		t.Errorf("suspended %v, schedule %v", got.Input("spec.suspend"), got.Input("spec.schedule"))
	}
	local := graph.Run(t, "local", declareLoadTest(smallLoadTest())).Find(cronJobType, "rag-load-smoke")
	if local.Input("spec.suspend") != true || local.Input("spec.schedule") != "0 0 31 2 *" {
		t.Errorf("suspended %v, schedule %v", local.Input("spec.suspend"), local.Input("spec.schedule"))
	}
}

func TestLoadTestProductionIsRefusedByTheScripts(t *testing.T) {
	args := loadTestShapes["prod"]()
	for _, allow := range []bool{false, true} {
		args.AllowProduction = allow
		g := graph.Run(t, "prod", declareLoadTest(args))
		env, ok := g.Find(cronJobType, "rag-load-peak").Input("spec.jobTemplate.spec.template.spec.containers[0].env").([]any)
		if !ok {
			t.Fatal("no environment")
		}
		want := map[string]any{"name": "ALLOW_PRODUCTION", "value": fmt.Sprint(allow)}
		if !slices.ContainsFunc(env, func(e any) bool { return fmt.Sprint(e) == fmt.Sprint(want) }) {
			t.Errorf("no %v in %v", want, env)
		}
		if text := fmt.Sprint(g.Find(configMapType, "rag-load-peak").Input("data")); !strings.Contains(text, `"production": true`) {
			t.Errorf("the scenario does not say that it is production: %s", text)
		}
	}
}

func TestLoadTestFaultsNameTheField(t *testing.T) {
	first := func(change func(*loadtest.Scenario)) func(*loadtest.Args) {
		return func(a *loadtest.Args) { change(&a.Scenarios[0]) }
	}
	cases := map[string]struct {
		change func(*loadtest.Args)
		want   string
	}{
		"no cluster":  {func(a *loadtest.Args) { a.ClusterName = nil }, "loadtest.ClusterName is missing, want a value from the component that has it"},
		"no target":   {func(a *loadtest.Args) { a.TargetURL = nil }, "loadtest.TargetURL is missing, want a value from the component that has it"},
		"no port":     {func(a *loadtest.Args) { a.TargetPorts = nil }, "loadtest.TargetPorts is empty, want the port of TargetURL"},
		"port":        {func(a *loadtest.Args) { a.TargetPorts = []int{0} }, "loadtest.TargetPorts[0] is 0, want 1 to 65535"},
		"namespace":   {func(a *loadtest.Args) { a.Namespace = "Load" }, `loadtest.Namespace is "Load", want at most 63 lower-case letters, digits and hyphens`},
		"shared":      {func(a *loadtest.Args) { a.Namespace = "default" }, `loadtest.Namespace is "default", want one of its own: it is created and deleted here`},
		"region":      {func(a *loadtest.Args) { a.Region = "Frankfurt" }, `loadtest.Region is "Frankfurt", want an AWS region such as eu-central-1`},
		"node group":  {func(a *loadtest.Args) { a.NodeGroup = "load test" }, `loadtest.NodeGroup is "load test", want a value of the label ragscale.io/pool`},
		"retention":   {func(a *loadtest.Args) { a.ResultsRetentionDays = 0 }, "loadtest.ResultsRetentionDays is 0, want 1 to 3650"},
		"no image":    {func(a *loadtest.Args) { a.Image = "" }, `loadtest.Image is "", want an image such as grafana/k6:2.3.0`},
		"moving":      {func(a *loadtest.Args) { a.Image = "grafana/k6:latest" }, `loadtest.Image is "grafana/k6:latest", want a tag that names a version: what runs must not change by itself`},
		"upload":      {func(a *loadtest.Args) { a.UploadImage = "aws-cli" }, `loadtest.UploadImage is "aws-cli", want a tag that names a version: what runs must not change by itself`},
		"cpu":         {func(a *loadtest.Args) { a.Requests.CPU = "two" }, `loadtest.Requests.CPU is "two", want a quantity above 0 such as 250m or 512Mi`},
		"memory":      {func(a *loadtest.Args) { a.Requests.Memory = "" }, `loadtest.Requests.Memory is "", want a quantity above 0 such as 250m or 512Mi`},
		"response":    {func(a *loadtest.Args) { a.Thresholds.ResponseMillis = 0 }, "loadtest.Thresholds.ResponseMillis is 0, want 1 or more"},
		"complex":     {func(a *loadtest.Args) { a.Thresholds.ComplexSearchMillis = -1 }, "loadtest.Thresholds.ComplexSearchMillis is -1, want 1 or more"},
		"per MB":      {func(a *loadtest.Args) { a.Thresholds.UploadSecondsPerMB = 0 }, "loadtest.Thresholds.UploadSecondsPerMB is 0, want above 0"},
		"failed":      {func(a *loadtest.Args) { a.Thresholds.FailedRatio = 1 }, "loadtest.Thresholds.FailedRatio is 1, want 0 to below 1"},
		"recall":      {func(a *loadtest.Args) { a.Thresholds.RecallRatio = 0 }, "loadtest.Thresholds.RecallRatio is 0, want above 0 to 1"},
		"degraded":    {func(a *loadtest.Args) { a.Thresholds.DegradedRatio = 1 }, "loadtest.Thresholds.DegradedRatio is 1, want 0 to below 1"},
		"freshness":   {func(a *loadtest.Args) { a.Thresholds.FreshnessSeconds = 0 }, "loadtest.Thresholds.FreshnessSeconds is 0, want above 0"},
		"dropped":     {func(a *loadtest.Args) { a.Thresholds.DroppedIterations = -1 }, "loadtest.Thresholds.DroppedIterations is -1, want 0 or more"},
		"nothing":     {func(a *loadtest.Args) { a.Scenarios = nil }, "loadtest.Scenarios is empty, want one or more"},
		"name":        {first(func(s *loadtest.Scenario) { s.Name = "Smoke" }), `loadtest.Scenarios[0].Name is "Smoke", want at most 40 lower-case letters, digits and single hyphens, a letter first`},
		"twice":       {func(a *loadtest.Args) { a.Scenarios = append(a.Scenarios, a.Scenarios[0]) }, `loadtest.Scenarios[1].Name is "smoke" a second time, want another`},
		"users":       {first(func(s *loadtest.Scenario) { s.Users = 0 }), "loadtest.Scenarios[0].Users is 0, want 1 or more"},
		"think":       {first(func(s *loadtest.Scenario) { s.ThinkSeconds = 0 }), "loadtest.Scenarios[0].ThinkSeconds is 0, want above 0"},
		"generators":  {first(func(s *loadtest.Scenario) { s.Generators, s.GatherSeconds = 3, 1 }), "loadtest.Scenarios[0].Generators is 3, want 1 to Users, 2: each needs one"},
		"levels":      {first(func(s *loadtest.Scenario) { s.Levels = 3 }), "loadtest.Scenarios[0].Levels is 3, want 0 to Users, 2, and 0 with StopAtFault, whose load rises throughout"},
		"rising":      {first(func(s *loadtest.Scenario) { s.Levels, s.StopAtFault = 2, true }), "loadtest.Scenarios[0].Levels is 2, want 0 to Users, 2, and 0 with StopAtFault, whose load rises throughout"},
		"ramp-up":     {first(func(s *loadtest.Scenario) { s.RampUpSeconds = 11 }), "loadtest.Scenarios[0].RampUpSeconds is 11, want 0 to DurationSeconds, 10, of which it is a part"},
		"graceful":    {first(func(s *loadtest.Scenario) { s.GracefulSeconds = -1 }), "loadtest.Scenarios[0].GracefulSeconds is -1, want 0 or more"},
		"deadline":    {first(func(s *loadtest.Scenario) { s.DeadlineSeconds = 20 }), "loadtest.Scenarios[0].DeadlineSeconds is 20, want above DurationSeconds, GracefulSeconds and GatherSeconds together, 20"},
		"gathering":   {first(func(s *loadtest.Scenario) { s.Generators = 2 }), "loadtest.Scenarios[0].GatherSeconds is 0, want 0 or more, and above 0 with several Generators: they wait for each other"},
		"by hand":     {first(func(s *loadtest.Scenario) { s.Suspended = false }), "loadtest.Scenarios[0].Suspended is false without Schedule, want one of the two"},
		"schedule":    {first(func(s *loadtest.Scenario) { s.Schedule = "61 * * * *" }), `loadtest.Scenarios[0].Schedule is "61 * * * *", want five fields such as "30 2 * * *"`},
		"only a zone": {first(func(s *loadtest.Scenario) { s.Schedule = "TZ=" }), `loadtest.Scenarios[0].Schedule is "TZ=", want five fields such as "30 2 * * *"`},
		"a time zone": {first(func(s *loadtest.Scenario) { s.Schedule = "TZ=Asia/Tokyo 1 1 * * *" }), `loadtest.Scenarios[0].Schedule is "TZ=Asia/Tokyo 1 1 * * *", want five fields such as "30 2 * * *"`},
		"production": {func(a *loadtest.Args) {
			a.Production, a.Scenarios[0].Suspended, a.Scenarios[0].Schedule = true, false, "0 3 * * *"
		}, `loadtest.Scenarios[0].Schedule is "0 3 * * *" in production, want none, or AllowProduction`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallLoadTest()
			c.change(&args)
			wantFault(t, declareLoadTest(args), c.want)
		})
	}
}

func TestLoadTestReportsAllFaultsAtOnce(t *testing.T) {
	args := smallLoadTest()
	args.Namespace, args.Image, args.Scenarios[0].Users = "", "", -1
	wantFaultsOf(t, declareLoadTest(args), "loadtest", "Namespace", "Image", "Scenarios[0].Users")
}

func TestLoadTestMayLoadProductionOnScheduleWithPermission(t *testing.T) {
	args := loadTestShapes["prod"]()
	args.AllowProduction, args.Scenarios[0].Suspended, args.Scenarios[0].Schedule = true, false, "@daily"
	graph.Run(t, "prod", declareLoadTest(args))
}

func TestLoadTestFirstPreviewNeedsNothingKnown(t *testing.T) {
	graph.Preview(t, "prod", declareLoadTest(loadTestShapes["prod"]()))
}
