package components_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/components/vectorstore"
)

const (
	statefulSetType = "kubernetes:apps/v1:StatefulSet"
	claimType       = "kubernetes:core/v1:PersistentVolumeClaim"
	cronJobType     = "kubernetes:batch/v1:CronJob"
)

// smallVectorStore is valid, with everything optional left out.
func smallVectorStore() vectorstore.Args {
	return vectorstore.Args{
		Namespace:  "vectorstore",
		Image:      "chromadb/chroma:1.3.4",
		StorageGiB: 10,
		Requests:   vectorstore.Resources{CPU: "100m", Memory: "256Mi"}, Limits: vectorstore.Resources{Memory: "512Mi"},
		Clients: []vectorstore.Client{{Namespace: "rag", Pods: []string{"agentic-rag-api", "agentic-rag-worker"}}},
	}
}

var vectorStoreShapes = map[string]func() vectorstore.Args{
	"local": func() vectorstore.Args {
		a := smallVectorStore()
		a.StorageGiB = 1
		return a
	},
	"dev": func() vectorstore.Args {
		a := smallVectorStore()
		a.Snapshot = vectorstore.Snapshot{Schedule: "30 2 * * *", Keep: 3, StorageGiB: 10, Image: "public.ecr.aws/docker/library/node:24.11.1-slim"}
		a.Tags = map[string]string{"stack": "dev"}
		return a
	},
	"prod": func() vectorstore.Args {
		a := smallVectorStore()
		a.StorageGiB = 200
		a.Requests, a.Limits = vectorstore.Resources{CPU: "2", Memory: "8Gi"}, vectorstore.Resources{CPU: "4", Memory: "16Gi"}
		a.Snapshot = vectorstore.Snapshot{Schedule: "30 2 * * *", Keep: 7, StorageGiB: 100, Image: "public.ecr.aws/docker/library/node:24.11.1-slim"}
		a.VerticalAutoscaling = vectorstore.VerticalAutoscaling{Mode: "Off", Resources: []string{"cpu", "memory"}}
		a.NodeSelector = map[string]string{"ragscale.io/workload": "system"}
		a.PriorityClassName = "serving"
		a.DeletionProtection = true
		a.Tags = map[string]string{"stack": "prod", "cost-centre": "search"}
		return a
	},
}

func declareVectorStore(args vectorstore.Args) func(*pulumi.Context) error {
	return func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "cluster", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		store, err := vectorstore.New(ctx, "vectors", args, pulumi.Providers(provider))
		if err != nil {
			return err
		}
		return graph.Probe(ctx, "outputs", pulumi.Map{
			"url": store.URL, "host": store.Host, "port": store.Port, "namespace": store.Namespace, "statefulSetName": store.StatefulSetName,
		})
	}
}

func TestVectorStoreGraph(t *testing.T) {
	wantGraphs(t, "vectorstore", vectorStoreShapes, declareVectorStore)
}

