package env

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func testService(name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "rag"}, Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: ports}}
}

var apiServerLinks = map[string]string{
	"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443", "KUBERNETES_SERVICE_PORT_HTTPS": "443",
	"KUBERNETES_PORT": "tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
	"KUBERNETES_PORT_443_TCP_PORT": "443", "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
}

func TestServicesAreInTheEnvironment(t *testing.T) {
	services := []*corev1.Service{
		testService("redis-leader", "10.96.0.9", corev1.ServicePort{Name: "redis", Port: 6379}, corev1.ServicePort{Name: "gossip", Port: 53, Protocol: corev1.ProtocolUDP}),
		testService("headless", corev1.ClusterIPNone, corev1.ServicePort{Port: 80}),
		testService("elsewhere", "", corev1.ServicePort{Port: 80}),
	}
	want := map[string]string{
		"REDIS_LEADER_SERVICE_HOST": "10.96.0.9", "REDIS_LEADER_SERVICE_PORT": "6379", "REDIS_LEADER_SERVICE_PORT_REDIS": "6379",
		"REDIS_LEADER_SERVICE_PORT_GOSSIP": "53", "REDIS_LEADER_PORT": "tcp://10.96.0.9:6379",
		"REDIS_LEADER_PORT_6379_TCP": "tcp://10.96.0.9:6379", "REDIS_LEADER_PORT_6379_TCP_PROTO": "tcp",
		"REDIS_LEADER_PORT_6379_TCP_PORT": "6379", "REDIS_LEADER_PORT_6379_TCP_ADDR": "10.96.0.9",
		"REDIS_LEADER_PORT_53_UDP": "udp://10.96.0.9:53", "REDIS_LEADER_PORT_53_UDP_PROTO": "udp",
		"REDIS_LEADER_PORT_53_UDP_PORT": "53", "REDIS_LEADER_PORT_53_UDP_ADDR": "10.96.0.9",
	}
	for name, value := range apiServerLinks {
		want[name] = value
	}
	if d := cmp.Diff(want, serviceLinks(services, &corev1.Pod{}, "10.96.0.1:443")); d != "" {
		t.Error(d)
	}
}

func TestAPodMayDoWithoutServiceLinks(t *testing.T) {
	off := false
	pod := &corev1.Pod{Spec: corev1.PodSpec{EnableServiceLinks: &off}}
	if d := cmp.Diff(apiServerLinks, serviceLinks([]*corev1.Service{testService("a", "10.96.0.9", corev1.ServicePort{Port: 80})}, pod, "10.96.0.1:443")); d != "" {
		t.Error(d)
	}
}
