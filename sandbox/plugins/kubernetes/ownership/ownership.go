// Package ownership knows which files of a pod its user could not use on a node.
//
// Owns: which volumes are root's there, and who needs securityContext.fsGroup for them. Does not own: who is told (package
// kubernetes). In the sandbox all files of a pod are its own user's, with and without fsGroup: a rootless namespace has one
// user and one group.
package ownership

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// templates are where objects have their pod's spec, by kind.
var templates = map[string][]string{
	"Pod":        {"spec"},
	"Deployment": {"spec", "template", "spec"}, "StatefulSet": {"spec", "template", "spec"}, "DaemonSet": {"spec", "template", "spec"},
	"ReplicaSet": {"spec", "template", "spec"}, "Job": {"spec", "template", "spec"},
	"CronJob": {"spec", "jobTemplate", "spec", "template", "spec"},
}

// Foreign are the volumes that a pod's user could not use on a node.
// Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ (fsGroup) and
// https://kubernetes.io/docs/concepts/configuration/secret/ (defaultMode); read 2026-11-30.
func Foreign(u *unstructured.Unstructured) []string {
	path := templates[u.GetKind()]
	if len(path) == 0 {
		return nil
	}
	var spec corev1.PodSpec
	template, found, err := unstructured.NestedMap(u.Object, path...)
	if err != nil || !found || runtime.DefaultUnstructuredConverter.FromUnstructured(template, &spec) != nil || !foreign(spec) {
		return nil // the API server says what is wrong with it
	}
	var out []string
	for _, volume := range spec.Volumes {
		if why := closed(volume); why != "" {
			out = append(out, fmt.Sprintf("%s.volumes[%s]: %s, and the pod's user is another: want securityContext.fsGroup. "+
				"It works in the sandbox, where all files are the pod's own", strings.Join(path, "."), volume.Name, why))
		}
	}
	return out
}

// foreign tells whether a pod runs as another user than root, who owns its volumes, and takes no group along.
func foreign(spec corev1.PodSpec) bool {
	of := spec.SecurityContext
	if of != nil && of.FSGroup != nil {
		return false
	}
	if of != nil && another(of.RunAsUser, of.RunAsNonRoot) {
		return true
	}
	return slices.ContainsFunc(spec.Containers, func(c corev1.Container) bool {
		return c.SecurityContext != nil && another(c.SecurityContext.RunAsUser, c.SecurityContext.RunAsNonRoot)
	})
}

// another tells whether a user is not root.
func another(user *int64, nonRoot *bool) bool {
	return user != nil && *user != 0 || nonRoot != nil && *nonRoot
}

// closed says why nobody but root may use a volume; "" for one that is open.
func closed(v corev1.Volume) string {
	if v.PersistentVolumeClaim != nil && !v.PersistentVolumeClaim.ReadOnly || v.Ephemeral != nil {
		return "on a node a new volume is root's, to be written by root alone"
	}
	var mode *int32
	switch {
	case v.Secret != nil:
		mode = v.Secret.DefaultMode
	case v.ConfigMap != nil:
		mode = v.ConfigMap.DefaultMode
	}
	const othersRead = 0o004
	if mode != nil && *mode&othersRead == 0 {
		return "on a node its files are root's, with the mode 0" + strconv.FormatInt(int64(*mode), 8)
	}
	return ""
}