func TestVectorStoreFaultsNameTheField(t *testing.T) {
	snapshot := vectorstore.Snapshot{Schedule: "30 2 * * *", Keep: 7, StorageGiB: 20, Image: "node:24.11.1-slim"}
	cases := map[string]struct {
		change func(*vectorstore.Args)
		want   string
	}{
		"namespace": {func(a *vectorstore.Args) { a.Namespace = "Vectors" },
			`vectorstore.Namespace is "Vectors", want at most 63 lower-case letters, digits and hyphens`},
		"shared namespace": {func(a *vectorstore.Args) { a.Namespace = "default" },
			`vectorstore.Namespace is "default", want one of its own: it is created and deleted here`},
		"no image": {func(a *vectorstore.Args) { a.Image = "" },
			`vectorstore.Image is "", want an image such as chromadb/chroma:1.3.4`},
		"image without tag": {func(a *vectorstore.Args) { a.Image = "registry:5000/chroma" },
			`vectorstore.Image is "registry:5000/chroma", want a tag that names a version: what runs must not change by itself`},
		"moving image": {func(a *vectorstore.Args) { a.Image = "chromadb/chroma:latest" },
			`vectorstore.Image is "chromadb/chroma:latest", want a tag that names a version: what runs must not change by itself`},
		"no storage":  {func(a *vectorstore.Args) { a.StorageGiB = 0 }, "vectorstore.StorageGiB is 0, want 1 to 16384"},
		"huge volume": {func(a *vectorstore.Args) { a.StorageGiB = 16385 }, "vectorstore.StorageGiB is 16385, want 1 to 16384"},
		"no request": {func(a *vectorstore.Args) { a.Requests.CPU = "" },
			`vectorstore.Requests.CPU is "", want a quantity above 0 such as 250m or 512Mi`},
		"no memory limit": {func(a *vectorstore.Args) { a.Limits.Memory = "" },
			`vectorstore.Limits.Memory is "", want a quantity above 0 such as 250m or 512Mi`},
		"limit below request": {func(a *vectorstore.Args) { a.Limits.Memory = "128Mi" },
			"vectorstore.Limits.Memory is 128Mi with Requests.Memory 256Mi, want no less"},
		"cpu limit below request": {func(a *vectorstore.Args) { a.Limits.CPU = "50m" },
			"vectorstore.Limits.CPU is 50m with Requests.CPU 100m, want no less"},
		"no clients": {func(a *vectorstore.Args) { a.Clients = nil }, "vectorstore.Clients is empty, want who may connect"},
		"client's namespace": {func(a *vectorstore.Args) { a.Clients[0].Namespace = "" },
			`vectorstore.Clients[0].Namespace is "", want at most 63 lower-case letters, digits and hyphens`},
		"every pod": {func(a *vectorstore.Args) { a.Clients[0].Pods = nil },
			"vectorstore.Clients[0].Pods is empty, want names of workloads: an empty one is every pod"},
		"client's pods": {func(a *vectorstore.Args) { a.Clients[0].Pods = []string{"app=api"} },
			`vectorstore.Clients[0].Pods[0] is "app=api", want a value of the label app.kubernetes.io/name`},
		"schedule": {func(a *vectorstore.Args) { a.Snapshot = snapshot; a.Snapshot.Schedule = "30 25 * * *" },
			`vectorstore.Snapshot.Schedule is "30 25 * * *", want five fields such as "30 2 * * *"`},
		"schedule with a zone": {func(a *vectorstore.Args) { a.Snapshot = snapshot; a.Snapshot.Schedule = "TZ=Asia/Tokyo 30 2 * * *" },
			`vectorstore.Snapshot.Schedule is "TZ=Asia/Tokyo 30 2 * * *", want five fields such as "30 2 * * *"`},
		"keeping none": {func(a *vectorstore.Args) { a.Snapshot = snapshot; a.Snapshot.Keep = 0 },
			"vectorstore.Snapshot.Keep is 0, want 1 to 365"},
		"no room for snapshots": {func(a *vectorstore.Args) { a.Snapshot = snapshot; a.Snapshot.StorageGiB = 0 },
			"vectorstore.Snapshot.StorageGiB is 0, want 1 to 16384"},
		"snapshot image": {func(a *vectorstore.Args) { a.Snapshot = snapshot; a.Snapshot.Image = "node" },
			`vectorstore.Snapshot.Image is "node", want a tag that names a version: what runs must not change by itself`},
		"tags": {func(a *vectorstore.Args) {
			a.Tags = map[string]string{}
			for i := range 41 {
				a.Tags[fmt.Sprint("tag", i)] = "x"
			}
		}, "vectorstore.Tags has 41, want at most 40"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := smallVectorStore()
			c.change(&args)
			wantFault(t, declareVectorStore(args), c.want)
		})
	}
}

func TestVectorStoreReportsAllFaultsAtOnce(t *testing.T) {
	args := smallVectorStore()
	args.Namespace, args.StorageGiB, args.Limits.Memory = "", 0, ""
	wantFaultsOf(t, declareVectorStore(args), "vectorstore", "Namespace", "StorageGiB", "Limits.Memory")
}

func TestVectorStorePinnedImagesAreTaken(t *testing.T) {
	for _, image := range []string{"chroma:1", "registry.example:5000/a/chroma:1.3.4", "chroma@sha256:" + strings.Repeat("0a", 32)} {
		args := smallVectorStore()
		args.Image = image
		graph.Run(t, "dev", declareVectorStore(args))
	}
}

