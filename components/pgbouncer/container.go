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

// podSecurity and containerSecurity are what the "restricted" pod security standard asks for, and a read-only root.
func podSecurity() *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(true),
		RunAsUser:      pulumi.Int(nobody),
		RunAsGroup:     pulumi.Int(nobody),
		FsGroup:        pulumi.Int(nobody),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
}

func containerSecurity() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
	}
}

func containerPort(name string, port int) *corev1.ContainerPortArgs {
	return &corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(port), Protocol: pulumi.String("TCP")}
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

func quantities(r Resources) pulumi.StringMap {
	all := pulumi.StringMap{}
	if r.CPU != "" {
		all["cpu"] = pulumi.String(r.CPU)
	}
	if r.Memory != "" {
		all["memory"] = pulumi.String(r.Memory)
	}
	return all
}

// sidecarResources are those of a small Go program that does next to nothing.
func sidecarResources() *corev1.ResourceRequirementsArgs {
	return &corev1.ResourceRequirementsArgs{
		Requests: quantities(Resources{CPU: "10m", Memory: "32Mi"}), Limits: quantities(Resources{Memory: "64Mi"}),
	}
}
