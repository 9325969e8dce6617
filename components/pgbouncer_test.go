package components_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/pgbouncer"
)

// smallPooler is valid, with everything optional left out.
func smallPooler() pgbouncer.Args {
	return pgbouncer.Args{
		Namespace: pulumi.String("rag"),
		Image:     "registry.example/pgbouncer:1.25.2",
		CA:        pgbouncer.CA{Image: pulumi.String("registry.example/agentic-rag-api:1.0.0"), Args: []string{"ca-bundle", "--to"}},
		Database: pgbouncer.Database{
			Host: pulumi.String("db.example"), Port: pulumi.Int(5432), Name: pulumi.String("ragscale"),
			User: pulumi.String("ragscale"), Password: pulumi.String(`correct-"horse-battery`),
		},
		Pools: pgbouncer.Pools{ReadWrite: 4, ReadOnly: 6, MaxClientConnections: 200}, QueryWaitSeconds: 2,
		Requests: pgbouncer.Resources{CPU: "50m", Memory: "32Mi"}, Limits: pgbouncer.Resources{Memory: "64Mi"},
		HPA: pgbouncer.HPA{Min: 2, Max: 3, CPUPercent: 70}, DrainSeconds: 2,
		Clients: []pgbouncer.Client{{Namespace: "rag", Name: "agentic-rag-api"}},
		VPCCIDR: "10.0.0.0/16",
	}
}

var poolerShapes = map[string]func() pgbouncer.Args{
	"local": func() pgbouncer.Args {
		a := smallPooler()
		a.Database.ReplicaHosts = pulumi.ToStringArray([]string{"replica-1.example"})
		a.HPA.StabilizationSeconds = 15
		return a
	},
	"dev": smallPooler,
	"prod": func() pgbouncer.Args {
		a := smallPooler()
		a.Database.ReplicaHosts = pulumi.ToStringArray([]string{"replica-1.example", "replica-2.example"})
		a.ExporterImage = "registry.example/pgbouncer-exporter:0.11.0"
		a.Pools = pgbouncer.Pools{ReadWrite: 30, ReadOnly: 60, MaxClientConnections: 2000}
		a.Requests, a.Limits = pgbouncer.Resources{CPU: "500m", Memory: "128Mi"}, pgbouncer.Resources{CPU: "1", Memory: "256Mi"}
		a.HPA.Max, a.DrainSeconds = 6, 90
		a.VerticalAutoscaling = pgbouncer.VerticalAutoscaling{
			Mode: "InPlaceOrRecreate", Resources: []string{"memory"}, Min: pgbouncer.Resources{Memory: "64Mi"}, Max: pgbouncer.Resources{Memory: "256Mi"},
		}
		a.NodeSelector, a.PriorityClassName = map[string]string{"ragscale.io/workload": "api"}, "serving"
		a.Clients = append(a.Clients, pgbouncer.Client{Namespace: "rag", Name: "agentic-rag-worker"}, pgbouncer.Client{Namespace: "jobs"})
		a.MetricsNamespaces = []string{"observability"}
		return a
	},
}

func declarePooler(args pgbouncer.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "cluster", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		p, err := pgbouncer.New(ctx, "rag", args, pulumi.Providers(provider))
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"host": p.Host, "port": p.Port, "database": p.Database, "readOnlyDatabase": p.ReadOnlyDatabase,
		})
	}
}

func TestPoolerGraph(t *testing.T) {
	wantGraphs(t, "pgbouncer", poolerShapes, declarePooler)
}

func poolerINI(t *testing.T, args pgbouncer.Args) string {
	t.Helper()
	config := graph.Run(t, "dev", declarePooler(args)).Find("kubernetes:core/v1:ConfigMap", "rag-pgbouncer")
	text, ok := config.Input(`data["pgbouncer.ini"]`).(string)
	if !ok {
		t.Fatalf("the ConfigMap has no pgbouncer.ini:\n%s", config.Text())
	}
	return text
}

func TestPoolerConfiguration(t *testing.T) {
	graph.Golden(t, "testdata/pgbouncer.ini.golden", poolerINI(t, poolerShapes["prod"]()))
}

func TestPoolerReadsFromThePrimaryWithoutReplicas(t *testing.T) {
	ini := poolerINI(t, smallPooler())
	if want := "\nragscale_ro = host=db.example port=5432 dbname=ragscale "; !strings.Contains(ini, want) {
		t.Errorf("no %q in\n%s", want, ini)
	}
}

