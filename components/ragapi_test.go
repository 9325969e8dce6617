package components_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/ragapi"
)

const (
	deploymentType = "kubernetes:apps/v1:Deployment"
	hpaType        = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
)

// smallAPI is valid, with everything optional left out.
func smallAPI() ragapi.Args {
	return ragapi.Args{
		Namespace: "rag", ClusterName: pulumi.String("platform"), Region: "eu-central-1",
		Tag:  "1.0.0",
		Port: 8080, MetricsPort: 9090,
		Requests: ragapi.Resources{CPU: "100m", Memory: "128Mi"}, Limits: ragapi.Resources{Memory: "256Mi"},
		HPA: ragapi.HPA{Min: 3, Max: 20, CPUPercent: 70, MemoryPercent: 80}, PoolSize: 5,
		Worker: ragapi.Worker{
			Requests: ragapi.Resources{CPU: "100m", Memory: "128Mi"}, Limits: ragapi.Resources{Memory: "256Mi"},
			HPA: ragapi.HPA{Min: 1, Max: 4, CPUPercent: 70}, PoolSize: 4,
		},
		SurgePercent: 25, DrainSeconds: 20, LogLevel: "info",
		Report: ragapi.ReportLimits{SlowStatementMillis: 500, LongTransactionMillis: 60_000, ReplicaLagMillis: 3000},
		Database: ragapi.Database{
			Host: pulumi.String("db.example"), Port: pulumi.Int(5432), Name: pulumi.String("ragscale"),
			User: pulumi.String("ragscale"), Password: pulumi.String("correct-horse-battery"),
		},
		VPCID: pulumi.String("vpc-1"), VPCCIDR: "10.0.0.0/16", Subnets: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		NodeSecurityGroupID: pulumi.String("sg-nodes"),
		ListenerPort:        80, IngressCIDRs: []string{"0.0.0.0/0"},
	}
}

