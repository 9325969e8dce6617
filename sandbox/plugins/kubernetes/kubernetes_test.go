package kubernetes

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/ragscale/ragscale/sandbox/layout"
)

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func inputs(t *testing.T, text string) resource.PropertyMap {
	t.Helper()
	return resource.NewPropertyMapFromMap(parse(t, text))
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: rag}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: "api:1", resources: {requests: {cpu: 1000m, memory: 1Gi}}}
`

func TestWhatTheServerDefaultsIsNoDrift(t *testing.T) {
	live := parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: rag, uid: u, generation: 3}
spec:
  replicas: 3
  progressDeadlineSeconds: 600
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      restartPolicy: Always
      containers:
      - {name: injected, image: "sidecar:1"}
      - {name: api, image: "api:1", imagePullPolicy: IfNotPresent, resources: {requests: {cpu: "1", memory: 1Gi}}}
status: {replicas: 3}
`)
	old := inputs(t, deployment)
	got, err := currentInputs(&unstructured.Unstructured{Object: live}, old)
	if err != nil {
		t.Fatal(err)
	}
	if d := changedPaths(got, old); len(d) != 0 {
		t.Errorf("drift reported: %v", d)
	}
}

func TestDriftIsSeen(t *testing.T) {
	for name, c := range map[string]struct{ was, is, path string }{
		"a changed value":   {"image: \"api:1\"", "image: \"api:2\"", "spec.template.spec.containers[0].image"},
		"a changed request": {"cpu: 1000m", "cpu: 500m", "spec.template.spec.containers[0].resources.requests.cpu"},
		"a removed value":   {", memory: 1Gi", "", "spec.template.spec.containers[0].resources.requests.memory"},
		"a removed element": {"- {name: api,", "- {name: other,", "spec.template.spec.containers[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			live := parse(t, strings.Replace(deployment, c.was, c.is, 1))
			old := inputs(t, deployment)
			got, err := currentInputs(&unstructured.Unstructured{Object: live}, old)
			if err != nil {
				t.Fatal(err)
			}
			d := changedPaths(got, old)
			if _, ok := d[c.path]; !ok || len(d) != 1 {
				t.Errorf("changed paths are %v, want only %s", d, c.path)
			}
		})
	}
}

func TestASecretIsUnchangedWhenItsDataSaysTheSame(t *testing.T) {
	old := inputs(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: hunter2}}`)
	for data, drift := range map[string]bool{"aHVudGVyMg==": false, "b3RoZXI=": true} {
		live := parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {password: `+data+`}}`)
		got, err := currentInputs(&unstructured.Unstructured{Object: live}, old)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range got {
			if v.IsSecret() {
				got[k] = v.SecretValue().Element
			}
		}
		if (len(changedPaths(got, old)) > 0) != drift {
			t.Errorf("data %s: drift is %t, want %t", data, !drift, drift)
		}
	}
}

func TestSecretsStaySecretInOutputs(t *testing.T) {
	in := inputs(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: x}}`)
	in["data"] = resource.MakeSecret(in["data"])
	u, err := object(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := properties(u, in)
	if err != nil {
		t.Fatal(err)
	}
	if !out["data"].IsSecret() {
		t.Errorf("data is %v, want a secret", out["data"])
	}
	secret := &unstructured.Unstructured{Object: parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: eA==}}`)}
	if out, err = properties(secret, resource.PropertyMap{}); err != nil || !out["data"].IsSecret() {
		t.Errorf("a Secret's data is %v (%v), want a secret", out["data"], err)
	}
}

func TestNumbersBecomeIntegers(t *testing.T) {
	u, err := object(resource.PropertyMap{
		"apiVersion": resource.NewStringProperty("v1"), "kind": resource.NewStringProperty("X"),
		"n": resource.NewNumberProperty(8080), "f": resource.NewNumberProperty(0.5),
	})
	if err != nil {
		t.Fatal(err)
	}
	if u.Object["n"] != int64(8080) || u.Object["f"] != 0.5 {
		t.Errorf("n is %T %v and f is %T %v, want int64 8080 and float64 0.5", u.Object["n"], u.Object["n"], u.Object["f"], u.Object["f"])
	}
}

