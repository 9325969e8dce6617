package tests

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/k8s"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
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
	image := func() string {
		d, err := cs.AppsV1().Deployments(namespace).Get(t.Context(), deployment, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().String()
	}
	declared := image()
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
	if now := image(); now != declared {
		t.Errorf("the CPU request is %s after up, want %s as declared", now, declared)
	}
}

func eksTokenLogsIn(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	cfg, err := os.ReadFile(s.layout.Kubeconfig())
	if err != nil || !strings.Contains(string(cfg), s.layout.HostIP()) {
		t.Fatalf("the kubeconfig does not name %s (%v)", s.layout.HostIP(), err)
	}
	// The program's own provider logged in by EKS token for all that is declared; the managers of its objects say so.
	d, err := clients(t, where).AppsV1().Deployments(namespace).Get(t.Context(), deployment, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.ManagedFields {
		if strings.HasPrefix(f.Manager, "pulumi-kubernetes-") && f.Operation == metav1.ManagedFieldsOperationApply {
			return
		}
	}
	t.Errorf("no field of %s was applied by the program", deployment)
}

func clients(t *testing.T, where target) *kubernetes.Clientset {
	t.Helper()
	cs, err := k8s.GetKubernetesClientFromOptionsContextE(t, context.Background(), where.kubectl(t, namespace))
	if err != nil {
		t.Fatal(err)
	}
	return cs
}
