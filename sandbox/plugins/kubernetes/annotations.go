package kubernetes

import (
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Annotations with which an object says how the official provider is to treat it; two more are package ready's.
// Source: provider/pkg/metadata (annotations.go, overrides.go) and provider/pkg/await/condition of
// https://github.com/pulumi/pulumi-kubernetes at v4.30.0; read 2026-11-30. Of them replaceUnready is not imitated: an object
// that was not ready is waited for again.
const (
	timeoutSeconds      = "pulumi.com/timeoutSeconds" // how long it is waited for
	patchForce          = "pulumi.com/patchForce"     // "true" takes fields that another owns
	patchFieldManager   = "pulumi.com/patchFieldManager"
	deletionPropagation = "pulumi.com/deletionPropagationPolicy"
)

// defaultTimeout is the official provider's for workloads.
const defaultTimeout = 10 * time.Minute

// awaitTimeout is the resource's own timeout in the program, else the annotation's, else the default.
func awaitTimeout(u *unstructured.Unstructured, seconds float64) time.Duration {
	if seconds > 0 {
		return secondsToDuration(seconds)
	}
	if n, err := strconv.Atoi(u.GetAnnotations()[timeoutSeconds]); err == nil {
		return time.Duration(n) * time.Second
	}
	return defaultTimeout
}

// propagationOf is what becomes of what an object owns. The deletion of what owns pods ends when they have; any other object
// ends at once, where the official provider waits in the foreground too: asking the garbage collector would wait, for a custom
// kind, until it has heard of the kind, up to 30 s.
func propagationOf(u *unstructured.Unstructured) metav1.DeletionPropagation {
	switch strings.ToLower(u.GetAnnotations()[deletionPropagation]) {
	case "orphan":
		return metav1.DeletePropagationOrphan
	case "background":
		return metav1.DeletePropagationBackground
	case "foreground":
		return metav1.DeletePropagationForeground
	}
	switch u.GroupVersionKind().Group {
	case "apps", "batch":
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}
