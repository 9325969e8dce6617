package ragapi

import (
	"fmt"
	"maps"
	"strconv"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragscale/ragscale/components/internal/restricted"
)

// Names of container ports: at most 15 characters.
const (
	httpPort    = "http"
	metricsPort = "metrics"
)

// nonroot is the user of distroless images.
const nonroot = 65532

// tmpSize bounds what uploads in flight may spill to disk. A pod that exceeds it is evicted, not its node's other pods.
const tmpSize = "1Gi"

// queueConnections of a worker's pool are the queue's own: one listens for jobs, one fetches them and reports. Each job
// in hand takes another.
const queueConnections = 2

// workload is one of the two Deployments: the same image, another command.
type workload struct {
	name   string // of the Deployment and all that serves it
	suffix string // of the Pulumi names
	// command is the image's argument.
	command          string
	ports            corev1.ContainerPortArray
	probePort        string
	requests, limits Resources
	hpa              HPA
	vertical         VerticalAutoscaling
	pool             int
	env              map[string]string
}

// podInputs is what pods take from other resources.
type podInputs struct {
	image pulumi.StringInput
	podConfig
}

func (d *declaration) apiWorkload() workload {
	return workload{
		name: APIName, command: "serve", probePort: httpPort,
		ports: corev1.ContainerPortArray{containerPort(httpPort, d.args.Port),
			containerPort(metricsPort, d.args.MetricsPort)},
		requests: d.args.Requests, limits: d.args.Limits, hpa: d.args.HPA, vertical: d.args.VerticalAutoscaling.API,
		pool: d.args.PoolSize,
		env: d.limitEnv(map[string]string{
			"HTTP_ADDR": ":" + strconv.Itoa(d.args.Port),
			// The preStop hook has already waited for the balancers.
			"DRAIN_DELAY": "0s",
		}),
	}
}

func (d *declaration) workerWorkload() workload {
	w := d.args.Worker
	return workload{
		name: WorkerName, suffix: "-worker", command: "worker", probePort: metricsPort,
		ports:    corev1.ContainerPortArray{containerPort(metricsPort, d.args.MetricsPort)},
		requests: w.Requests, limits: w.Limits, hpa: w.HPA, vertical: d.args.VerticalAutoscaling.Worker, pool: w.PoolSize,
		env: map[string]string{"WORKER_CONCURRENCY": strconv.Itoa(w.PoolSize - queueConnections)},
	}
}

func containerPort(name string, port int) *corev1.ContainerPortArgs {
	return &corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(port),
		Protocol: pulumi.String("TCP")}
}

// deployment declares a workload with its autoscalers and its disruption budget. It has no replicas field: the
// horizontal autoscaler owns that.
func (d *declaration) deployment(w workload, in podInputs, before []pulumi.Resource) (*appsv1.Deployment, error) {
	deployment, err := appsv1.NewDeployment(d.ctx, d.name+w.suffix, &appsv1.DeploymentArgs{
		Metadata: d.metadata(w.name, w.name),
		Spec: &appsv1.DeploymentSpecArgs{
			Selector:             selector(w.name),
			RevisionHistoryLimit: pulumi.Int(5),
			// A roll-out adds before it takes away: capacity never falls below what the load asked for.
			Strategy: &appsv1.DeploymentStrategyArgs{
				Type: pulumi.String("RollingUpdate"),
				RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
					MaxSurge:       pulumi.Sprintf("%d%%", d.args.SurgePercent),
					MaxUnavailable: pulumi.Int(0),
				},
			},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels:      labels(w.name),
					Annotations: pulumi.StringMap{"ragscale.io/config-digest": in.digest},
				},
				Spec: d.servingPod(w, in),
			},
		},
	}, d.parent, pulumi.DependsOn(before))
	if err != nil {
		return nil, fmt.Errorf("deployment %s: %w", w.name, err)
	}
	if err := d.autoscalers(w, deployment.Metadata.Name().Elem()); err != nil {
		return nil, err
	}
	return deployment, d.disruptionBudget(w)
}

// servingPod is one that is probed, spread and drained.
func (d *declaration) servingPod(w workload, in podInputs) *corev1.PodSpecArgs {
	container := d.container(w, in)
	container.Ports = w.ports
	// Migrations run at the start: one pod migrates, the others wait for it.
	container.StartupProbe = probe("/healthz", w.probePort, probeTiming{period: 1, timeout: 1, failures: 120})
	container.ReadinessProbe = probe("/readyz", w.probePort, probeTiming{period: 5, timeout: 2, failures: 2})
	// Liveness asks nothing of the database: restarting pods does not mend it.
	container.LivenessProbe = probe("/healthz", w.probePort, probeTiming{period: 10, timeout: 3, failures: 3})
	drain := planDrain(d.args.DrainSeconds)
	container.Lifecycle = &corev1.LifecycleArgs{
		// Kubernetes' own sleep: the image has no shell.
		PreStop: &corev1.LifecycleHandlerArgs{Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(drain.preStop)}},
	}
	spec := d.pod(container)
	spec.TerminationGracePeriodSeconds = pulumi.Int(drain.grace)
	spec.TopologySpreadConstraints = corev1.TopologySpreadConstraintArray{
		spread("topology.kubernetes.io/zone", w), spread("kubernetes.io/hostname", w),
	}
	return spec
}