var apiShapes = map[string]func() ragapi.Args{
	"local": func() ragapi.Args {
		a := smallAPI()
		a.Tag, a.Image = "", pulumi.String("ragscale/ragapi:local")
		a.ListenerPort = 8080
		a.DrainSeconds = 4
		a.HPA.ScaleDown = ragapi.ScaleDown{StabilizationSeconds: 30, Percent: 50, PeriodSeconds: 15}
		return a
	},
	"dev": func() ragapi.Args {
		a := smallAPI()
		a.IngressCIDRs = []string{"192.0.2.0/24"}
		a.RateLimit = ragapi.RateLimit{RequestsPerSecond: 5, Burst: 10}
		a.Tags = map[string]string{"stack": "dev"}
		return a
	},
	"prod": func() ragapi.Args {
		a := smallAPI()
		a.Subnets = pulumi.ToStringArray([]string{"subnet-a", "subnet-b", "subnet-c"})
		a.Internal, a.FromEdge, a.EdgePrefixListID, a.IngressCIDRs = true, true, pulumi.String("pl-edge"), nil
		a.FromNodes = true
		a.ListenerPort = 443
		a.CertificateARN = "arn:aws:acm:eu-central-1:123456789012:certificate/0123abcd-0000-1111-2222-333344445555"
		a.Requests, a.Limits = ragapi.Resources{CPU: "500m", Memory: "512Mi"}, ragapi.Resources{CPU: "2", Memory: "1Gi"}
		a.VerticalAutoscaling.API = ragapi.VerticalAutoscaling{Mode: "Off", Resources: []string{"cpu", "memory"}}
		a.VerticalAutoscaling.Worker = a.VerticalAutoscaling.API
		a.NodeSelector = map[string]string{"ragscale.io/workload": "api"}
		a.PriorityClassName = "serving"
		a.Policies = map[string]pulumi.StringInput{"uploads": pulumi.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::uploads/*"}]}`)}
		a.MetricsNamespaces = []string{"observability"}
		a.QueryLogRetentionDays = 90
		a.Auth = &ragapi.Auth{Issuer: "https://login.example.com/rag", Audience: "rag", JWKSURL: "https://keys.example.com:8443/jwks", UserClaim: "email"}
		a.RateLimit = ragapi.RateLimit{RequestsPerSecond: 50, Burst: 100}
		withDataTier(&a)
		a.DeletionProtection = true
		a.Tags = map[string]string{"stack": "prod", "cost-centre": "search"}
		return a
	},
}

// withDataTier adds what may stand beside the database.
func withDataTier(a *ragapi.Args) {
	a.Database.Pooler = &ragapi.Pooler{
		Host: pulumi.String("pgbouncer.rag"), Port: pulumi.Int(6432), Database: pulumi.String("ragscale"), ReadOnlyDatabase: pulumi.String("ragscale_ro"),
	}
	a.Cache = &ragapi.Cache{Host: pulumi.String("cache.example"), Port: pulumi.Int(6379), Username: pulumi.String("app"), Password: pulumi.String("staple-horse-battery")}
	a.VectorStore = &ragapi.VectorStore{URL: pulumi.String("http://chroma.vectors:8000"), Namespace: pulumi.String("vectors"), Port: pulumi.Int(8000)}
}

func declareAPI(args ragapi.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "cluster", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		api, err := ragapi.New(ctx, "api", args, pulumi.Providers(provider))
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"url": api.URL, "loadBalancerArn": api.LoadBalancerARN, "loadBalancerArnSuffix": api.LoadBalancerARNSuffix,
			"targetGroupArn": api.TargetGroupARN, "targetGroupArnSuffix": api.TargetGroupARNSuffix,
			"repositoryUrl": api.RepositoryURL, "namespace": api.Namespace, "deploymentName": api.DeploymentName,
			"securityGroupId": api.SecurityGroupID, "roleArn": api.RoleARN,
		})
	}
}

func TestAPIGraph(t *testing.T) {
	wantGraphs(t, "ragapi", apiShapes, declareAPI)
}

func TestAPIFaultsNameTheField(t *testing.T) {
	certificate := "arn:aws:acm:eu-central-1:123456789012:certificate/0123abcd"
	cases := map[string]struct {
		change func(*ragapi.Args)
		want   string
	}{
		"cluster": {func(a *ragapi.Args) { a.ClusterName = nil },
			"ragapi.ClusterName is missing, want a value from the component that has it"},
		"database": {func(a *ragapi.Args) { a.Database.Password = nil },
			"ragapi.Database.Password is missing, want a value from the component that has it"},
		"pooler": {func(a *ragapi.Args) { withDataTier(a); a.Database.Pooler.Database = nil },
			"ragapi.Database.Pooler.Database is missing, want a value from the component that has it"},
		"cache": {func(a *ragapi.Args) { withDataTier(a); a.Cache.Password = nil },
			"ragapi.Cache.Password is missing, want a value from the component that has it"},
		"vector store": {func(a *ragapi.Args) { withDataTier(a); a.VectorStore.URL = nil },
			"ragapi.VectorStore.URL is missing, want a value from the component that has it"},
		"retention": {func(a *ragapi.Args) { a.QueryLogRetentionDays = -1 },
			"ragapi.QueryLogRetentionDays is -1, want 0 to 3650"},
		"no slow statement": {func(a *ragapi.Args) { a.Report.SlowStatementMillis = 0 },
			"ragapi.Report.SlowStatementMillis is 0, want 1 to 3600000"},
		"short transaction": {func(a *ragapi.Args) { a.Report.LongTransactionMillis = 999 },
			"ragapi.Report.LongTransactionMillis is 999, want 1000 to 86400000"},
		"no lag": {func(a *ragapi.Args) { a.Report.ReplicaLagMillis = 0 },
			"ragapi.Report.ReplicaLagMillis is 0, want 1 to 3600000"},
		"replicas beyond RDS": {func(a *ragapi.Args) { a.Report.Replicas = 16 },
			"ragapi.Report.Replicas is 16, want 0 to 15"},
		"policy": {func(a *ragapi.Args) { a.Policies = map[string]pulumi.StringInput{"s3": nil} },
			"ragapi.Policies[s3] is missing, want a value from the component that has it"},
		"one subnet": {func(a *ragapi.Args) { a.Subnets = a.Subnets[:1] },
			"ragapi.Subnets has 1, want 2 or more, each in a zone of its own"},
		"no image": {func(a *ragapi.Args) { a.Tag = "" },
			"ragapi.Tag is empty without Image, want one of the two"},
		"two images": {func(a *ragapi.Args) { a.Image = pulumi.String("registry/image:1") },
			`ragapi.Tag is "1.0.0" with Image, want one of the two`},
		"tag": {func(a *ragapi.Args) { a.Tag = "a b" },
			`ragapi.Tag is "a b", want letters, digits, dots, hyphens and underscores, at most 128`},
		"moving tag": {func(a *ragapi.Args) { a.Tag = "latest" },
			`ragapi.Tag is "latest", want one that names a build: tags are immutable`},
		"namespace": {func(a *ragapi.Args) { a.Namespace = "Rag" },
			`ragapi.Namespace is "Rag", want at most 63 lower-case letters, digits and hyphens`},
		"shared namespace": {func(a *ragapi.Args) { a.Namespace = "kube-system" },
			`ragapi.Namespace is "kube-system", want one of its own: it is created and deleted here`},
		"region": {func(a *ragapi.Args) { a.Region = "Frankfurt" },
			`ragapi.Region is "Frankfurt", want an AWS region such as eu-central-1`},
		"privileged port": {func(a *ragapi.Args) { a.Port = 80 },
			"ragapi.Port is 80, want 1024 to 65535"},
		"one port for both": {func(a *ragapi.Args) { a.MetricsPort = 8080 },
			"ragapi.MetricsPort is 8080 like Port, want another: metrics and profiles are not for clients"},
		"surge": {func(a *ragapi.Args) { a.SurgePercent = 0 },
			"ragapi.SurgePercent is 0, want 1 to 100"},
		"drain": {func(a *ragapi.Args) { a.DrainSeconds = 1 },
			"ragapi.DrainSeconds is 1, want 2 to 600"},
		"log level": {func(a *ragapi.Args) { a.LogLevel = "loud" },
			`ragapi.LogLevel is "loud", want one of debug, info, warn, error`},
		"issuer without TLS": {func(a *ragapi.Args) { a.Auth = &ragapi.Auth{Issuer: "http://login.example.com", Audience: "rag"} },
			`ragapi.Auth.Issuer is "http://login.example.com", want a URL with https`},
		"no issuer, no audience": {func(a *ragapi.Args) { a.Auth = &ragapi.Auth{JWKSURL: "keys"} },
			"ragapi.Auth.Issuer is \"\", want a URL with https\nragapi.Auth.JWKSURL is \"keys\", want a URL with https\n" +
				"ragapi.Auth.Audience is empty, want what the tokens name in aud"},
		"rate limit": {func(a *ragapi.Args) { a.RateLimit = ragapi.RateLimit{RequestsPerSecond: 5} },
			"ragapi.RateLimit.Burst is 0, want 1 to 1000000"},
		"no replicas": {func(a *ragapi.Args) { a.HPA.Min = 0 },
			"ragapi.HPA.Min is 0, want 1 or more"},
		"fewer at most": {func(a *ragapi.Args) { a.HPA.Max = 2 },
			"ragapi.HPA.Max is 2 with Min 3, want no less"},
		"cpu target": {func(a *ragapi.Args) { a.HPA.CPUPercent = 100 },
			"ragapi.HPA.CPUPercent is 100, want 1 to 95"},
		"memory target": {func(a *ragapi.Args) { a.Worker.HPA.MemoryPercent = -1 },
			"ragapi.Worker.HPA.MemoryPercent is -1, want 1 to 95, or 0 for CPU alone"},
		"scale-down period": {func(a *ragapi.Args) { a.HPA.ScaleDown.PeriodSeconds = 1801 },
			"ragapi.HPA.ScaleDown.PeriodSeconds is 1801, want 0 to 1800"},
		"no pool": {func(a *ragapi.Args) { a.PoolSize = 0 },
			"ragapi.PoolSize is 0, want 1 or more"},
		"pool without a place for a job": {func(a *ragapi.Args) { a.Worker.PoolSize = 2 },
			"ragapi.Worker.PoolSize is 2, want 3 or more: the queue takes 2"},
		"name": {func(a *ragapi.Args) { a.MetricsNamespaces = []string{"Monitoring"} },
			`ragapi.MetricsNamespaces[0] is "Monitoring", want at most 63 lower-case letters, digits and hyphens`},
		"cpu limit below request": {func(a *ragapi.Args) { a.Limits.CPU = "50m" },
			"ragapi.Limits.CPU is 50m with Requests.CPU 100m, want no less"},
		"too many clients": {func(a *ragapi.Args) { a.IngressCIDRs = addresses(61) },
			"ragapi.IngressCIDRs has 61 for 1 listeners, want at most 60: a security group takes 60 rules"},
		"no request": {func(a *ragapi.Args) { a.Requests.CPU = "" },
			`ragapi.Requests.CPU is "", want a quantity above 0 such as 250m or 512Mi`},
		"no memory limit": {func(a *ragapi.Args) { a.Worker.Limits.Memory = "" },
			`ragapi.Worker.Limits.Memory is "", want a quantity above 0 such as 250m or 512Mi`},
		"limit below request": {func(a *ragapi.Args) { a.Limits.Memory = "64Mi" },
			"ragapi.Limits.Memory is 64Mi with Requests.Memory 128Mi, want no less"},
		"network": {func(a *ragapi.Args) { a.VPCCIDR = "10.0.0.1/16" },
			`ragapi.VPCCIDR is "10.0.0.1/16", want 10.0.0.0/16: no host bits`},
		"nobody": {func(a *ragapi.Args) { a.IngressCIDRs = nil },
			"ragapi.IngressCIDRs is empty without FromEdge, want who may reach the listener"},
		"edge without addresses": {func(a *ragapi.Args) { a.FromEdge = true },
			"ragapi.EdgePrefixListID is missing, want a value from the component that has it"},
		"too many beside the edge": {func(a *ragapi.Args) {
			a.FromEdge, a.EdgePrefixListID, a.IngressCIDRs = true, pulumi.String("pl-1"), addresses(6)
		},
			"ragapi.IngressCIDRs has 6 for 1 listeners, want at most 5: a security group takes 5 rules"},
		"too many beside the edge and the nodes": {func(a *ragapi.Args) {
			a.FromEdge, a.EdgePrefixListID, a.FromNodes, a.IngressCIDRs = true, pulumi.String("pl-1"), true, addresses(5)
		},
			"ragapi.IngressCIDRs has 5 for 1 listeners, want at most 4: a security group takes 4 rules"},
		"not ipv4": {func(a *ragapi.Args) { a.IngressCIDRs = []string{"::/0"} },
			`ragapi.IngressCIDRs[0] is "::/0", want an IPv4 range such as 203.0.113.0/24`},
		"twice": {func(a *ragapi.Args) { a.IngressCIDRs = []string{"0.0.0.0/0", "0.0.0.0/0"} },
			`ragapi.IngressCIDRs has "0.0.0.0/0" twice, want it once`},
		"https without certificate": {func(a *ragapi.Args) { a.ListenerPort = 443 },
			"ragapi.ListenerPort is 443 without CertificateARN, want a certificate or another port"},
		"http port with certificate": {func(a *ragapi.Args) { a.CertificateARN = certificate },
			"ragapi.ListenerPort is 80 with CertificateARN, want another: that port redirects to it"},
		"certificate elsewhere": {func(a *ragapi.Args) {
			a.ListenerPort, a.CertificateARN = 443, strings.Replace(certificate, "eu-central-1", "us-east-1", 1)
		}, "ragapi.CertificateARN is in us-east-1, want the load balancer's region eu-central-1"},
		"no certificate": {func(a *ragapi.Args) { a.ListenerPort, a.CertificateARN = 443, "arn:aws:iam::1:server-certificate/x" },
			`ragapi.CertificateARN is "arn:aws:iam::1:server-certificate/x", want the ARN of an ACM certificate`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallAPI()
			c.change(&args)
			wantFault(t, declareAPI(args), c.want)
		})
	}
}

func TestAPIReportsAllFaultsAtOnce(t *testing.T) {
	args := smallAPI()
	args.Namespace, args.HPA.Min, args.ListenerPort = "", -1, 0
	wantFaultsOf(t, declareAPI(args), "ragapi", "Namespace", "HPA.Min", "ListenerPort")
}

func TestAPIReplicasBelongToTheAutoscaler(t *testing.T) {
	g := graph.Run(t, "prod", declareAPI(apiShapes["prod"]()))
	for _, deployment := range g.OfType(deploymentType) {
		if replicas := deployment.Input("spec.replicas"); replicas != nil {
			t.Errorf("%s has replicas %v, want none", deployment.Name, replicas)
		}
		if hpa := g.Find(hpaType, deployment.Name).Input("spec.scaleTargetRef.name"); hpa != deployment.Input("metadata.name") {
			t.Errorf("the autoscaler of %s aims at %v", deployment.Name, hpa)
		}
	}
}

// The vertical autoscaler must not act on what the horizontal one acts on.
func TestAPIVerticalAutoscalerOnlyRecommends(t *testing.T) {
	g := graph.Run(t, "prod", declareAPI(apiShapes["prod"]()))
	autoscalers := g.OfType("kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler")
	if len(autoscalers) != 2 {
		t.Fatalf("%d vertical autoscalers, want 2", len(autoscalers))
	}
	for _, vpa := range autoscalers {
		if mode := vpa.Input("spec.updatePolicy.updateMode"); mode != "Off" {
			t.Errorf("%s has update mode %v, want Off", vpa.Name, mode)
		}
	}
}

func TestAPIPodOutlivesItsDeregistration(t *testing.T) {
	for _, seconds := range []int{2, 3, 10, 30, 31, 600} {
		args := smallAPI()
		args.DrainSeconds = seconds
		g := graph.Run(t, "dev", declareAPI(args))
		pod := g.Find(deploymentType, "api")
		preStop := number(t, pod, "spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds")
		grace := number(t, pod, "spec.template.spec.terminationGracePeriodSeconds")
		deregistration := number(t, g.Find("aws:lb/targetGroup:TargetGroup", "api"), "deregistrationDelay")
		if drain := float64(seconds); deregistration >= drain || preStop < 1 || preStop+drain >= grace {
			t.Errorf("drain %d: deregistration %v, preStop %v, grace %v", seconds, deregistration, preStop, grace)
		}
	}
}

func addresses(n int) []string {
	var cidrs []string
	for i := range n {
		cidrs = append(cidrs, fmt.Sprintf("192.0.2.%d/32", i))
	}
	return cidrs
}

func number(t *testing.T, r graph.Resource, path string) float64 {
	t.Helper()
	n, ok := r.Input(path).(float64)
	if !ok {
		t.Fatalf("%s: %s is %v, want a number", r.Path, path, r.Input(path))
	}
	return n
}

func TestAPIAddressLeavesOutTheSchemesOwnPort(t *testing.T) {
	certificate := apiShapes["prod"]().CertificateARN
	for _, c := range []struct {
		port        int
		certificate string
		want        string
	}{
		{80, "", "http://HOST"}, {8080, "", "http://HOST:8080"},
		{443, certificate, "https://HOST"}, {8443, certificate, "https://HOST:8443"},
	} {
		args := smallAPI()
		args.ListenerPort, args.CertificateARN = c.port, c.certificate
		g := graph.Run(t, "dev", declareAPI(args))
		want := strings.Replace(c.want, "HOST", "loadBalancer/api#dnsName", 1)
		if got := g.Find("graph:index:Outputs", "outputs").Input("url"); got != want {
			t.Errorf("port %d, certificate %q: address is %v, want %s", c.port, c.certificate, got, want)
		}
	}
}

func TestAPIPasswordsAreOnlyInTheSecrets(t *testing.T) {
	args := smallAPI()
	withDataTier(&args)
	g := graph.Run(t, "dev", declareAPI(args))
	if !g.Find("kubernetes:core/v1:Secret", "api-cache").IsSecret("data") {
		t.Error("the cache's Secret's data is plain in the state")
	}
	if !g.Find("kubernetes:core/v1:Secret", "api-database").IsSecret("data") {
		t.Error("the Secret's data is plain in the state")
	}
	if !g.Find(deploymentType, "api").IsSecret("spec") {
		t.Error("the digest of the password is plain in the state")
	}
	text := g.Text()
	for _, leak := range []string{"correct-horse-battery", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "staple-horse-battery", "c3RhcGxlLWhvcnNlLWJhdHRlcnk="} {
		if strings.Contains(text, leak) {
			t.Errorf("%s is in the graph's text", leak)
		}
	}
}

func TestAPIPodsRollWhenTheDatabasesCoordinatesChange(t *testing.T) {
	annotation := `spec.template.metadata.annotations["ragscale.io/config-digest"]`
	digests := map[any]string{}
	for name, change := range map[string]func(*ragapi.Database){
		"nothing":  func(*ragapi.Database) {},
		"host":     func(d *ragapi.Database) { d.Host = pulumi.String("other.example") },
		"password": func(d *ragapi.Database) { d.Password = pulumi.String("another-horse-battery") },
		"ca file":  func(d *ragapi.Database) { d.CAFile = "/etc/ssl/ca.pem" },
		"pooler":   func(d *ragapi.Database) { d.Pooler.Host = pulumi.String("other.rag") },
		"replicas": func(d *ragapi.Database) { d.Pooler.ReadOnlyDatabase = nil },
	} {
		args := smallAPI()
		withDataTier(&args)
		change(&args.Database)
		digest := graph.Run(t, "dev", declareAPI(args)).Find(deploymentType, "api").Input(annotation)
		if other, taken := digests[digest]; taken || digest == nil {
			t.Errorf("digest %v after a change of %s is that of %q", digest, name, other)
		}
		digests[digest] = name
	}
}

func TestAPIPodsRollWhenTheCachesCoordinatesChange(t *testing.T) {
	annotation := `spec.template.metadata.annotations["ragscale.io/config-digest"]`
	var digests []any
	for _, password := range []string{"staple-horse-battery", "another-horse-battery"} {
		args := smallAPI()
		withDataTier(&args)
		args.Cache.Password = pulumi.String(password)
		digests = append(digests, graph.Run(t, "dev", declareAPI(args)).Find(deploymentType, "api").Input(annotation))
	}
	if digests[0] == digests[1] {
		t.Errorf("the digest stays %v", digests[0])
	}
}

func TestAPIPodsMayReachTheDataTier(t *testing.T) {
	args := smallAPI()
	withDataTier(&args)
	text := graph.Run(t, "dev", declareAPI(args)).Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-egress").Text()
	for _, port := range []string{"5432", "6432", "6379", "8000"} {
		if !strings.Contains(text, "port: "+port) {
			t.Errorf("no way out to port %s:\n%s", port, text)
		}
	}
}

func TestAPICronJobsNeverRunTwiceAtOnce(t *testing.T) {
	g := graph.Run(t, "dev", declareAPI(smallAPI()))
	for name, command := range map[string]string{"api-upkeep": "upkeep", "api-report": "report"} {
		job := g.Find("kubernetes:batch/v1:CronJob", name)
		want := map[string]any{
			"spec.concurrencyPolicy":                                              "Forbid",
			"spec.jobTemplate.spec.template.spec.restartPolicy":                   "Never",
			"spec.jobTemplate.spec.template.spec.securityContext.runAsNonRoot":    true,
			"spec.jobTemplate.spec.template.spec.containers[0].args[0]":           command,
			"spec.jobTemplate.spec.template.spec.containers[0].livenessProbe":     nil,
			"spec.jobTemplate.spec.template.spec.containers[0].lifecycle.preStop": nil,
		}
		for _, path := range slices.Sorted(maps.Keys(want)) {
			if got := job.Input(path); got != want[path] {
				t.Errorf("%s: %s is %v, want %v", name, path, got, want[path])
			}
		}
		for _, bound := range []string{"spec.jobTemplate.spec.activeDeadlineSeconds", "spec.startingDeadlineSeconds", "spec.successfulJobsHistoryLimit", "spec.failedJobsHistoryLimit"} {
			if number(t, job, bound) < 1 {
				t.Errorf("%s: %s is not bounded", name, bound)
			}
		}
	}
}

func TestAPIReportJudgesByTheArguments(t *testing.T) {
	args := smallAPI()
	args.QueryLogRetentionDays = 7
	args.Report = ragapi.ReportLimits{SlowStatementMillis: 250, LongTransactionMillis: 120_000, ReplicaLagMillis: 1500, Replicas: 2}
	text := graph.Run(t, "dev", declareAPI(args)).Find("kubernetes:batch/v1:CronJob", "api-report").Text()
	for name, value := range map[string]string{
		"QUERY_LOG_RETENTION": "168h", "REPORT_SLOW_STATEMENT": "250ms", "REPORT_LONG_TRANSACTION": "120000ms", "REPORT_REPLICA_LAG": "1500ms", "REPORT_REPLICAS": "2",
	} {
		if !regexp.MustCompile(`name: "` + name + `"\s+value: "` + value + `"`).MatchString(text) {
			t.Errorf("%s is not %s:\n%s", name, value, text)
		}
	}
}

// Admission decides about a pod's identity and readiness gate when the pod is created.
func TestAPIPodsComeAfterTheirBinding(t *testing.T) {
	g := graph.Run(t, "dev", declareAPI(smallAPI()))
	after := strings.Join(g.Find(deploymentType, "api").DependsOn, "\n")
	for _, needed := range []string{"TargetGroupBinding api", "PodIdentityAssociation api", "NetworkPolicy api-default-deny"} {
		if !strings.Contains(after, needed) {
			t.Errorf("pods do not wait for %s, only for:\n%s", needed, after)
		}
	}
}

func TestAPIContainersAreRestricted(t *testing.T) {
	g := graph.Run(t, "prod", declareAPI(apiShapes["prod"]()))
	pod := "spec.template.spec."
	want := map[string]any{
		pod + "securityContext.runAsNonRoot":                           true,
		pod + "securityContext.seccompProfile.type":                    "RuntimeDefault",
		pod + "automountServiceAccountToken":                           false,
		pod + "containers[0].securityContext.allowPrivilegeEscalation": false,
		pod + "containers[0].securityContext.readOnlyRootFilesystem":   true,
		pod + "containers[0].securityContext.capabilities.drop[0]":     "ALL",
		pod + "containers[0].securityContext.capabilities.add":         nil,
		pod + "hostNetwork": nil,
	}
	for _, deployment := range g.OfType(deploymentType) {
		for _, path := range slices.Sorted(maps.Keys(want)) {
			if got := deployment.Input(path); got != want[path] {
				t.Errorf("%s: %s is %v, want %v", deployment.Name, path, got, want[path])
			}
		}
	}
}

func TestAPIWorkerTakesAJobPerSpareConnection(t *testing.T) {
	args := smallAPI()
	args.Worker.PoolSize = 7
	text := graph.Run(t, "dev", declareAPI(args)).Find(deploymentType, "api-worker").Text()
	if want := "name: \"WORKER_CONCURRENCY\"\n                value: \"5\""; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
}

func TestAPINameFitsAWSsNames(t *testing.T) {
	wantNames(t, "ragapi", 24, func(ctx *pulumi.Context, name string) error {
		_, err := ragapi.New(ctx, name, smallAPI())
		return err
	})
}

func TestAPIFirstPreviewNeedsNothingKnown(t *testing.T) {
	graph.Preview(t, "prod", declareAPI(apiShapes["prod"]()))
}
