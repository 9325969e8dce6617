package tests

import (
	"context"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/k8s"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	namespace  = "agentic-rag"
	deployment = "agentic-rag-api"
)

func secondUpIsEmpty(t *testing.T, where target) {
	if u := where.up(t); u.changed != 0 || u.unchanged == 0 {
		t.Errorf("the second up changes %d resources and leaves %d unchanged, want 0 and all:\n%s", u.changed, u.unchanged, u.output)
	}
}

func driftIsFoundAndHealed(t *testing.T, where target) {
	cs := clients(t, where)
	cpu := func() string {
		d, err := cs.AppsV1().Deployments(namespace).Get(t.Context(), deployment, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().String()
	}
	declared := cpu()
	patch := []byte(`[{"op":"replace","path":"/spec/template/spec/containers/0/resources/requests/cpu","value":"51m"}]`)
	if _, err := cs.AppsV1().Deployments(namespace).Patch(t.Context(), deployment, types.JSONPatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if u := where.refresh(t); u.changed != 1 {
		t.Errorf("refresh finds %d changes, want the one made behind its back:\n%s", u.changed, u.output)
	}
	if u := where.up(t); u.changed != 1 {
		t.Errorf("up heals %d resources, want 1:\n%s", u.changed, u.output)
	}
	if now := cpu(); now != declared {
		t.Errorf("the CPU request is %s after up, want %s as declared", now, declared)
	}
}

// eksTokenLogsIn: the API server takes a token as `aws eks get-token` makes it, for this cluster and no other.
func eksTokenLogsIn(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	creds, err := ekstoken.Load(s.layout)
	if err != nil {
		t.Fatal(err)
	}
	login := func(cluster string) error {
		token, _, err := ekstoken.Sign(creds, "eu-central-1", cluster, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		cs, err := kubernetes.NewForConfig(&rest.Config{
			Host: "https://" + s.layout.HostAddr(layout.PortAPIServer), BearerToken: token,
			TLSClientConfig: rest.TLSClientConfig{CAFile: s.layout.CA()},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cs.AppsV1().Deployments(namespace).Get(t.Context(), deployment, metav1.GetOptions{})
		return err
	}
	if err := login("rag-local"); err != nil {
		t.Errorf("a token for the cluster: %v", err)
	}
	if err := login("rag-other"); !apierrors.IsUnauthorized(err) {
		t.Errorf("a token for another cluster: %v, want Unauthorized", err)
	}
}

func clients(t *testing.T, where target) *kubernetes.Clientset {
	t.Helper()
	cs, err := k8s.GetKubernetesClientFromOptionsContextE(t, context.Background(), where.kubectl(t, namespace))
	if err != nil {
		t.Fatal(err)
	}
	return cs
}
