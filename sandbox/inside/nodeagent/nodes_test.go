package nodeagent

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// A DaemonSet whose pods tolerate everything makes a new one for each that goes, as long as there is the node.
func TestANodeGoesAlthoughADaemonSetToleratesEverything(t *testing.T) {
	b := newBed(t, nil)
	controller := true
	daemonPod := func(generation int) *corev1.Pod {
		p := boundPod(fmt.Sprintf("log-%d", generation), "run:1", corev1.RestartPolicyAlways)
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "log", Controller: &controller}}
		return p
	}
	made := 0
	b.client.PrependReactor("delete", "pods", func(clienttesting.Action) (bool, apiruntime.Object, error) {
		if _, err := b.client.Tracker().Get(corev1.SchemeGroupVersion.WithResource("nodes"), "", "n1"); err == nil {
			made++
			if err := b.client.Tracker().Add(daemonPod(made)); err != nil {
				t.Error(err)
			}
		}
		return false, nil, nil
	})
	b.create(daemonPod(0))
	b.until("log-0", "Running", phaseIs(corev1.PodRunning))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.agent.SetNodes(ctx, []Node{{Name: "n2", CPUMilli: 1000, MemoryBytes: 1, MaxPods: 1}}); err != nil {
		t.Fatal(err)
	}
	left, err := b.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 || made > 0 {
		t.Errorf("%d pods are left and %d were made anew (%v), want none", len(left.Items), made, err)
	}
}

func TestVolumesOfObjectsAreReadOnly(t *testing.T) {
	p := boundPod("p", "run:1", corev1.RestartPolicyAlways)
	p.Spec.Volumes = []corev1.Volume{
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}},
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "config", MountPath: "/config"}, {Name: "scratch", MountPath: "/scratch"}}
	b := newBed(t, nil)
	if _, err := b.client.CoreV1().ConfigMaps(p.Namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: p.Namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.create(p)
	b.until("p", "Running", phaseIs(corev1.PodRunning))
	for _, m := range b.rt.started[0].Spec.Mounts {
		if want := m.Target == "/config"; (m.Target == "/config" || m.Target == "/scratch") && m.ReadOnly != want {
			t.Errorf("%s is read-only %t, want %t", m.Target, m.ReadOnly, want)
		}
	}
}
