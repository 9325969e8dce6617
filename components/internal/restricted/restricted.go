// Package restricted declares what Kubernetes' "restricted" pod security standard asks for.
//
// Owns: the security contexts of pods and containers, a namespace that is held to the standard. Does not own: which
// user an image runs as.
package restricted

import (
	"fmt"
	"maps"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// modes are enforced, audited and warned about alike.
var modes = []string{"enforce", "audit", "warn"}

// NewNamespace declares a namespace whose pods are held to the standard.
func NewNamespace(ctx *pulumi.Context, name, namespace string, labels pulumi.StringMap,
	opts ...pulumi.ResourceOption) (*corev1.Namespace, error) {
	all := maps.Clone(labels)
	for _, mode := range modes {
		all["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
		all["pod-security.kubernetes.io/"+mode+"-version"] = pulumi.String("latest")
	}
	declared, err := corev1.NewNamespace(ctx, name, &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(namespace), Labels: all},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return declared, nil
}

// Pod is the context of a pod whose processes run as the user and its group.
func Pod(user int) *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(true),
		RunAsUser:      pulumi.Int(user),
		RunAsGroup:     pulumi.Int(user),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
}

// PodWithVolumes is the same of a pod whose volumes' files belong to the group.
func PodWithVolumes(user int) *corev1.PodSecurityContextArgs {
	context := Pod(user)
	context.FsGroup = pulumi.Int(user)
	return context
}

// Container is the context of a container, with a read-only root beside what the standard asks for.
func Container() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
	}
}
