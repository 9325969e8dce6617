package pgbouncer

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/restricted"
)

// podInputs is what the pods take from other resources.
type podInputs struct {
	config, secret pulumi.StringOutput // names
	digest         pulumi.StringOutput // of their content
}

// deployment has no replicas field: the horizontal autoscaler owns that.
func (d *declaration) deployment(in podInputs, before []pulumi.Resource) (*appsv1.Deployment, error) {
	patience := pulumi.CustomTimeouts{Create: d.patience(), Update: d.patience()}
	deployment, err := appsv1.NewDeployment(d.ctx, d.name+"-pgbouncer", &appsv1.DeploymentArgs{
		Metadata: d.metadata(),
		Spec: &appsv1.DeploymentSpecArgs{
			Selector:             &metav1.LabelSelectorArgs{MatchLabels: selector()},
			RevisionHistoryLimit: pulumi.Int(5),
			Strategy: &appsv1.DeploymentStrategyArgs{
				Type:          pulumi.String("RollingUpdate"),
				RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{MaxSurge: pulumi.Int(1), MaxUnavailable: pulumi.Int(0)},
			},
			// A roll-out goes on when the pod before has drained: its connections to the servers are free by then.
			MinReadySeconds: pulumi.Int(d.args.DrainSeconds),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels:      labels(),
					Annotations: pulumi.StringMap{"ragscale.io/config-digest": in.digest},
				},
				Spec: d.pod(in),
			},
		},
	}, d.parent, pulumi.DependsOn(before), pulumi.Timeouts(&patience))
	if err != nil {
		return nil, fmt.Errorf("deployment: %w", err)
	}
	return deployment, d.scaling(deployment.Metadata.Name().Elem())
}

func (d *declaration) pod(in podInputs) *corev1.PodSpecArgs {
	spec := &corev1.PodSpecArgs{
		AutomountServiceAccountToken:  pulumi.Bool(false),
		EnableServiceLinks:            pulumi.Bool(false),
		TerminationGracePeriodSeconds: pulumi.Int(planDrain(d.args.DrainSeconds).grace),
		SecurityContext:               restricted.PodWithVolumes(nobody),
		TopologySpreadConstraints: corev1.TopologySpreadConstraintArray{
			spread("topology.kubernetes.io/zone"), spread("kubernetes.io/hostname"),
		},
		InitContainers: corev1.ContainerArray{d.authorities()},
		Containers:     corev1.ContainerArray{d.pooler()},
		Volumes:        volumes(in),
	}
	if d.args.ExporterImage != "" {
		spec.Containers = append(spec.Containers.(corev1.ContainerArray), d.exporter(in))
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
func spread(topology string) *corev1.TopologySpreadConstraintArgs {
	return &corev1.TopologySpreadConstraintArgs{
		TopologyKey:       pulumi.String(topology),
		MaxSkew:           pulumi.Int(1),
		WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
		LabelSelector:     &metav1.LabelSelectorArgs{MatchLabels: selector()},
		// Each revision is spread by itself, or a roll-out would be placed around the pods that it replaces.
		MatchLabelKeys: pulumi.ToStringArray([]string{"pod-template-hash"}),
	}
}

// Names of volumes.
const (
	configVolume = "config"
	usersVolume  = "users"
	caVolume     = "ca"
)

func volumes(in podInputs) corev1.VolumeArray {
	return corev1.VolumeArray{
		&corev1.VolumeArgs{
			Name:      pulumi.String(configVolume),
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: in.config.ToStringPtrOutput()},
		},
		&corev1.VolumeArgs{
			Name: pulumi.String(usersVolume),
			Secret: &corev1.SecretVolumeSourceArgs{
				SecretName:  in.secret.ToStringPtrOutput(),
				DefaultMode: pulumi.Int(0o440), // the pod's group, fsGroup, reads it
				Items: corev1.KeyToPathArray{&corev1.KeyToPathArgs{
					Key: pulumi.String(usersFile), Path: pulumi.String(usersFile),
				}},
			},
		},
		&corev1.VolumeArgs{
			Name: pulumi.String(caVolume),
			// RDS's global bundle has some 165 kB (2026-11).
			EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String("1Mi")},
		},
	}
}

func mount(volume, folder string, readOnly bool) *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(volume), MountPath: pulumi.String(folder),
		ReadOnly: pulumi.Bool(readOnly)}
}

// authorities copies the certificate authorities into the pod.
func (d *declaration) authorities() *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:            pulumi.String("ca"),
		Image:           d.args.CA.Image.ToStringOutput().ToStringPtrOutput(),
		Args:            append(pulumi.ToStringArray(d.args.CA.Args), pulumi.String(caFolder+"/"+caFile)),
		Resources:       sidecarResources(),
		SecurityContext: restricted.Container(),
		VolumeMounts:    corev1.VolumeMountArray{mount(caVolume, caFolder, false)},
	}
}

func (d *declaration) pooler() *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:  pulumi.String(Name),
		Image: pulumi.String(d.args.Image),
		// Said in full: entrypoints of public images write configurations of their own.
		Command:         pulumi.ToStringArray([]string{"pgbouncer", configFolder + "/" + configFile}),
		Ports:           corev1.ContainerPortArray{containerPort(serverPortName, Port)},
		Resources:       &corev1.ResourceRequirementsArgs{Requests: d.args.Requests.Map(), Limits: d.args.Limits.Map()},
		SecurityContext: restricted.Container(),
		VolumeMounts: corev1.VolumeMountArray{
			mount(configVolume, configFolder, true), mount(usersVolume, usersFolder, true), mount(caVolume, caFolder, true),
		},
		// That it accepts connections is all that a probe should ask: with the servers gone PgBouncer tells clients so, and
		// no restart would mend it.
		StartupProbe:   probe(serverPortName, probeTiming{period: 1, timeout: 1, failures: 30}),
		ReadinessProbe: probe(serverPortName, probeTiming{period: 5, timeout: 2, failures: 2}),
		LivenessProbe:  probe(serverPortName, probeTiming{period: 10, timeout: 3, failures: 3}),
		Lifecycle: &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
			// Kubernetes' own sleep: the image may have no shell.
			Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(planDrain(d.args.DrainSeconds).preStop)},
		}},
	}
}

// exporter turns the console's statistics into Prometheus's metrics. It ends at once with the pod: as a client it would
// hold up PgBouncer's end.
func (d *declaration) exporter(in podInputs) *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:  pulumi.String("exporter"),
		Image: pulumi.String(d.args.ExporterImage),
		Env: corev1.EnvVarArray{&corev1.EnvVarArgs{
			Name: pulumi.String("PGBOUNCER_EXPORTER_CONNECTION_STRING"),
			ValueFrom: &corev1.EnvVarSourceArgs{SecretKeyRef: &corev1.SecretKeySelectorArgs{
				Name: in.secret.ToStringPtrOutput(), Key: pulumi.String(exporterKey),
			}},
		}},
		Ports:           corev1.ContainerPortArray{containerPort(metricsPortName, MetricsPort)},
		Resources:       sidecarResources(),
		SecurityContext: restricted.Container(),
		StartupProbe:    probe(metricsPortName, probeTiming{period: 1, timeout: 1, failures: 30}),
		ReadinessProbe:  probe(metricsPortName, probeTiming{period: 10, timeout: 2, failures: 3}),
		LivenessProbe:   probe(metricsPortName, probeTiming{period: 10, timeout: 3, failures: 3}),
	}
}
