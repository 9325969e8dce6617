package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

type resourceClient = dynamic.ResourceInterface

const pollInterval = 150 * time.Millisecond // the API server is on this machine

// state is what a kind's rule says of a live object.
type state struct {
	ready  bool
	failed bool // no waiting helps
	reason string
}

// await polls until the object of a resource works, as its kind defines it, and says what it waits for. The last live object
// is returned also with an error. seconds is the program's own timeout, 0 for none.
func (p *provider) await(ctx context.Context, urn resource.URN, u *unstructured.Unstructured, seconds float64) (*unstructured.Unstructured, error) {
	rule, err := ruleOf(u)
	if rule == nil || err != nil {
		return u, err
	}
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout(u, seconds))
	defer cancel()
	c, err := p.connected()
	if err != nil {
		return u, err
	}
	w := &waiting{to: p.engine, urn: urn, began: time.Now()}
	defer w.over(ctx)
	for {
		s := rule(ctx, c, u)
		if s.ready {
			return u, nil
		}
		if s.failed {
			return u, p.describe(u, s.reason)
		}
		w.explain = func() string { return p.describe(u, s.reason).Error() }
		w.until(ctx, s.reason)
		select {
		case <-ctx.Done():
			return u, p.describe(u, "not ready: "+s.reason)
		case <-time.After(pollInterval):
		}
		if u, err = c.renew(ctx, u); err != nil {
			return u, err
		}
	}
}

// ruleOf is what an object is waited for: what its annotation says, else its kind's rule; nil for nothing.
func ruleOf(u *unstructured.Unstructured) (func(context.Context, *cluster, *unstructured.Unstructured) state, error) {
	if u.GetAnnotations()[skipAwait] == "true" {
		return nil, nil
	}
	wanted, err := wishes(u.GetAnnotations()[waitFor])
	if err != nil || wanted == nil {
		return rules[u.GroupVersionKind().GroupKind()], err
	}
	return func(_ context.Context, _ *cluster, u *unstructured.Unstructured) state { return all(wanted, u) }, nil
}

// renew reads u again. An API server that does not answer now may do so at the next try.
func (c *cluster) renew(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := c.resourceFor(u, u.GetNamespace())
	if err != nil {
		return u, err
	}
	live, err := client.Get(ctx, u.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return u, fmt.Errorf("%s %s was deleted while it was waited for", u.GetKind(), objectID(u))
	case err != nil:
		return u, nil //nolint:nilerr // the wait goes on; its deadline ends it
	}
	return live, nil
}

