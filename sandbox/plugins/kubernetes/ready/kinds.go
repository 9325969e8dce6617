package ready

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// rules are by kind; what is not here is ready when it is there. Ingresses, which are waited for too, get no address here
// (package kubernetes says so). Source: provider/pkg/await/awaiters.go of https://github.com/pulumi/pulumi-kubernetes at v4.30.0; read 2026-11-30.
// Namespaces, definitions and API services are of our own: the next object needs them.
var rules = map[schema.GroupKind]Rule{
	{Kind: "Namespace"}:                  awaitPhase("Active"),
	{Kind: "PersistentVolume"}:           awaitPhase("Available", "Bound"),
	{Kind: "ReplicationController"}:      awaitReplicas,
	{Kind: "ResourceQuota"}:              awaitQuota,
	{Kind: "Secret"}:                     awaitToken,
	{Kind: "PersistentVolumeClaim"}:      awaitClaim,
	{Kind: "Pod"}:                        awaitPod,
	{Kind: "Service"}:                    awaitService,
	{Group: "apps", Kind: "Deployment"}:  awaitDeployment,
	{Group: "apps", Kind: "StatefulSet"}: awaitStatefulSet,
	{Group: "apps", Kind: "DaemonSet"}:   awaitDaemonSet,
	{Group: "batch", Kind: "Job"}:        awaitJob,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: awaitCondition("Established"),
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:             awaitCondition("Available"),
}

func number(u *unstructured.Unstructured, path ...string) int64 {
	n, ok, err := unstructured.NestedInt64(u.Object, path...)
	if err != nil || !ok {
		return 0
	}
	return n
}

func str(u *unstructured.Unstructured, path ...string) string {
	s, ok, err := unstructured.NestedString(u.Object, path...)
	if err != nil || !ok {
		return ""
	}
	return s
}

// condition returns the status, reason and message of a condition.
func condition(u *unstructured.Unstructured, kind string) (status, why string) {
	l, _, err := unstructured.NestedSlice(u.Object, "status", "conditions")
	if err != nil {
		return "", ""
	}
	for _, e := range l {
		if c, ok := e.(map[string]any); ok && c["type"] == kind {
			return fmt.Sprint(c["status"]), reasonOf(c)
		}
	}
	return "", ""
}