func TestPoolerFaultsNameTheField(t *testing.T) {
	cases := map[string]struct {
		change func(*pgbouncer.Args)
		want   string
	}{
		"namespace": {func(a *pgbouncer.Args) { a.Namespace = nil },
			"pgbouncer.Namespace is missing, want a value from the component that has it"},
		"password": {func(a *pgbouncer.Args) { a.Database.Password = nil },
			"pgbouncer.Database.Password is missing, want a value from the component that has it"},
		"replica": {func(a *pgbouncer.Args) { a.Database.ReplicaHosts = pulumi.StringArray{nil} },
			"pgbouncer.Database.ReplicaHosts[0] is missing, want a value from the component that has it"},
		"image": {func(a *pgbouncer.Args) { a.Image = "registry.example:5000/pgbouncer" },
			`pgbouncer.Image is "registry.example:5000/pgbouncer", want a tag that names a version: what runs must not change by itself`},
		"exporter image": {func(a *pgbouncer.Args) { a.ExporterImage = "exporter" },
			`pgbouncer.ExporterImage is "exporter", want a tag that names a version: what runs must not change by itself`},
		"authorities": {func(a *pgbouncer.Args) { a.CA.Args = nil },
			"pgbouncer.CA.Args is empty, want those that make the image copy its bundle"},
		"no pool": {func(a *pgbouncer.Args) { a.Pools.ReadWrite = 0 },
			"pgbouncer.Pools.ReadWrite is 0, want 1 or more"},
		"pool smaller than the replicas": {func(a *pgbouncer.Args) {
			a.Database.ReplicaHosts, a.Pools.ReadOnly = pulumi.ToStringArray([]string{"a", "b", "c"}), 2
		}, "pgbouncer.Pools.ReadOnly is 2, want 3 or more: one for each replica"},
		"fewer clients than servers": {func(a *pgbouncer.Args) { a.Pools.MaxClientConnections = 9 },
			"pgbouncer.Pools.MaxClientConnections is 9 with 10 connections to servers, want no less"},
		"endless wait": {func(a *pgbouncer.Args) { a.QueryWaitSeconds = 0 },
			"pgbouncer.QueryWaitSeconds is 0, want 2 to 600"},
		"single pod": {func(a *pgbouncer.Args) { a.HPA.Min = 1 },
			"pgbouncer.HPA.Min is 1, want 2 or more: every request passes here"},
		"fewer at most": {func(a *pgbouncer.Args) { a.HPA.Max = 1 },
			"pgbouncer.HPA.Max is 1 with Min 2, want no less"},
		"cpu target": {func(a *pgbouncer.Args) { a.HPA.CPUPercent = 100 },
			"pgbouncer.HPA.CPUPercent is 100, want 1 to 95"},
		"stabilization": {func(a *pgbouncer.Args) { a.HPA.StabilizationSeconds = -1 },
			"pgbouncer.HPA.StabilizationSeconds is -1, want 0 to 3600"},
		"drain": {func(a *pgbouncer.Args) { a.DrainSeconds = 301 },
			"pgbouncer.DrainSeconds is 301, want 1 to 300"},
		"two cores": {func(a *pgbouncer.Args) { a.Requests.CPU = "1500m" },
			"pgbouncer.Requests.CPU is 1500m, want at most 1: PgBouncer runs on one core"},
		"no request": {func(a *pgbouncer.Args) { a.Requests.Memory = "" },
			`pgbouncer.Requests.Memory is "", want a quantity above 0 such as 250m or 512Mi`},
		"limit below request": {func(a *pgbouncer.Args) { a.Requests.Memory = "65Mi" },
			"pgbouncer.Limits.Memory is 64Mi with Requests.Memory 65Mi, want no less"},
		"cpu limit below request": {func(a *pgbouncer.Args) { a.Limits.CPU = "10m" },
			"pgbouncer.Limits.CPU is 10m with Requests.CPU 50m, want no less"},
		"memory for the pools": {func(a *pgbouncer.Args) { a.Pools.ReadOnly = 60 },
			"pgbouncer.Limits.Memory is 64Mi, want 82Mi or more for 64 connections to servers and 200 clients"},
		"nobody": {func(a *pgbouncer.Args) { a.Clients = nil },
			"pgbouncer.Clients is empty, want who may connect"},
		"client's namespace": {func(a *pgbouncer.Args) { a.Clients[0].Namespace = "" },
			`pgbouncer.Clients[0].Namespace is "", want at most 63 lower-case letters, digits and hyphens`},
		"client's name": {func(a *pgbouncer.Args) { a.Clients[0].Name = "The API" },
			`pgbouncer.Clients[0].Name is "The API", want a value of the label app.kubernetes.io/name`},
		"scraper": {func(a *pgbouncer.Args) { a.MetricsNamespaces = []string{"Monitoring"} },
			`pgbouncer.MetricsNamespaces[0] is "Monitoring", want at most 63 lower-case letters, digits and hyphens`},
		"network": {func(a *pgbouncer.Args) { a.VPCCIDR = "10.0.0.1/16" },
			`pgbouncer.VPCCIDR is "10.0.0.1/16", want 10.0.0.0/16: no host bits`},
		"not ipv4": {func(a *pgbouncer.Args) { a.VPCCIDR = "::/0" },
			`pgbouncer.VPCCIDR is "::/0", want an IPv4 range such as 10.0.0.0/16`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallPooler()
			c.change(&args)
			wantFault(t, declarePooler(args), c.want)
		})
	}
}

