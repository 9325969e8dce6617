// Package downward is what a pod may know of itself: the downward API.
//
// Owns: field and resource references. Does not own: where the values go, environment (env) or volume (volume).
package downward

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// View is what the downward API shows of a pod.
type View struct {
	Pod         *corev1.Pod
	PodIP       string
	HostIP      string
	Allocatable corev1.ResourceList // of the node: the limit of a container without one
}

// Hostname is the pod's own name for itself.
func (v View) Hostname() string {
	if v.Pod.Spec.Hostname != "" {
		return v.Pod.Spec.Hostname
	}
	return v.Pod.Name
}

// Field is the value of a fieldRef path.
func (v View) Field(path string) (string, error) {
	if name, key, ok := subscript(path); ok {
		switch name {
		case "metadata.labels":
			return v.Pod.Labels[key], nil
		case "metadata.annotations":
			return v.Pod.Annotations[key], nil
		}
	}
	plain := map[string]string{
		"metadata.name":           v.Pod.Name,
		"metadata.namespace":      v.Pod.Namespace,
		"metadata.uid":            string(v.Pod.UID),
		"metadata.labels":         quoted(v.Pod.Labels),
		"metadata.annotations":    quoted(v.Pod.Annotations),
		"spec.nodeName":           v.Pod.Spec.NodeName,
		"spec.serviceAccountName": v.Pod.Spec.ServiceAccountName,
		"status.podIP":            v.PodIP,
		"status.podIPs":           v.PodIP,
		"status.hostIP":           v.HostIP,
		"status.hostIPs":          v.HostIP,
	}
	value, ok := plain[path]
	if !ok {
		return "", fmt.Errorf("fieldPath %s is not supported", path)
	}
	return value, nil
}

// subscript splits metadata.labels['key'].
func subscript(path string) (name, key string, ok bool) {
	name, rest, ok := strings.Cut(path, "['")
	if !ok {
		return "", "", false
	}
	key, ok = strings.CutSuffix(rest, "']")
	return name, key, ok
}

// quoted is a map as the downward API writes it: sorted lines of key="value".
func quoted(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, k+"="+strconv.Quote(m[k]))
	}
	return strings.Join(lines, "\n")
}

// ResourceField is a container's request or limit in units of the divisor, rounded up. A limit that is not set is the node's.
func (v View) ResourceField(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	resource := corev1.ResourceName(name)
	list := c.Resources.Limits
	if kind == "requests" {
		list = c.Resources.Requests
	}
	quantity, ok := list[resource]
	if !ok && kind == "limits" {
		quantity = v.Allocatable[resource]
	}
	if resource == corev1.ResourceCPU {
		divisor := ref.Divisor.MilliValue()
		if divisor == 0 {
			divisor = 1000
		}
		return strconv.FormatInt(ceil(quantity.MilliValue(), divisor), 10), nil
	}
	divisor := max(ref.Divisor.Value(), 1)
	return strconv.FormatInt(ceil(quantity.Value(), divisor), 10), nil
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }
