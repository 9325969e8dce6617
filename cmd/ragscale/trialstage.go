package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/trial/cluster"
)

// trialStage is the cluster of stack local.
func (p project) trialStage(c console, f trialFlags, scenario string) (*cluster.Stage, error) {
	if _, err := os.Stat(p.layout.Kubeconfig()); err != nil {
		return nil, errors.New("stack local is not up: there is no cluster, want `ragscale up` first")
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", p.layout.Kubeconfig())
	if err != nil {
		return nil, err
	}
	clients, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return &cluster.Stage{
		Clients: clients, Exec: execIn(cfg, clients), Metrics: metricsOf(clients), Note: c.note,
		Namespace: platform.Namespace, Deployment: platform.APIName, LoadNamespace: loadNamespace, Scenario: scenario,
		Users: f.users, Replicas: f.replicas, Every: time.Second,
	}, nil
}

// execIn runs commands in containers, as kubectl exec does.
func execIn(cfg *rest.Config, clients kubernetes.Interface) func(context.Context, string, string, string, []string) ([]byte, error) {
	return func(ctx context.Context, namespace, pod, container string, command []string) ([]byte, error) {
		url := clients.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").Name(pod).SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Container: container, Command: command, Stdout: true, Stderr: true},
				scheme.ParameterCodec).URL()
		executor, err := remotecommand.NewSPDYExecutor(cfg, "POST", url)
		if err != nil {
			return nil, err
		}
		var out, errs bytes.Buffer
		if err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &errs}); err != nil {
			said := strings.TrimSpace(errs.String())
			return nil, fmt.Errorf("pod %s: %w: %s", pod, err, said[max(0, len(said)-1000):])
		}
		return out.Bytes(), nil
	}
}

// metricsOf reads pods' metrics through the API server.
func metricsOf(clients kubernetes.Interface) func(context.Context, string, string, int32) ([]byte, error) {
	return func(ctx context.Context, namespace, pod string, port int32) ([]byte, error) {
		return clients.CoreV1().RESTClient().Get().Namespace(namespace).Resource("pods").
			Name(fmt.Sprintf("%s:%d", pod, port)).SubResource("proxy").Suffix("metrics").DoRaw(ctx)
	}
}