func TestPoolerReportsAllFaultsAtOnce(t *testing.T) {
	args := smallPooler()
	args.Namespace, args.HPA.Min, args.Clients = nil, 0, nil
	wantFaultsOf(t, declarePooler(args), "pgbouncer", "Namespace", "HPA.Min", "Clients")
}

func TestPoolerReplicasBelongToTheAutoscaler(t *testing.T) {
	g := graph.Run(t, "prod", declarePooler(poolerShapes["prod"]()))
	deployment := g.Find(deploymentType, "rag-pgbouncer")
	if replicas := deployment.Input("spec.replicas"); replicas != nil {
		t.Errorf("the Deployment has replicas %v, want none", replicas)
	}
	if hpa := g.Find(hpaType, "rag-pgbouncer").Input("spec.scaleTargetRef.name"); hpa != deployment.Input("metadata.name") {
		t.Errorf("the autoscaler aims at %v", hpa)
	}
}

func TestPoolerPodsRollWhenWhatTheyReadAtTheirStartChanges(t *testing.T) {
	annotation := `spec.template.metadata.annotations["ragscale.io/config-digest"]`
	digests := map[any]string{}
	for name, change := range map[string]func(*pgbouncer.Args){
		"nothing":  func(*pgbouncer.Args) {},
		"host":     func(a *pgbouncer.Args) { a.Database.Host = pulumi.String("other.example") },
		"replicas": func(a *pgbouncer.Args) { a.Database.ReplicaHosts = pulumi.ToStringArray([]string{"replica.example"}) },
		"pool":     func(a *pgbouncer.Args) { a.Pools.ReadOnly++ },
		"password": func(a *pgbouncer.Args) { a.Database.Password = pulumi.String("another-horse-battery") },
	} {
		args := smallPooler()
		change(&args)
		digest := graph.Run(t, "dev", declarePooler(args)).Find(deploymentType, "rag-pgbouncer").Input(annotation)
		if other, taken := digests[digest]; taken || digest == nil {
			t.Errorf("digest %v after a change of %s is that of %q", digest, name, other)
		}
		digests[digest] = name
	}
}

func TestPoolerPasswordIsOnlyInTheSecret(t *testing.T) {
	g := graph.Run(t, "prod", declarePooler(poolerShapes["prod"]()))
	if !g.Find("kubernetes:core/v1:Secret", "rag-pgbouncer").IsSecret("data") {
		t.Error("the Secret's data is plain in the state")
	}
	if !g.Find(deploymentType, "rag-pgbouncer").IsSecret("spec") {
		t.Error("the digest of the password is plain in the state")
	}
	if strings.Contains(g.Text(), "horse-battery") {
		t.Error("the password is in the graph's text")
	}
}

// secretKey is the decoded value of a key of a Kubernetes Secret.
func secretKey(t *testing.T, secret graph.Resource, key string) string {
	t.Helper()
	data, ok := secret.Input("data").(map[string]any)
	if !ok {
		t.Fatalf("the Secret's data is %T, want an object", secret.Input("data"))
	}
	decoded, err := base64.StdEncoding.DecodeString(fmt.Sprint(data[key]))
	if err != nil {
		t.Fatal(err)
	}
	return string(decoded)
}

func TestPoolerUserListQuotesAsPgBouncerReadsIt(t *testing.T) {
	secret := graph.Run(t, "dev", declarePooler(smallPooler())).Find("kubernetes:core/v1:Secret", "rag-pgbouncer")
	list := secretKey(t, secret, "userlist.txt")
	if want := `"ragscale" "correct-""horse-battery"` + "\n"; !strings.HasPrefix(list, want) {
		t.Errorf("the list is\n%s\nwant it to start with %s", list, want)
	}
}

