package pgbouncer

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Names of container ports: at most 15 characters.
const (
	serverPortName  = "postgres"
	metricsPortName = "metrics"
)

// nobody is the user and group of the pods: any image runs as them, since PgBouncer writes no file.
const nobody = 65532

func containerPort(name string, port int) *corev1.ContainerPortArgs {
	return &corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(port),
		Protocol: pulumi.String("TCP")}
}

// probeTiming is in seconds; failures in a row make the probe's verdict.
type probeTiming struct{ period, timeout, failures int }

func probe(port string, t probeTiming) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		TcpSocket:        &corev1.TCPSocketActionArgs{Port: pulumi.String(port)},
		PeriodSeconds:    pulumi.Int(t.period),
		TimeoutSeconds:   pulumi.Int(t.timeout),
		FailureThreshold: pulumi.Int(t.failures),
	}
}

// sidecarResources are those of a small Go program that does next to nothing.
func sidecarResources() *corev1.ResourceRequirementsArgs {
	return &corev1.ResourceRequirementsArgs{
		Requests: Resources{CPU: "10m", Memory: "32Mi"}.Map(), Limits: Resources{Memory: "64Mi"}.Map(),
	}
}