func (d *declaration) pod(container *corev1.ContainerArgs) *corev1.PodSpecArgs {
	spec := &corev1.PodSpecArgs{
		ServiceAccountName:           pulumi.String(serviceAccountName),
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		SecurityContext:              restricted.PodWithVolumes(nonroot),
		Containers:                   corev1.ContainerArray{container},
		Volumes: corev1.VolumeArray{&corev1.VolumeArgs{
			Name:     pulumi.String("tmp"),
			EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(tmpSize)},
		}},
	}
	if len(d.args.NodeSelector) > 0 {
		spec.NodeSelector = pulumi.ToStringMap(d.args.NodeSelector)
	}
	if d.args.PriorityClassName != "" {
		spec.PriorityClassName = pulumi.String(d.args.PriorityClassName)
	}
	return spec
}

// spread is a preference: at peak, a pod in the wrong place serves more than a pod that is pending.
func spread(topology string, w workload) *corev1.TopologySpreadConstraintArgs {
	return &corev1.TopologySpreadConstraintArgs{
		TopologyKey:       pulumi.String(topology),
		MaxSkew:           pulumi.Int(1),
		WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
		LabelSelector:     selector(w.name),
		// Each revision is spread by itself, or a roll-out would be placed around the pods that it replaces.
		MatchLabelKeys: pulumi.ToStringArray([]string{"pod-template-hash"}),
	}
}

func (d *declaration) container(w workload, in podInputs) *corev1.ContainerArgs {
	var from corev1.EnvFromSourceArray
	for _, secret := range in.secrets {
		from = append(from,
			&corev1.EnvFromSourceArgs{SecretRef: &corev1.SecretEnvSourceArgs{Name: secret.ToStringPtrOutput()}})
	}
	return &corev1.ContainerArgs{
		Name:            pulumi.String(w.name),
		Image:           in.image.ToStringOutput().ToStringPtrOutput(),
		Args:            pulumi.ToStringArray([]string{w.command}),
		EnvFrom:         from,
		Env:             d.env(w),
		Resources:       &corev1.ResourceRequirementsArgs{Requests: w.requests.Map(), Limits: w.limits.Map()},
		SecurityContext: restricted.Container(),
		VolumeMounts: corev1.VolumeMountArray{&corev1.VolumeMountArgs{
			Name: pulumi.String("tmp"), MountPath: pulumi.String("/tmp"),
		}},
	}
}

// probeTiming is in seconds; failures in a row make the probe's verdict.
type probeTiming struct{ period, timeout, failures int }

func probe(path, port string, t probeTiming) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: pulumi.String(port)},
		PeriodSeconds:    pulumi.Int(t.period),
		TimeoutSeconds:   pulumi.Int(t.timeout),
		FailureThreshold: pulumi.Int(t.failures),
	}
}

// env is the settings that are no secret. Those of the database and the cache come from Secrets.
func (d *declaration) env(w workload) corev1.EnvVarArray {
	values := map[string]string{
		"ADMIN_ADDR":         ":" + strconv.Itoa(d.args.MetricsPort),
		"AWS_REGION":         d.args.Region,
		"DATABASE_POOL_SIZE": strconv.Itoa(w.pool),
		"DRAIN_TIMEOUT":      strconv.Itoa(planDrain(d.args.DrainSeconds).timeout) + "s",
		"GOMEMLIMIT":         goMemoryLimit(w.limits.Memory),
		"LOG_LEVEL":          d.args.LogLevel,
	}
	if d.args.ReadPoolSize > 0 {
		values["DATABASE_READ_POOL_SIZE"] = strconv.Itoa(d.args.ReadPoolSize)
	}
	maps.Copy(values, d.authEnv())
	maps.Copy(values, w.env)
	env := corev1.EnvVarArray{&corev1.EnvVarArgs{
		Name: pulumi.String("POD_NAME"),
		ValueFrom: &corev1.EnvVarSourceArgs{
			FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String("metadata.name")},
		},
	}}
	for _, key := range sortedKeys(values) {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String(key), Value: pulumi.String(values[key])})
	}
	if d.args.VectorStore != nil {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String("VECTOR_URL"),
			Value: d.args.VectorStore.URL.ToStringOutput().ToStringPtrOutput()})
	}
	return env
}

// goMemoryLimit is nine tenths of the memory limit, in bytes: the collector works harder before the kernel kills. The
// rest is for what the Go runtime does not count (5 to 10 % by https://go.dev/doc/gc-guide#Suggested_uses ; read
// 2026-11-23).
func goMemoryLimit(limit string) string {
	bytes := resource.MustParse(limit)
	return strconv.FormatInt(bytes.Value()/10*9, 10)
}
