package kubernetes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// kind is the one object of a kind.
func kind(t *testing.T, all []*unstructured.Unstructured, name string) map[string]any {
	t.Helper()
	for _, o := range all {
		if o.GetKind() == name {
			return o.Object
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func asText(t *testing.T, v any) string {
	t.Helper()
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestStateMetricsHaveTheRightsAndTheConfigurationOfTheirValues(t *testing.T) {
	all, err := stateMetrics(testRelease(t, `{fullnameOverride: ksm, collectors: [pods, services], priorityClassName: high, `+
		`rbac: {extraRules: [{apiGroups: [x], resources: [things], verbs: [list]}]}, customResourceState: {enabled: true, config: {spec: {resources: []}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const rules = `- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - list
  - watch
- apiGroups:
  - x
  resources:
  - things
  verbs:
  - list
`
	if d := cmp.Diff(rules, asText(t, kind(t, all, "ClusterRole")["rules"])); d != "" {
		t.Error(d)
	}
	if got := asText(t, kind(t, all, "ConfigMap")); !strings.Contains(got, `{"spec":{"resources":[]}}`) || !strings.Contains(got, "namespace: kube-system") {
		t.Errorf("the configuration is\n%s", got)
	}
	deployment := asText(t, kind(t, all, "Deployment"))
	for _, want := range []string{"name: ksm\n", "--resources=pods\n", "priorityClassName: high\n", "serviceAccountName: ksm\n"} {
		if !strings.Contains(deployment, want) {
			t.Errorf("lacks %q:\n%s", want, deployment)
		}
	}
}

func TestStateMetricsWithoutValuesHaveEveryKindAndNoConfiguration(t *testing.T) {
	all, err := stateMetrics(testRelease(t, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := asText(t, kind(t, all, "Deployment")); !strings.Contains(got, "--resources=deployments,horizontalpodautoscalers,pods\n") {
		t.Errorf("got\n%s", got)
	}
	if got := asText(t, kind(t, all, "ConfigMap")["data"]); got != "config.yaml: '{}'\n" {
		t.Errorf("got %s", got)
	}
}

func TestTheNodeAutoscalerRunsAsTheAccountThatIsNamed(t *testing.T) {
	all, err := nodeScaler(testRelease(t, `{rbac: {serviceAccount: {name: scaler}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"ServiceAccount": "name: scaler\n", "ClusterRoleBinding": "name: scaler\n", "Deployment": "serviceAccountName: scaler\n"} {
		if got := asText(t, kind(t, all, name)); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, got)
		}
	}
}