// The exporter must not be able to log in to PostgreSQL with what it has.
func TestPoolerExporterDoesNotHaveTheDatabasesPassword(t *testing.T) {
	secret := graph.Run(t, "prod", declarePooler(poolerShapes["prod"]())).Find("kubernetes:core/v1:Secret", "rag-pgbouncer")
	address := secretKey(t, secret, "exporter-connection")
	if !strings.HasPrefix(address, "postgres://pgbouncer_stats:") || strings.Contains(address, "horse") {
		t.Errorf("the exporter connects to %s, want a user of its own", address)
	}
}

func TestPoolerPodOutlivesItsClients(t *testing.T) {
	for _, seconds := range []int{1, 2, 30, 300} {
		args := smallPooler()
		args.DrainSeconds = seconds
		pod := graph.Run(t, "dev", declarePooler(args)).Find(deploymentType, "rag-pgbouncer")
		preStop := number(t, pod, "spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds")
		grace := number(t, pod, "spec.template.spec.terminationGracePeriodSeconds")
		pace := number(t, pod, "spec.minReadySeconds")
		if drain := float64(seconds); preStop < 1 || grace <= preStop+drain || pace < drain {
			t.Errorf("drain %d: preStop %v, grace %v, a roll-out's pace %v", seconds, preStop, grace, pace)
		}
	}
}

func TestPoolerContainersAreRestricted(t *testing.T) {
	deployment := graph.Run(t, "prod", declarePooler(poolerShapes["prod"]())).Find(deploymentType, "rag-pgbouncer")
	pod := "spec.template.spec."
	want := map[string]any{
		pod + "securityContext.runAsNonRoot":        true,
		pod + "securityContext.seccompProfile.type": "RuntimeDefault",
		pod + "automountServiceAccountToken":        false,
	}
	for _, container := range []string{"initContainers[0]", "containers[0]", "containers[1]"} {
		want[pod+container+".securityContext.allowPrivilegeEscalation"] = false
		want[pod+container+".securityContext.readOnlyRootFilesystem"] = true
		want[pod+container+".securityContext.capabilities.drop[0]"] = "ALL"
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if got := deployment.Input(path); got != want[path] {
			t.Errorf("%s is %v, want %v", path, got, want[path])
		}
	}
}

// Without a namespace of its own the pod's way in must name its clients, and only their pods.
func TestPoolerLetsOnlyItsClientsIn(t *testing.T) {
	policy := graph.Run(t, "prod", declarePooler(poolerShapes["prod"]())).Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "rag-pgbouncer")
	var got []string
	for i := range 3 {
		peer := fmt.Sprintf("spec.ingress[0].from[%d].", i)
		namespace := policy.Input(peer + `namespaceSelector.matchLabels["kubernetes.io/metadata.name"]`)
		got = append(got, fmt.Sprint(namespace, "/", policy.Input(peer+`podSelector.matchLabels["app.kubernetes.io/name"]`)))
	}
	if want := []string{"rag/agentic-rag-api", "rag/agentic-rag-worker", "jobs/<nil>"}; !slices.Equal(got, want) {
		t.Errorf("clients are %q, want %q", got, want)
	}
}

// The Service is what clients wait for: it must wait for the pods, and they for their policy.
func TestPoolerIsReadyBeforeItsClients(t *testing.T) {
	g := graph.Run(t, "dev", declarePooler(smallPooler()))
	if after := strings.Join(g.Find("kubernetes:core/v1:Service", "rag-pgbouncer").DependsOn, "\n"); !strings.Contains(after, "Deployment rag-pgbouncer") {
		t.Errorf("the Service does not wait for the Deployment, only for:\n%s", after)
	}
	if after := strings.Join(g.Find(deploymentType, "rag-pgbouncer").DependsOn, "\n"); !strings.Contains(after, "NetworkPolicy rag-pgbouncer") {
		t.Errorf("pods do not wait for their network policy, only for:\n%s", after)
	}
	if host := g.Find("graph:index:Outputs", "outputs").Input("host"); host != "pgbouncer.rag.svc.cluster.local" {
		t.Errorf("host is %v", host)
	}
}

func TestPoolerFirstPreviewNeedsNothingKnown(t *testing.T) {
	graph.Preview(t, "prod", declarePooler(poolerShapes["prod"]()))
}
