package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ragscale/ragscale/sandbox/control"
)

// apiService is the namespace's one Service; nothing stands in others.
func apiService(_ context.Context, namespace string) ([]map[string]string, error) {
	if namespace != "rag" {
		return nil, nil
	}
	return []map[string]string{nil, {"app": "api"}}, nil
}

func monitoring(languages ...string) *agentWebhook {
	w := &agentWebhook{}
	w.monitorWith(&control.AutoMonitor{Languages: languages, Exclude: map[string][]string{"java": {"rag/without-java"}}}, apiService)
	return w
}

const apiDeployment = `{"metadata":{"name":"api"},"spec":{"template":{"metadata":{"labels":{"app":"api","tier":"web"}}}}}`

// admit sends an object as the API server does and returns the patch.
func admit(t *testing.T, change func(context.Context, *admission.AdmissionRequest) ([]patchOperation, error), namespace, old, object string) []patchOperation {
	t.Helper()
	request := &admission.AdmissionRequest{UID: "1", Namespace: namespace, Object: runtime.RawExtension{Raw: []byte(object)}}
	if old != "" {
		request.OldObject.Raw = []byte(old)
	}
	body, err := json.Marshal(admission.AdmissionReview{Request: request})
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	reviewing(change)(answer, httptest.NewRequest(http.MethodPost, workloadPath, bytes.NewReader(body)))
	var review admission.AdmissionReview
	if err := json.Unmarshal(answer.Body.Bytes(), &review); err != nil || review.Response == nil || !review.Response.Allowed || review.Response.UID != "1" {
		t.Fatalf("got %s (%v)", answer.Body, err)
	}
	var patch []patchOperation
	if len(review.Response.Patch) > 0 {
		if err := json.Unmarshal(review.Response.Patch, &patch); err != nil {
			t.Fatal(err)
		}
	}
	return patch
}

func TestAWorkloadIsAnnotatedWhereAServiceSelectsIt(t *testing.T) {
	w := monitoring("java", "python")
	changed := `{"metadata":{"name":"api"},"spec":{"replicas":3,"template":{"metadata":{"labels":{"app":"api","tier":"web"}}}}}`
	rolled := `{"metadata":{"name":"api"},"spec":{"template":{"metadata":{"labels":{"app":"api"},"annotations":{"mine":"1"}}}}}`
	for name, c := range map[string]struct {
		namespace, old, object string
		want                   map[string]any // nil for no change
	}{
		"a new one": {"rag", "", apiDeployment, map[string]any{injectAnnotation + "java": "true", annotatedByMonitor + "java": "true",
			injectAnnotation + "python": "true", annotatedByMonitor + "python": "true"}},
		"a changed template, whose annotations stay": {"rag", apiDeployment, rolled, map[string]any{injectAnnotation + "java": "true",
			annotatedByMonitor + "java": "true", injectAnnotation + "python": "true", annotatedByMonitor + "python": "true", "mine": "1"}},
		"one that is scaled":             {"rag", apiDeployment, changed, nil},
		"one that no Service selects":    {"rag", "", `{"metadata":{"name":"worker"},"spec":{"template":{"metadata":{"labels":{"app":"worker"}}}}}`, nil},
		"one in a namespace without any": {"jobs", "", apiDeployment, nil},
		"one in a namespace left alone":  {"kube-system", "", apiDeployment, nil},
		"one that excludes a language": {"rag", "", `{"metadata":{"name":"without-java"},"spec":{"template":{"metadata":{"labels":{"app":"api"}}}}}`,
			map[string]any{injectAnnotation + "python": "true", annotatedByMonitor + "python": "true"}},
	} {
		patch := admit(t, w.annotate, c.namespace, c.old, c.object)
		if c.want == nil {
			if len(patch) > 0 {
				t.Errorf("%s: got %v", name, patch)
			}
			continue
		}
		got, err := json.Marshal(patch)
		want, err2 := json.Marshal([]patchOperation{{"add", "/spec/template/metadata/annotations", c.want}})
		if err := errors.Join(err, err2); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %s, want %s (%v)", name, got, want, err)
		}
	}
}

func TestNothingIsAnnotatedWithoutTheMonitor(t *testing.T) {
	if patch := admit(t, (&agentWebhook{}).annotate, "rag", "", apiDeployment); len(patch) > 0 {
		t.Errorf("got %v", patch)
	}
}

// injected is the pod's spec after the operator.
func injected(t *testing.T, pod string) (core.PodSpec, bool) {
	t.Helper()
	patch := admit(t, monitoring().instrument, "rag", "", pod)
	if len(patch) == 0 {
		return core.PodSpec{}, false
	}
	raw, err := json.Marshal(patch[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	var spec core.PodSpec
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	return spec, true
}

func TestAnAnnotatedPodGetsAgentsAndJavasHasNoSecurityContext(t *testing.T) {
	spec, _ := injected(t, `{"metadata":{"annotations":{"instrumentation.opentelemetry.io/inject-java":"true",
		"instrumentation.opentelemetry.io/inject-nodejs":"true"}},
		"spec":{"securityContext":{"runAsNonRoot":true,"runAsUser":65532},
		"containers":[{"name":"api","securityContext":{"allowPrivilegeEscalation":false}},{"name":"beside"}]}}`)
	names := make([]string, len(spec.InitContainers))
	for i, c := range spec.InitContainers {
		names[i] = c.Name
	}
	if !slices.Equal(names, []string{"opentelemetry-auto-instrumentation-java", "opentelemetry-auto-instrumentation-nodejs"}) {
		t.Fatalf("got %v", names)
	}
	if spec.InitContainers[0].SecurityContext != nil || spec.InitContainers[1].SecurityContext == nil {
		t.Errorf("got %+v", spec.InitContainers)
	}
	if api := spec.Containers[0]; len(api.Env) != 2 || len(api.VolumeMounts) != 2 || len(spec.Volumes) != 2 || len(spec.Containers[1].Env) > 0 {
		t.Errorf("got %+v", spec)
	}
}

func TestAPodIsLeftAlone(t *testing.T) {
	const asks = `"metadata":{"annotations":{"instrumentation.opentelemetry.io/inject-java":"true"}}`
	for name, pod := range map[string]string{
		"that does not ask":                  `{"spec":{"containers":[{"name":"a"}]}}`,
		"whose user nobody says":             `{` + asks + `,"spec":{"securityContext":{"runAsNonRoot":true},"containers":[{"name":"a"}]}}`,
		"whose container's user nobody says": `{` + asks + `,"spec":{"containers":[{"name":"a","securityContext":{"runAsNonRoot":true}}]}}`,
		"that traces elsewhere":              `{` + asks + `,"spec":{"containers":[{"name":"a","env":[{"name":"OTEL_EXPORTER_OTLP_ENDPOINT","value":"http://tempo"}]}]}}`,
	} {
		if spec, changed := injected(t, pod); changed {
			t.Errorf("a pod %s got %+v", name, spec)
		}
	}
}