func TestAnUnnamedObjectKeepsItsName(t *testing.T) {
	p := newProvider()
	req := plugin.CheckRequest{
		URN:        resource.NewURN("local", "ragscale", "", "kubernetes:core/v1:ConfigMap", "settings"),
		News:       inputs(t, `{apiVersion: v1, kind: ConfigMap}`),
		RandomSeed: []byte("1"),
	}
	first, err := p.Check(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	req.Olds, req.RandomSeed = first.Properties, []byte("2")
	second, err := p.Check(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	a, b := text(first.Properties, "metadata", "name"), text(second.Properties, "metadata", "name")
	if a != b || !strings.HasPrefix(a, "settings-") || len(a) != len("settings-")+8 {
		t.Errorf("names are %q and %q, want settings- and eight digits, twice the same", a, b)
	}
}

func TestIdentityReplaces(t *testing.T) {
	p := newProvider()
	old := inputs(t, deployment)
	for path, change := range map[string]string{
		"metadata.name": strings.Replace(deployment, "name: api,", "name: web,", 1),
		"kind":          strings.Replace(deployment, "kind: Deployment", "kind: StatefulSet", 1),
	} {
		d, err := p.Diff(context.Background(), plugin.DiffRequest{
			URN:       resource.NewURN("local", "ragscale", "", "kubernetes:apps/v1:Deployment", "api"),
			OldInputs: old, NewInputs: inputs(t, change),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.ReplaceKeys) == 0 {
			t.Errorf("%s: no replacement, want one (%v)", path, d.DetailedDiff)
		}
	}
}

func TestAValueThatBecomesUnknownIsAChange(t *testing.T) {
	old := inputs(t, deployment)
	news := old.Copy()
	news["spec"] = resource.MakeComputed(resource.NewStringProperty(""))
	if d := changedPaths(old, news); len(d) == 0 {
		t.Error("no change, want spec")
	}
}

func TestAReleaseIsPinnedKnownAndComplete(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"complete":      {`{chart: aws-load-balancer-controller, version: 3.1.0, values: {clusterName: c}}`, ""},
		"not pinned":    {`{chart: aws-load-balancer-controller, values: {clusterName: c}}`, "version is not set: pin the chart"},
		"without value": {`{chart: aws-load-balancer-controller, version: 3.1.0}`, "values.clusterName is not set, which chart aws-load-balancer-controller needs"},
		"unknown chart": {`{chart: nginx, version: 1.0.0}`, `chart is "nginx", for which the sandbox has no controller: it knows [aws-load-balancer-controller cluster-autoscaler kube-state-metrics vertical-pod-autoscaler]`},
		"autoscaler":    {`{chart: cluster-autoscaler, version: 9.59.0, values: {autoDiscovery: {clusterName: c}, awsRegion: r, rbac: {serviceAccount: {name: n}}}}`, ""},
		"autoscaler without discovery": {`{chart: cluster-autoscaler, version: 9.59.0, values: {awsRegion: r, rbac: {serviceAccount: {name: n}}}}`,
			"values.autoDiscovery.clusterName or values.autoscalingGroups is not set, which chart cluster-autoscaler needs"},
		"autoscaler of groups": {`{chart: cluster-autoscaler, version: 9.59.0, values: {autoscalingGroups: [{name: g}], rbac: {}}}`,
			"values.awsRegion is not set, which chart cluster-autoscaler needs; values.rbac.serviceAccount.name is not set, which chart cluster-autoscaler needs"},
		"vertical autoscaler": {`{chart: vertical-pod-autoscaler, version: 0.11.0}`, ""},
		"no chart":            {`{version: 1.0.0}`, "chart is not set"},
	} {
		var got []string
		for _, f := range checkRelease(inputs(t, c.in)) {
			got = append(got, f.Reason)
		}
		if d := cmp.Diff(c.want, strings.Join(got, "; ")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// testRelease has the kinds' definitions in its tools folder, as `make build` puts them there.
func testRelease(t *testing.T, values string) release {
	t.Helper()
	r := release{namespace: "kube-system", values: inputs(t, values), tools: layout.Layout{Bin: t.TempDir()}}
	definition := "kind: CustomResourceDefinition\nmetadata: {name: verticalpodautoscalers.autoscaling.k8s.io}\n"
	if err := os.WriteFile(r.tools.Tool(vpaDefinitions), []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestManifestsParse(t *testing.T) {
	for name, c := range charts {
		all, err := c.objects(testRelease(t, `{}`))
		if err != nil {
			t.Errorf("chart %s: %v", name, err)
		}
		for _, o := range all {
			if o.GetKind() == "" || o.GetName() == "" {
				t.Errorf("chart %s: object %v has no kind or name", name, o.Object)
			}
		}
	}
}

func TestTheRecommenderRunsAsItsValuesSay(t *testing.T) {
	all, err := verticalAutoscaler(testRelease(t, `{recommender: {priorityClassName: high, extraArgs: ["--memory-saver=true"], resources: {requests: {cpu: 20m}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	deployment := all[len(all)-1]
	spec, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		t.Fatal(err)
	}
	container := spec["containers"].([]any)[0].(map[string]any)
	args := container["args"].([]any)
	if deployment.GetNamespace() != "kube-system" || spec["priorityClassName"] != "high" || args[len(args)-1] != "--memory-saver=true" {
		t.Errorf("got %v in %s", spec, deployment.GetNamespace())
	}
	if d := cmp.Diff(map[string]any{"requests": map[string]any{"cpu": "20m"}}, container["resources"]); d != "" {
		t.Error(d)
	}
}

func TestARecommenderThatIsSwitchedOffIsNotInstalled(t *testing.T) {
	all, err := verticalAutoscaler(testRelease(t, `{recommender: {enabled: false}}`))
	if err != nil || len(all) != 1 || all[0].GetKind() != "CustomResourceDefinition" {
		t.Errorf("got %d objects, %v", len(all), err)
	}
}

func TestMissingDefinitionsAreNamed(t *testing.T) {
	_, err := verticalAutoscaler(release{tools: layout.Layout{Bin: "/nowhere"}})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/vpa-crds.yaml: no such file or directory: run `make build`") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAnEKSLoginIsTakenOver(t *testing.T) {
	for name, c := range map[string]struct {
		exec *clientcmdapi.ExecConfig
		want bool
	}{
		"eks":            {&clientcmdapi.ExecConfig{Command: "aws", Args: []string{"--region", "eu-central-1", "eks", "get-token", "--cluster-name", "rag"}}, true},
		"another helper": {&clientcmdapi.ExecConfig{Command: "gke-gcloud-auth-plugin"}, false},
		"another aws":    {&clientcmdapi.ExecConfig{Command: "aws", Args: []string{"sts", "get-caller-identity"}}, false},
		"certificate":    {nil, false},
	} {
		l, ok := eksLogin(c.exec)
		if ok != c.want || ok && l != (login{region: "eu-central-1", cluster: "rag"}) {
			t.Errorf("%s: %+v %t, want %t", name, l, ok, c.want)
		}
	}
}

func TestWithoutAKubeconfigNothingIsConfigured(t *testing.T) {
	res, err := newProvider().CheckConfig(context.Background(), plugin.CheckConfigRequest{News: resource.PropertyMap{}})
	if err != nil || len(res.Failures) != 1 || !strings.Contains(res.Failures[0].Reason, "~/.kube/config") {
		t.Errorf("failures are %v (%v), want one that names ~/.kube/config", res.Failures, err)
	}
}