func reasonOf(condition map[string]any) string {
	var parts []string
	for _, k := range []string{"reason", "message"} {
		if s, ok := condition[k].(string); ok && s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

func awaitPhase(want ...string) func(context.Context, dynamic.Interface, *unstructured.Unstructured) State {
	return func(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
		phase := str(u, "status", "phase")
		return State{Ready: slices.Contains(want, phase), Reason: "phase is " + phase + ", want " + strings.Join(want, " or ")}
	}
}

func awaitCondition(kind string) func(context.Context, dynamic.Interface, *unstructured.Unstructured) State {
	return func(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
		status, why := condition(u, kind)
		return State{Ready: status == "True", Reason: kind + " is " + status + " " + why}
	}
}

// awaitClaim: a claim of a class that binds on first use is ready while it waits for its pod.
func awaitClaim(ctx context.Context, c dynamic.Interface, u *unstructured.Unstructured) State {
	phase := str(u, "status", "phase")
	if phase == "Bound" {
		return State{Ready: true}
	}
	classes := c.Resource(schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"})
	class, err := classes.Get(ctx, str(u, "spec", "storageClassName"), metav1.GetOptions{})
	if err == nil && str(class, "volumeBindingMode") == "WaitForFirstConsumer" {
		return State{Ready: true}
	}
	return State{Reason: "phase is " + phase + ", want Bound"}
}

func awaitPod(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	phase := str(u, "status", "phase")
	status, why := condition(u, "Ready")
	return State{Ready: status == "True" || phase == "Succeeded", Failed: phase == "Failed", Reason: phase + " " + why}
}

// awaitDeployment and the next two say what the official provider says, and wait for what it waits for.
// Source: provider/pkg/await/{deployment,statefulset,daemonset}.go of https://github.com/pulumi/pulumi-kubernetes at v4.30.0; of
// a DaemonSet it says what kstatus does: pkg/kstatus/status/core.go of https://github.com/kubernetes-sigs/cli-utils , as
// remembered. Read 2026-11-30.
func awaitDeployment(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	seen := number(u, "status", "observedGeneration") >= u.GetGeneration()
	if s, why := condition(u, "Progressing"); seen && s == "False" {
		return State{Failed: true, Reason: why}
	}
	want, updated, available := wanted(u), number(u, "status", "updatedReplicas"), number(u, "status", "availableReplicas")
	old := number(u, "status", "replicas") - updated
	s := State{
		Ready:  seen && updated >= want && available >= want && old <= 0,
		Reason: fmt.Sprintf("Waiting for app ReplicaSet to be available (%d/%d Pods available)", min(updated, available), want),
	}
	if updated >= want && available >= want && old > 0 {
		s.Reason = fmt.Sprintf("Waiting for the %d Pods of older ReplicaSets to end", old)
	}
	return s
}

// wanted is how many replicas an object asks for.
func wanted(u *unstructured.Unstructured) int64 {
	if n, ok, err := unstructured.NestedInt64(u.Object, "spec", "replicas"); ok && err == nil {
		return n
	}
	return 1
}

func awaitStatefulSet(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	seen, first := number(u, "status", "observedGeneration") >= u.GetGeneration(), u.GetGeneration() <= 1
	want, ready, updated := wanted(u), number(u, "status", "readyReplicas"), number(u, "status", "updatedReplicas")
	replicas, revision := seen && ready == want && number(u, "status", "replicas") == want, str(u, "status", "currentRevision")
	current := revision != "" && revision == str(u, "status", "updateRevision")
	if !first && str(u, "spec", "updateStrategy", "type") == "OnDelete" {
		current, updated = true, ready
	} else {
		replicas = replicas && number(u, "status", "currentReplicas") == want
	}
	s := State{Ready: replicas && current, Reason: "[2/3] Waiting for StatefulSet to update .status.currentRevision"}
	switch {
	case first:
		s.Reason = fmt.Sprintf("[1/2] Waiting for StatefulSet to create Pods (%d/%d Pods ready)", ready, want)
	case !replicas:
		s.Reason = fmt.Sprintf("[1/3] Waiting for StatefulSet update to roll out (%d/%d Pods ready)", min(ready, updated), want)
	}
	return s
}

func awaitDaemonSet(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	if number(u, "status", "observedGeneration") < u.GetGeneration() {
		return State{Reason: "DaemonSet generation is not yet observed"}
	}
	want := number(u, "status", "desiredNumberScheduled")
	for _, count := range []struct{ name, field string }{
		{"Current", "currentNumberScheduled"}, {"Updated", "updatedNumberScheduled"}, {"Available", "numberAvailable"}, {"Ready", "numberReady"},
	} {
		if n := number(u, "status", count.field); n < want {
			return State{Reason: fmt.Sprintf("%s: %d/%d", count.name, n, want)}
		}
	}
	return State{Ready: true}
}

// awaitReplicas is of a ReplicationController.
func awaitReplicas(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	want, available := wanted(u), number(u, "status", "availableReplicas")
	return State{Ready: available == want, Reason: fmt.Sprintf("%d of %d replicas available", available, want)}
}

// awaitQuota: a quota holds once its controller has taken it over.
func awaitQuota(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	want, _, err := unstructured.NestedStringMap(u.Object, "spec", "hard")
	held, _, heldErr := unstructured.NestedStringMap(u.Object, "status", "hard")
	return State{Ready: err == nil && heldErr == nil && maps.Equal(want, held), Reason: "status.hard is not yet spec.hard"}
}

// awaitToken: a token of a service account is written by a controller.
func awaitToken(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	data, _, err := unstructured.NestedMap(u.Object, "data")
	return State{Ready: str(u, "type") != string(corev1.SecretTypeServiceAccountToken) || err == nil && len(data) > 0, Reason: "the token is not there yet"}
}

func awaitJob(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
	if s, why := condition(u, "Failed"); s == "True" {
		return State{Failed: true, Reason: why}
	}
	s, _ := condition(u, "Complete")
	suspended, _, err := unstructured.NestedBool(u.Object, "spec", "suspend")
	return State{Ready: s == "True" || suspended && err == nil, Reason: fmt.Sprintf("%d of its pods active", number(u, "status", "active"))}
}

// awaitService: a service that selects pods is ready when one of them answers for it. The text is the official provider's
// (provider/pkg/await/service.go at v4.30.0; read 2026-11-30). Of type LoadBalancer there is none here.
func awaitService(ctx context.Context, c dynamic.Interface, u *unstructured.Unstructured) State {
	selector, _, err := unstructured.NestedStringMap(u.Object, "spec", "selector")
	if err != nil || len(selector) == 0 || str(u, "spec", "type") == "ExternalName" || str(u, "spec", "clusterIP") == "None" {
		return State{Ready: true}
	}
	found, err := c.Resource(schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}).
		Namespace(u.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + u.GetName()})
	if err != nil {
		return State{Reason: err.Error()}
	}
	for _, s := range found.Items {
		if hasReadyEndpoint(&s) {
			return State{Ready: true}
		}
	}
	return State{Reason: "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods"}
}

func hasReadyEndpoint(slice *unstructured.Unstructured) bool {
	l, _, err := unstructured.NestedSlice(slice.Object, "endpoints")
	if err != nil {
		return false
	}
	for _, e := range l {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		ready, found, err := unstructured.NestedBool(m, "conditions", "ready")
		if err == nil && (ready || !found) {
			return true
		}
	}
	return false
}