// Chroma's server is a single node.
func TestVectorStoreHasOneReplicaAndNoAutoscalerOfIt(t *testing.T) {
	g := graph.Run(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
	if replicas := number(t, g.Find(statefulSetType, "vectors"), "spec.replicas"); replicas != 1 {
		t.Errorf("%v replicas, want 1", replicas)
	}
	if autoscalers := g.OfType(hpaType); len(autoscalers) != 0 {
		t.Errorf("%d horizontal autoscalers, want none", len(autoscalers))
	}
}

func TestVectorStoreVerticalAutoscalerOnlyRecommends(t *testing.T) {
	g := graph.Run(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
	vpa := g.Find("kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler", "vectors-vpa")
	if mode := vpa.Input("spec.updatePolicy.updateMode"); mode != "Off" {
		t.Errorf("update mode is %v, want Off", mode)
	}
}

func TestVectorStoreOnlyPodCanBeDrained(t *testing.T) {
	g := graph.Run(t, "dev", declareVectorStore(smallVectorStore()))
	budget := g.Find("kubernetes:policy/v1:PodDisruptionBudget", "vectors")
	if n, least := number(t, budget, "spec.maxUnavailable"), budget.Input("spec.minAvailable"); n < 1 || least != nil {
		t.Errorf("maxUnavailable %v, minAvailable %v: every drain hangs", n, least)
	}
}

// A volume of a StatefulSet's claim template never grows: the template cannot be changed.
func TestVectorStoreVolumesGrowInPlace(t *testing.T) {
	g := graph.Run(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
	if templates := g.Find(statefulSetType, "vectors").Input("spec.volumeClaimTemplates"); templates != nil {
		t.Errorf("claim templates %v, want claims of their own", templates)
	}
	if allowed := g.OfType("kubernetes:storage.k8s.io/v1:StorageClass")[0].Input("allowVolumeExpansion"); allowed != true {
		t.Errorf("allowVolumeExpansion is %v", allowed)
	}
	claims := g.OfType(claimType)
	if len(claims) != 2 {
		t.Fatalf("%d claims, want data and snapshots", len(claims))
	}
	for _, claim := range claims {
		if !claim.Protect || !slices.Contains(claim.IgnoreChanges, "spec.storageClassName") {
			t.Errorf("%s: protected %v, ignores changes of %v", claim.Name, claim.Protect, claim.IgnoreChanges)
		}
	}
}

// CHROMA_PORT, which Kubernetes makes of a Service named chroma, is also a setting of the server.
func TestVectorStorePodsGetNoServiceVariables(t *testing.T) {
	g := graph.Run(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
	if links := g.Find(statefulSetType, "vectors").Input("spec.template.spec.enableServiceLinks"); links != false {
		t.Errorf("enableServiceLinks is %v", links)
	}
}

func TestVectorStoreContainersAreRestricted(t *testing.T) {
	g := graph.Run(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
	want := map[string]any{
		"securityContext.runAsNonRoot":                           true,
		"securityContext.seccompProfile.type":                    "RuntimeDefault",
		"automountServiceAccountToken":                           false,
		"containers[0].securityContext.allowPrivilegeEscalation": false,
		"containers[0].securityContext.readOnlyRootFilesystem":   true,
		"containers[0].securityContext.capabilities.drop[0]":     "ALL",
		"containers[0].securityContext.capabilities.add":         nil,
		"hostNetwork": nil,
	}
	pods := map[string]graph.Resource{"spec.template.spec.": g.Find(statefulSetType, "vectors")}
	for _, job := range g.OfType(cronJobType) {
		pods["spec.jobTemplate.spec.template.spec."] = job
		for at, pod := range pods {
			for _, path := range slices.Sorted(maps.Keys(want)) {
				if got := pod.Input(at + path); got != want[path] {
					t.Errorf("%s: %s is %v, want %v", pod.Name, path, got, want[path])
				}
			}
		}
	}
}

func TestVectorStoreIsReachedByItsClientsAlone(t *testing.T) {
	g := graph.Run(t, "dev", declareVectorStore(smallVectorStore()))
	const policyType = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	if pods := g.Find(policyType, "vectors-default-deny").Text(); strings.Contains(pods, "ingress:") || strings.Contains(pods, "egress:") {
		t.Errorf("the closing policy opens something:\n%s", pods)
	}
	open := g.Find(policyType, "vectors-clients-to-chroma")
	if from := open.Input("spec.ingress[0].from"); from == nil || len(g.OfType(policyType)) != 2 {
		t.Errorf("%d policies, clients %v", len(g.OfType(policyType)), from)
	}
	if namespace := open.Input(`spec.ingress[0].from[0].namespaceSelector.matchLabels["kubernetes.io/metadata.name"]`); namespace != "rag" {
		t.Errorf("clients are of namespace %v, want rag", namespace)
	}
}

func TestVectorStoreRestoreNeverRunsByItself(t *testing.T) {
	g := graph.Run(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
	for name, want := range map[string]bool{"vectors-save": false, "vectors-restore": true} {
		if got := g.Find(cronJobType, name).Input("spec.suspend"); got != want {
			t.Errorf("%s: suspend is %v, want %v", name, got, want)
		}
	}
}

func TestVectorStoreNameIsAName(t *testing.T) {
	wantNames(t, "vectorstore", 40, func(ctx *pulumi.Context, name string) error {
		_, err := vectorstore.New(ctx, name, smallVectorStore())
		return err
	})
}

func TestVectorStoreFirstPreviewNeedsNothingKnown(t *testing.T) {
	graph.Preview(t, "prod", declareVectorStore(vectorStoreShapes["prod"]()))
}
