package daemon

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"sync"
	"text/template"

	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/control"
)

const (
	cloudWatchAddon = "amazon-cloudwatch-observability"
	workloadPath    = "/mutate-v1-workload"
	podPath         = "/mutate-v1-pod"
	// maxAdmission bounds a request: two copies of an object, of which etcd holds 1.5 MiB at most.
	maxAdmission = 4 << 20
)

//go:embed cloudwatch-observability.yaml
var cloudWatchManifest string

// agentWebhook changes workloads and pods as the operator of amazon-cloudwatch-observability does.
type agentWebhook struct {
	mu       sync.Mutex
	monitor  *control.AutoMonitor
	services servicesOf
}

// monitorWith sets what is monitored; nil for nothing.
func (w *agentWebhook) monitorWith(m *control.AutoMonitor, services servicesOf) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.monitor, w.services = m, services
}

// putCloudWatch has the API server ask the webhook, or not ask it any more.
func (d *daemon) putCloudWatch(ctx context.Context, client *rest.Config, monitor *control.AutoMonitor) error {
	if monitor == nil {
		return d.removeCloudWatch(ctx, client)
	}
	kube, err := kubernetes.NewForConfig(client)
	if err != nil {
		return err
	}
	d.agents.monitorWith(monitor, selectors(kube))
	manifest, err := d.cloudWatchObjects()
	if err != nil {
		return err
	}
	return applyManifest(ctx, client, manifest)
}

func (d *daemon) removeCloudWatch(ctx context.Context, client *rest.Config) error {
	manifest, err := d.cloudWatchObjects()
	if err != nil {
		return err
	}
	d.agents.monitorWith(nil, nil)
	return deleteManifest(ctx, client, manifest)
}

func (d *daemon) cloudWatchObjects() ([]byte, error) {
	ca, err := os.ReadFile(d.layout.CA())
	if err != nil {
		return nil, err
	}
	t, err := template.New(cloudWatchAddon).Parse(cloudWatchManifest)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"URL": "https://" + webhookAddress, "Workloads": workloadPath, "Pods": podPath, "CA": base64.StdEncoding.EncodeToString(ca),
	})
	return out.Bytes(), err
}

func selectors(kube kubernetes.Interface) servicesOf {
	return func(ctx context.Context, namespace string) ([]map[string]string, error) {
		services, err := kube.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		out := make([]map[string]string, len(services.Items))
		for i, s := range services.Items {
			out[i] = s.Spec.Selector
		}
		return out, nil
	}
}

// workload is what Deployments, DaemonSets and StatefulSets have in common.
type workload struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Template core.PodTemplateSpec `json:"template"`
	} `json:"spec"`
}

// patchOperation is one of a JSON patch.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// annotate changes a workload whose template is new or changed: without restartPods the operator rolls nothing by itself.
func (w *agentWebhook) annotate(ctx context.Context, r *admission.AdmissionRequest) ([]patchOperation, error) {
	w.mu.Lock()
	monitor, services := w.monitor, w.services
	w.mu.Unlock()
	var old, now workload
	if err := json.Unmarshal(r.Object.Raw, &now); err != nil {
		return nil, err
	}
	if len(r.OldObject.Raw) > 0 {
		if err := json.Unmarshal(r.OldObject.Raw, &old); err != nil {
			return nil, err
		}
	}
	if monitor == nil || reflect.DeepEqual(old.Spec.Template, now.Spec.Template) {
		return nil, nil
	}
	now.Namespace = r.Namespace
	added, err := monitorAnnotations(ctx, *monitor, services, now.ObjectMeta, now.Spec.Template.Labels)
	if err != nil || len(added) == 0 {
		return nil, err
	}
	for k, v := range now.Spec.Template.Annotations {
		added[k] = v
	}
	return []patchOperation{{"add", "/spec/template/metadata/annotations", added}}, nil
}

// instrument changes a pod that asks for agents.
func (w *agentWebhook) instrument(_ context.Context, r *admission.AdmissionRequest) ([]patchOperation, error) {
	var pod core.Pod
	if err := json.Unmarshal(r.Object.Raw, &pod); err != nil {
		return nil, err
	}
	if !injectAgents(&pod) {
		return nil, nil
	}
	return []patchOperation{{"replace", "/spec", pod.Spec}}, nil
}

// reviewing serves admission reviews with change. A fault is reported and lets the object pass, as failurePolicy Ignore
// does.
func reviewing(change func(context.Context, *admission.AdmissionRequest) ([]patchOperation, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		var review admission.AdmissionReview
		if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxAdmission)).Decode(&review); err != nil || review.Request == nil {
			http.Error(rw, fmt.Sprintf("no admission review: %v", err), http.StatusBadRequest)
			return
		}
		answer := &admission.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		patch, err := change(r.Context(), review.Request)
		if err == nil && len(patch) > 0 {
			kind := admission.PatchTypeJSONPatch
			answer.PatchType = &kind
			answer.Patch, err = json.Marshal(patch)
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		review.Request, review.Response = nil, answer
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(review) // an API server that went away lets the object pass
	}
}