// awaitGone waits until the object and, by foreground deletion, all it owns are gone.
func awaitGone(ctx context.Context, client resourceClient, u *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	for {
		live, err := client.Get(ctx, u.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && u.GetUID() != "" && live.GetUID() != u.GetUID() {
			return nil
		}
		select {
		case <-ctx.Done():
			detail := ""
			if live != nil {
				detail = fmt.Sprintf("; finalizers %v", live.GetFinalizers())
			}
			return fmt.Errorf("%s %s is still there%s", u.GetKind(), objectID(u), detail)
		case <-time.After(pollInterval):
		}
	}
}

var rules = map[schema.GroupKind]func(context.Context, *cluster, *unstructured.Unstructured) state{
	{Kind: "Namespace"}:                  awaitPhase("Active"),
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

func awaitPhase(want string) func(context.Context, *cluster, *unstructured.Unstructured) state {
	return func(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
		phase := str(u, "status", "phase")
		return state{ready: phase == want, reason: "phase is " + phase + ", want " + want}
	}
}

func awaitCondition(kind string) func(context.Context, *cluster, *unstructured.Unstructured) state {
	return func(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
		status, why := condition(u, kind)
		return state{ready: status == "True", reason: kind + " is " + status + " " + why}
	}
}

// awaitClaim: a claim of a class that binds on first use is ready while it waits for its pod.
func awaitClaim(ctx context.Context, c *cluster, u *unstructured.Unstructured) state {
	phase := str(u, "status", "phase")
	if phase == "Bound" {
		return state{ready: true}
	}
	classes := c.dynamic.Resource(schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"})
	class, err := classes.Get(ctx, str(u, "spec", "storageClassName"), metav1.GetOptions{})
	if err == nil && str(class, "volumeBindingMode") == "WaitForFirstConsumer" {
		return state{ready: true}
	}
	return state{reason: "phase is " + phase + ", want Bound"}
}

func awaitPod(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
	phase := str(u, "status", "phase")
	status, why := condition(u, "Ready")
	return state{ready: status == "True" || phase == "Succeeded", failed: phase == "Failed", reason: phase + " " + why}
}

func awaitDeployment(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
	seen := number(u, "status", "observedGeneration") >= u.GetGeneration()
	if s, why := condition(u, "Progressing"); seen && s == "False" {
		return state{failed: true, reason: why}
	}
	want := int64(1)
	if n, ok, err := unstructured.NestedInt64(u.Object, "spec", "replicas"); ok && err == nil {
		want = n
	}
	updated, available := number(u, "status", "updatedReplicas"), number(u, "status", "availableReplicas")
	old := number(u, "status", "replicas") - updated
	return state{
		ready:  seen && updated >= want && available >= want && old <= 0,
		reason: fmt.Sprintf("%d of %d replicas updated, %d available, %d old ones left", updated, want, available, max(old, 0)),
	}
}

func awaitStatefulSet(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
	want := int64(1)
	if n, ok, err := unstructured.NestedInt64(u.Object, "spec", "replicas"); ok && err == nil {
		want = n
	}
	seen := number(u, "status", "observedGeneration") >= u.GetGeneration()
	ready, updated := number(u, "status", "readyReplicas"), number(u, "status", "updatedReplicas")
	return state{
		ready:  seen && ready >= want && updated >= want,
		reason: fmt.Sprintf("%d of %d replicas ready, %d updated", ready, want, updated),
	}
}

func awaitDaemonSet(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
	seen := number(u, "status", "observedGeneration") >= u.GetGeneration()
	want, ready := number(u, "status", "desiredNumberScheduled"), number(u, "status", "numberReady")
	return state{ready: seen && ready >= want, reason: fmt.Sprintf("%d of %d pods ready", ready, want)}
}

func awaitJob(_ context.Context, _ *cluster, u *unstructured.Unstructured) state {
	if s, why := condition(u, "Failed"); s == "True" {
		return state{failed: true, reason: why}
	}
	s, _ := condition(u, "Complete")
	suspended, _, err := unstructured.NestedBool(u.Object, "spec", "suspend")
	return state{ready: s == "True" || suspended && err == nil, reason: fmt.Sprintf("%d of its pods active", number(u, "status", "active"))}
}

// awaitService: a service that selects pods is ready when one of them answers for it. The text is the official provider's
// (provider/pkg/await/service.go at v4.30.0; read 2026-11-30). Of type LoadBalancer there is none here (unservedKind).
func awaitService(ctx context.Context, c *cluster, u *unstructured.Unstructured) state {
	selector, _, err := unstructured.NestedStringMap(u.Object, "spec", "selector")
	if err != nil || len(selector) == 0 || str(u, "spec", "type") == "ExternalName" || str(u, "spec", "clusterIP") == "None" {
		return state{ready: true}
	}
	slices, err := c.dynamic.Resource(schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}).
		Namespace(u.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + u.GetName()})
	if err != nil {
		return state{reason: err.Error()}
	}
	for _, s := range slices.Items {
		if hasReadyEndpoint(&s) {
			return state{ready: true}
		}
	}
	return state{reason: "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods"}
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

// describe adds to a reason what the user would look up next: the pods' states and the last warnings.
func (p *provider) describe(u *unstructured.Unstructured, reason string) error {
	head := fmt.Errorf("%s %s: %s", u.GetKind(), objectID(u), reason)
	c, err := p.connected()
	if err != nil {
		return head
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	lines := append(c.warnings(ctx, u), c.pods(ctx, u)...)
	if len(lines) == 0 {
		return head
	}
	return errors.Join(head, errors.New(strings.Join(lines, "\n")))
}

func (c *cluster) warnings(ctx context.Context, u *unstructured.Unstructured) []string {
	events, err := c.dynamic.Resource(corev1.SchemeGroupVersion.WithResource("events")).Namespace(u.GetNamespace()).
		List(ctx, metav1.ListOptions{FieldSelector: fields.Set{"type": "Warning"}.String()})
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	var out []string
	for _, e := range events.Items {
		about := str(&e, "involvedObject", "name")
		line := fmt.Sprintf("  %s %s: %s", about, str(&e, "reason"), str(&e, "message"))
		if (about == u.GetName() || strings.HasPrefix(about, u.GetName()+"-")) && !seen[line] {
			seen[line] = true
			out = append(out, line)
		}
	}
	sort.Strings(out)
	return out[max(0, len(out)-5):]
}

func (c *cluster) pods(ctx context.Context, u *unstructured.Unstructured) []string {
	labels, _, err := unstructured.NestedStringMap(u.Object, "spec", "selector", "matchLabels")
	if err != nil || len(labels) == 0 {
		return nil
	}
	list, err := c.dynamic.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(u.GetNamespace()).
		List(ctx, metav1.ListOptions{LabelSelector: fields.Set(labels).String()})
	if err != nil {
		return nil
	}
	var out []string
	for _, pod := range list.Items {
		if ready, why := condition(&pod, "Ready"); ready != "True" {
			out = append(out, fmt.Sprintf("  pod %s is %s: %s", pod.GetName(), str(&pod, "status", "phase"), why))
		}
	}
	return out[:min(len(out), 5)]
}
