package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// annotated is an object with one annotation, and a status.
func annotated(t *testing.T, kind, annotation, value, status string) *unstructured.Unstructured {
	t.Helper()
	m := parse(t, `{apiVersion: `+kind+`, metadata: {name: a, generation: 2}, status: `+status+`}`)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{} // with numbers as the API server's answers have them
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	u.SetAnnotations(map[string]string{annotation: value})
	return u
}

func TestAWaitThatMakesNoSenseIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for value, want := range map[string]string{
		"phase=Running":           `expected a "jsonpath=" or "condition=" prefix, got "phase=Running"`,
		"[]":                      "is empty, want at least one condition",
		"jsonpath=.status.phase":  "want a path in braces",
		"jsonpath={.status.phase": "want a path in braces",
	} {
		failures := checked(t, "kubernetes:a.io/v1:Thing", `{apiVersion: a.io/v1, kind: Thing, metadata: {name: a, annotations: {pulumi.com/waitFor: "`+value+`"}}}`)
		if len(failures) != 1 || !strings.Contains(failures[0].Reason, want) {
			t.Errorf("%s: got %v, want %q", value, failures, want)
		}
	}
}

func checked(t *testing.T, token, manifest string) []plugin.CheckFailure {
	t.Helper()
	r, err := newProvider().Check(t.Context(), plugin.CheckRequest{
		URN: resource.NewURN("local", "ragscale", "", tokens.Type(token), "a"), News: inputs(t, manifest),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Failures
}

func TestTheProgramsTimeoutGoesBeforeTheAnnotations(t *testing.T) {
	for _, c := range []struct {
		seconds    float64
		annotation string
		want       time.Duration
	}{{0, "", 10 * time.Minute}, {0, "90", 90 * time.Second}, {1200, "90", 20 * time.Minute}, {1200, "", 20 * time.Minute}, {0, "1m", 10 * time.Minute}} {
		u := annotated(t, "apps/v1, kind: Deployment", timeoutSeconds, c.annotation, "{}")
		if got := awaitTimeout(u, c.seconds); got != c.want {
			t.Errorf("%v s, annotation %q: got %s, want %s", c.seconds, c.annotation, got, c.want)
		}
	}
}

func TestWhatAnObjectOwnsGoesAsItSays(t *testing.T) {
	for _, c := range []struct{ kind, annotation, want string }{
		{"apps/v1, kind: Deployment", "", "Foreground"},
		{"batch/v1, kind: Job", "", "Foreground"},
		{"v1, kind: ConfigMap", "", "Background"},
		{"apps/v1, kind: Deployment", "orphan", "Orphan"},
		{"apps/v1, kind: Deployment", "Background", "Background"},
		{"v1, kind: ConfigMap", "foreground", "Foreground"},
	} {
		if got := string(propagationOf(annotated(t, c.kind, deletionPropagation, c.annotation, "{}"))); got != c.want {
			t.Errorf("%s, %q: got %s, want %s", c.kind, c.annotation, got, c.want)
		}
	}
}

// What the sandbox cannot do is told in the preview, with what it can.
func TestWhatIsNotServedIsToldAtPreview(t *testing.T) {
	for _, c := range []struct{ token, version, kind, want string }{
		{"kubernetes:apps/v1:DeploymentPatch", "apps/v1", "Deployment", "patches of others' objects are not served by the sandbox"},
		{"kubernetes:core/v1:ConfigMapList", "v1", "ConfigMapList", "list resources cannot be created directly"},
		{"kubernetes:rbac.authorization.k8s.io/v1:RoleList", "rbac.authorization.k8s.io/v1", "RoleList", "list resources cannot be created directly"},
		{"kubernetes:apps/v1:Deployment", "apps/v1", "Deployment", ""},
		{"kubernetes:a.io/v1:Patch", "a.io/v1", "Patch", ""},
		{"kubernetes:a.io/v1:AllowList", "a.io/v1", "AllowList", ""},
	} {
		failures := checked(t, c.token, `{apiVersion: `+c.version+`, kind: `+c.kind+`, metadata: {name: a}}`)
		if (len(failures) > 0) != (c.want != "") || len(failures) > 0 && !strings.Contains(failures[0].Reason, c.want) {
			t.Errorf("%s: got %v, want %q", c.token, failures, c.want)
		}
	}
}

func TestProviderSettingsThatAreNotServedAreTold(t *testing.T) {
	for setting, value := range map[resource.PropertyKey]string{
		"renderYamlToDirectory": "out", "enableServerSideApply": "false", "context": "other", "cluster": "other",
	} {
		r, err := newProvider().CheckConfig(t.Context(), plugin.CheckConfigRequest{
			News: resource.PropertyMap{"kubeconfig": resource.MakeComputed(resource.NewStringProperty("")), setting: resource.NewStringProperty(value)},
		})
		if err != nil || len(r.Failures) != 1 || r.Failures[0].Property != setting || !strings.Contains(r.Failures[0].Reason, "the sandbox") {
			t.Errorf("%s: %v, %v", setting, r.Failures, err)
		}
	}
	r, err := newProvider().CheckConfig(t.Context(), plugin.CheckConfigRequest{News: resource.PropertyMap{
		"kubeconfig": resource.MakeComputed(resource.NewStringProperty("")), "enableServerSideApply": resource.NewStringProperty("true"),
		"suppressDeprecationWarnings": resource.NewStringProperty("true"), "namespace": resource.NewStringProperty("a"),
	}})
	if err != nil || len(r.Failures) > 0 {
		t.Errorf("settings that change nothing: %v, %v", r.Failures, err)
	}
}

func TestSettingsComeFromTheEnvironmentToo(t *testing.T) {
	t.Setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
	t.Setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
	if got := optionsOf(resource.PropertyMap{}); !got.upsert || !got.patchForce {
		t.Errorf("got %+v", got)
	}
	said := resource.PropertyMap{"upsertExistingObjects": resource.NewBoolProperty(false)}
	if got := optionsOf(said); got.upsert {
		t.Errorf("the setting is off: got %+v", got)
	}
}

func TestAFieldManagersNameIsTheObjectsOwn(t *testing.T) {
	in := inputs(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {pulumi.com/patchFieldManager: me}}}`)
	if got := managerOf("urn:x", in); got != "me" {
		t.Errorf("got %s, want me", got)
	}
	if got := managerOf("urn:x", resource.PropertyMap{}); got != manager("urn:x") {
		t.Errorf("got %s", got)
	}
}

// Nothing here gives a Service or an Ingress an address: it would be waited for until the timeout.
func TestWhatGetsNoAddressIsToldAtPreview(t *testing.T) {
	const token = "kubernetes:core/v1:Service"
	for manifest, want := range map[string]int{
		`{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer}}`:                                              1,
		`{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {pulumi.com/skipAwait: "true"}}, spec: {type: LoadBalancer}}`: 0,
		`{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: ClusterIP}}`:                                                 0,
		`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {}}`:                                              1,
		`{apiVersion: a.io/v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer}}`:                                         0,
	} {
		if got := checked(t, token, manifest); len(got) != want || want == 1 && !strings.Contains(got[0].Reason, "TargetGroupBinding") {
			t.Errorf("%s: got %v", manifest, got)
		}
	}
}
