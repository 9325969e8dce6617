package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/ragscale/ragscale/infra/platform"
)

// adminPort is the name of the container port that serves ADMIN_ADDR.
const adminPort = "metrics"

// podPort is a port of a pod.
type podPort struct {
	namespace, pod string
	port           int32
}

// adminOf finds a pod of the API that is ready, and its admin port.
func adminOf(ctx context.Context, clients kubernetes.Interface) (podPort, error) {
	pods, err := clients.CoreV1().Pods(platform.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + platform.APIName})
	if err != nil {
		return podPort{}, fmt.Errorf("pods of the API: %w", err)
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil || !isReady(pod) {
			continue
		}
		if port, found := adminPortOf(pod); found {
			return port, nil
		}
	}
	return podPort{}, fmt.Errorf("%d pods of the API are there and none is ready, want one", len(pods.Items))
}

// adminPortOf is a pod's admin port; false where it has none.
func adminPortOf(pod corev1.Pod) (podPort, bool) {
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == adminPort {
				return podPort{namespace: pod.Namespace, pod: pod.Name, port: port.ContainerPort}, true
			}
		}
	}
	return podPort{}, false
}

func isReady(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// forward makes the port answer at an address of this machine's loopback until stop is called.
func (p podPort) forward(ctx context.Context, cluster *rest.Config, clients kubernetes.Interface) (address string,
	stop func(), err error) {
	transport, upgrader, err := spdy.RoundTripperFor(cluster)
	if err != nil {
		return "", nil, err
	}
	url := clients.CoreV1().RESTClient().Post().Namespace(p.namespace).Resource("pods").Name(p.pod).
		SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	while, cancel := context.WithCancel(ctx)
	ready := make(chan struct{})
	f, err := portforward.NewOnAddressesWithContext(while, dialer, []string{"127.0.0.1"},
		[]string{fmt.Sprintf("0:%d", p.port)}, ready, nil, nil)
	if err != nil {
		cancel()
		return "", nil, err
	}
	ended, gone := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(gone)
		ended <- f.ForwardPorts()
	}()
	select {
	case <-ready:
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	ports, unready := f.GetPorts()
	if err = cmp.Or(err, unready); err != nil {
		cancel()
		return "", nil, fmt.Errorf("pod %s: port-forward: %w", p.pod, err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local), func() { cancel(); <-gone }, nil
}
