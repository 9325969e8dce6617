package generators

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	digestMark = "@sha256:"
	// digestLetters of a digest tell images apart: as many as container tools show.
	digestLetters = 12
	// mostImages bounds what a fingerprint says of images.
	mostImages = 32
)

// Images are what the pods of a namespace run, by their containers, for a run's fingerprint: "api@sha256:0123456789ab"
// and others, parted by commas. Images of one name may differ. "" where no pod tells a digest, as on nodes whose images
// have none.
func (c Cluster) Images(ctx context.Context, namespace string) (string, error) {
	pods, err := c.Clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("images of namespace %s: %w", namespace, err)
	}
	var all []string
	for _, pod := range pods.Items {
		for _, s := range pod.Status.ContainerStatuses {
			if digest := digestOf(s); digest != "" {
				all = append(all, s.Name+digestMark+digest)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if more := len(all) - mostImages; more > 0 {
		all = append(all[:mostImages], fmt.Sprintf("%d others", more))
	}
	return strings.Join(all, ", "), nil
}

// digestOf is the digest of the image that a container runs, shortened; "" where its node tells none.
// Source: imageID of https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ , as remembered
// 2026-11-30: registry/name@sha256:… of what was pulled.
func digestOf(s corev1.ContainerStatus) string {
	_, digest, found := strings.Cut(s.ImageID, digestMark)
	if !found || s.State.Running == nil || strings.Trim(digest, "0123456789abcdef") != "" {
		return ""
	}
	return digest[:min(digestLetters, len(digest))]
}
