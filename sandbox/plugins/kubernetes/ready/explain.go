package ready

import (
	"context"
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/dynamic"
)

// Explain is what the user would look up next of an object that is not ready: the last warnings of it and its pods, and the
// pods that are not ready.
func Explain(ctx context.Context, c dynamic.Interface, u *unstructured.Unstructured) []string {
	return append(warnings(ctx, c, u), pods(ctx, c, u)...)
}

func warnings(ctx context.Context, c dynamic.Interface, u *unstructured.Unstructured) []string {
	events, err := c.Resource(corev1.SchemeGroupVersion.WithResource("events")).Namespace(u.GetNamespace()).
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

func pods(ctx context.Context, c dynamic.Interface, u *unstructured.Unstructured) []string {
	labels, _, err := unstructured.NestedStringMap(u.Object, "spec", "selector", "matchLabels")
	if err != nil || len(labels) == 0 {
		return nil
	}
	list, err := c.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(u.GetNamespace()).
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
