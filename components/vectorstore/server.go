package vectorstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	storagev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/storage/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
	"github.com/ragscale/ragscale/components/internal/vertical"
)

const (
	dataPath   = "/data"
	configPath = "/etc/chroma"
	configFile = "config.yaml"
	httpPort   = "http"

	// graceSeconds is short on purpose: after SIGTERM the server closes its port and then runs on, busy, until it is
	// killed (seen with 1.3's bindings, 2026-11-23; https://github.com/chroma-core/chroma/issues/5594). Nothing is lost: a
	// write is answered once SQLite has it.
	graceSeconds = 5
)

// config is the server's. Without open_telemetry it reports to nobody, and without stdout_tracing it logs nothing,
// errors included (rust/frontend/src/lib.rs of https://github.com/chroma-core/chroma at 1.5.9; read 2026-11-29). A
// file, since the server's flags take the rest from a sample that does report.
var config = fmt.Sprintf(`persist_path: %q
listen_address: "0.0.0.0"
port: %d
allow_reset: false
stdout_tracing: true
`, dataPath, port)

// server declares the one pod. A StatefulSet never runs two of a name, even while a node is lost.
func (d *declaration) server(class *storagev1.StorageClass, policies []pulumi.Resource) (*appsv1.StatefulSet, error) {
	data, err := d.claim(dataClaim, d.args.StorageGiB, class)
	if err != nil {
		return nil, err
	}
	settings, err := d.configMap(ServerName, configFile, config)
	if err != nil {
		return nil, err
	}
	server, err := appsv1.NewStatefulSet(d.ctx, d.name, &appsv1.StatefulSetArgs{
		Metadata: d.metadata(ServerName, ServerName),
		Spec: &appsv1.StatefulSetSpecArgs{
			Replicas:             pulumi.Int(1),
			ServiceName:          pulumi.String(headlessName),
			Selector:             serverPods(),
			RevisionHistoryLimit: pulumi.Int(5),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: labels(ServerName),
					// The server reads its file only when it starts.
					Annotations: pulumi.StringMap{"ragscale.io/config-digest": pulumi.String(digest(config))},
				},
				Spec: d.serverPod(data, settings),
			},
		},
		// Without network policies the pod would start open.
	}, d.parent, pulumi.DependsOn(policies))
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return server, nil
}

func (d *declaration) serverPod(data *corev1.PersistentVolumeClaim, settings *corev1.ConfigMap) *corev1.PodSpecArgs {
	spec := d.pod(d.serverContainer())
	spec.TerminationGracePeriodSeconds = pulumi.Int(graceSeconds)
	spec.Volumes = corev1.VolumeArray{claimed("data", data), configured("config", settings), temporary()}
	if d.args.PriorityClassName != "" {
		spec.PriorityClassName = pulumi.String(d.args.PriorityClassName)
	}
	return spec
}

// pod is what the server's and the jobs' pods have in common.
func (d *declaration) pod(container *corev1.ContainerArgs) *corev1.PodSpecArgs {
	spec := &corev1.PodSpecArgs{
		AutomountServiceAccountToken: pulumi.Bool(false),
		// The Service's variables are named like the server's settings: CHROMA_PORT=tcp://10.0.0.1:8000 keeps it from
		// starting.
		EnableServiceLinks: pulumi.Bool(false),
		SecurityContext:    podSecurity(),
		Containers:         corev1.ContainerArray{container},
	}
	if len(d.args.NodeSelector) > 0 {
		spec.NodeSelector = pulumi.ToStringMap(d.args.NodeSelector)
	}
	return spec
}

func (d *declaration) serverContainer() *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:  pulumi.String(ServerName),
		Image: pulumi.String(d.args.Image),
		Args:  pulumi.ToStringArray([]string{"run", configPath + "/" + configFile}),
		Ports: corev1.ContainerPortArray{&corev1.ContainerPortArgs{
			Name: pulumi.String(httpPort), ContainerPort: pulumi.Int(port), Protocol: pulumi.String("TCP"),
		}},
		Env: corev1.EnvVarArray{
			&corev1.EnvVarArgs{Name: pulumi.String("HOME"), Value: pulumi.String("/tmp")},
			// Its own filter traces every request, in several lines each (init_global_filter_layer of rust/tracing).
			&corev1.EnvVarArgs{Name: pulumi.String("RUST_LOG"), Value: pulumi.String("warn")},
		},
		Resources:       &corev1.ResourceRequirementsArgs{Requests: d.args.Requests.Map(), Limits: d.args.Limits.Map()},
		SecurityContext: restricted.Container(),
		VolumeMounts: corev1.VolumeMountArray{mount("data", dataPath, false), mount("config", configPath, true),
			mount("tmp", "/tmp", false)},
		// A start migrates the store's schema when the version is new.
		StartupProbe:   probe(probeTiming{period: 1, timeout: 1, failures: 300}),
		ReadinessProbe: probe(probeTiming{period: 5, timeout: 2, failures: 2}),
		// One slow query must not restart it: the next start reads every index anew.
		LivenessProbe: probe(probeTiming{period: 10, timeout: 5, failures: 6}),
	}
}

// probeTiming is in seconds; failures in a row make the probe's verdict.
type probeTiming struct{ period, timeout, failures int }

func probe(t probeTiming) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          &corev1.HTTPGetActionArgs{Path: pulumi.String("/api/v2/heartbeat"), Port: pulumi.String(httpPort)},
		PeriodSeconds:    pulumi.Int(t.period),
		TimeoutSeconds:   pulumi.Int(t.timeout),
		FailureThreshold: pulumi.Int(t.failures),
	}
}

func (d *declaration) configMap(workload, file, content string) (*corev1.ConfigMap, error) {
	config, err := corev1.NewConfigMap(d.ctx, d.name+"-"+workload, &corev1.ConfigMapArgs{
		Metadata: d.metadata(workload, workload),
		Data:     pulumi.StringMap{file: pulumi.String(content)},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("config map %s: %w", workload, err)
	}
	return config, nil
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:8])
}

// verticalAutoscaler changes limits with requests: the index must be in memory whole, so that a limit that stays would
// be the end of growing. In a mode that resizes it works on the only pod there is.
func (d *declaration) verticalAutoscaler(server pulumi.StringOutput) error {
	return d.args.VerticalAutoscaling.Declare(d.ctx, d.name+"-vpa", vertical.Workload{
		Kind: "StatefulSet", Name: server, Container: ServerName, Fewest: 1, LimitsFollow: true,
	}, d.metadata(ServerName, ServerName), d.parent)
}
