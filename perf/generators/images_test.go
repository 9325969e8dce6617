package generators

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
)

const longDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func runningPod(namespace, name, container, imageID string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: container, ImageID: imageID, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
	}
}

func TestImagesAreTheDigestsOfWhatRuns(t *testing.T) {
	waiting := runningPod("rag", "waits", "api", "registry/rag@"+strings.Replace(longDigest, "0", "9", 1))
	waiting.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}
	c := Cluster{Clients: fake.NewClientset(
		runningPod("rag", "b", "pgbouncer", "docker-pullable://registry/pgbouncer@"+strings.Replace(longDigest, "0", "a", 1)),
		runningPod("rag", "a-1", "api", "registry/rag@"+longDigest), runningPod("rag", "a-2", "api", "registry/rag@"+longDigest),
		runningPod("rag", "rolls-out", "api", "registry/rag@"+strings.Replace(longDigest, "0", "b", 1)),
		runningPod("rag", "local", "chroma", "local://chroma:1"), runningPod("rag", "odd", "odd", "x@sha256:<script>"),
		runningPod("rag", "short", "short", "x@sha256:ab"), runningPod("other", "c", "other", "registry/other@"+longDigest), waiting,
	)}
	got, err := c.Images(t.Context(), "rag")
	if want := "api@sha256:0123456789ab, api@sha256:b123456789ab, pgbouncer@sha256:a123456789ab, short@sha256:ab"; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if got, err := c.Images(t.Context(), "none"); got != "" || err != nil {
		t.Errorf("a namespace without pods: %q, %v", got, err)
	}
}

func TestImagesAreBoundedAndAFaultNamesItsPlace(t *testing.T) {
	var pods []runtime.Object
	for i := range 40 {
		pods = append(pods, runningPod("rag", fmt.Sprint(i), fmt.Sprintf("c%02d", i), "x@"+longDigest))
	}
	clients := fake.NewClientset(pods...)
	got, err := Cluster{Clients: clients}.Images(t.Context(), "rag")
	if err != nil || strings.Count(got, "@") != mostImages || !strings.HasSuffix(got, ", 8 others") {
		t.Errorf("%s, %v", got, err)
	}
	clients.PrependReactor("list", "pods", func(kubetesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("forbidden") })
	if _, err := (Cluster{Clients: clients}).Images(t.Context(), "rag"); err == nil || err.Error() != "images of namespace rag: forbidden" {
		t.Error(err)
	}
}
