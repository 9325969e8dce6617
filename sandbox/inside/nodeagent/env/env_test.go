package env

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/downward"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
)

// memoryObjects are objects of one namespace, by name.
type memoryObjects struct {
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	services   []*corev1.Service
}

func (o *memoryObjects) Services(string) ([]*corev1.Service, error) { return o.services, nil }

func (o *memoryObjects) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if cm, ok := o.configMaps[name]; ok {
		return cm, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (o *memoryObjects) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	if s, ok := o.secrets[name]; ok {
		return s, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func exampleView() downward.View {
	return downward.View{
		Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-0", Namespace: "rag", UID: "u1", Labels: map[string]string{"app": "api", "tier": `a"b`}},
			Spec: corev1.PodSpec{NodeName: "n1", ServiceAccountName: "api"}},
		PodIP: "10.77.1.5", HostIP: "10.77.0.10",
		Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi")},
	}
}

func TestExpandReplacesKnownNamesOnly(t *testing.T) {
	env := map[string]string{"A": "1", "EMPTY": ""}
	for in, want := range map[string]string{
		"$(A)": "1", "x$(A)y$(A)": "x1y1", "$(NONE)": "$(NONE)", "$$(A)": "$(A)", "$$$(A)": "$1", "$(EMPTY)": "", "cost $5": "cost $5",
		"$": "$", "$(A": "$(A", "": "",
	} {
		if got := Expand(in, env); got != want {
			t.Errorf("expand(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestContainerEnvTakesEverySource(t *testing.T) {
	src := &memoryObjects{
		configMaps: map[string]*corev1.ConfigMap{"c": {Data: map[string]string{"LEVEL": "debug", "K": "cm"}}},
		secrets:    map[string]*corev1.Secret{"s": {Data: map[string][]byte{"PW": []byte("x")}}},
	}
	no := true
	field := func(p string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: p}}
	}
	c := &corev1.Container{
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m")}},
		EnvFrom: []corev1.EnvFromSource{
			{Prefix: "C_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "absent"}, Optional: &no}},
		},
		Env: []corev1.EnvVar{
			{Name: "PW", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "PW"}}},
			{Name: "IP", ValueFrom: field("status.podIP")},
			{Name: "APP", ValueFrom: field("metadata.labels['app']")},
			{Name: "URL", Value: "http://$(IP):80/$(C_LEVEL)"},
			{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "requests.cpu", Divisor: resource.MustParse("1m")}}},
			{Name: "MEM", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}}},
			{Name: "GONE", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}, Key: "none", Optional: &no}}},
		},
	}
	v := exampleView()
	src.services = []*corev1.Service{testService("app", "10.96.0.7", corev1.ServicePort{Port: 80})}
	v.Pod.Spec.EnableServiceLinks = new(bool)
	got, err := Of(t.Context(), src, v, c, image.Image{Env: map[string]string{"FROM_IMAGE": "1", "HOME": "/data"}}, "10.96.0.1:443")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"APP=api", "CPU=250", "C_K=cm", "C_LEVEL=debug", "FROM_IMAGE=1", "HOME=/data", "HOSTNAME=api-0", "IP=10.77.1.5",
		"KUBERNETES_PORT=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1",
		"KUBERNETES_PORT_443_TCP_PORT=443", "KUBERNETES_PORT_443_TCP_PROTO=tcp", "KUBERNETES_SERVICE_HOST=10.96.0.1",
		"KUBERNETES_SERVICE_PORT=443", "KUBERNETES_SERVICE_PORT_HTTPS=443", "MEM=8192", "PATH=" + DefaultPath, "PW=x", "URL=http://10.77.1.5:80/debug"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestMissingKeyOfASecretIsNamed(t *testing.T) {
	src := &memoryObjects{secrets: map[string]*corev1.Secret{"s": {}}}
	c := &corev1.Container{Env: []corev1.EnvVar{{Name: "PW", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "pw"}}}}}
	_, err := Of(t.Context(), src, exampleView(), c, image.Image{}, "")
	want := "env PW: couldn't find key pw in Secret rag/s"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
