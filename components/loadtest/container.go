package loadtest

import (
	"maps"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragscale/ragscale/components/loadtest/k6"
)

// resources of a container: CPU in thousandths of a core, memory in bytes.
type resources struct{ cpu, memory int64 }

// sidecarMost is what the AWS CLI needs, where the pod has that to spare.
var sidecarMost = resources{cpu: 100, memory: 256 << 20}

// split divides the pod's resources: the sidecar takes a tenth of the CPU and a quarter of the memory, at most its
// need.
func (d *declaration) split() (load, sidecar resources) {
	cpu, memory := resource.MustParse(d.args.Requests.CPU), resource.MustParse(d.args.Requests.Memory)
	all := resources{cpu: cpu.MilliValue(), memory: memory.Value()}
	sidecar = resources{cpu: min(sidecarMost.cpu, all.cpu/10), memory: min(sidecarMost.memory, all.memory/4)}
	return resources{cpu: all.cpu - sidecar.cpu, memory: all.memory - sidecar.memory}, sidecar
}

// both requests and limits them, so that what a generator can do does not depend on its neighbours.
func (r resources) both() *corev1.ResourceRequirementsArgs {
	quantities := pulumi.StringMap{
		"cpu":    pulumi.String(resource.NewMilliQuantity(r.cpu, resource.DecimalSI).String()),
		"memory": pulumi.String(resource.NewQuantity(r.memory, resource.BinarySI).String()),
	}
	return &corev1.ResourceRequirementsArgs{Requests: quantities, Limits: quantities}
}

// env of both containers: what each has of its own, and where results go.
func env(own map[string]string) corev1.EnvVarArray {
	env := corev1.EnvVarArray{
		&corev1.EnvVarArgs{Name: pulumi.String(k6.EnvResults), Value: pulumi.String(resultsPath)},
		fieldEnv(k6.EnvJob, "metadata.labels['batch.kubernetes.io/job-name']"),
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String(name), Value: pulumi.String(own[name])})
	}
	return env
}

func fieldEnv(name, path string) *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{
		Name:      pulumi.String(name),
		ValueFrom: &corev1.EnvVarSourceArgs{FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String(path)}},
	}
}

// tokenEnv is absent where there is no token.
func tokenEnv() *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{
		Name: pulumi.String(k6.EnvToken),
		ValueFrom: &corev1.EnvVarSourceArgs{SecretKeyRef: &corev1.SecretKeySelectorArgs{
			Name: pulumi.String(tokenSecret), Key: pulumi.String(tokenKey), Optional: pulumi.Bool(true),
		}},
	}
}

func mount(volume, path string, readOnly bool) *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(volume), MountPath: pulumi.String(path),
		ReadOnly: pulumi.Bool(readOnly)}
}

func configured(volume string, config pulumi.StringOutput) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:      pulumi.String(volume),
		ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: config.ToStringPtrOutput()},
	}
}

func empty(volume, size string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{Name: pulumi.String(volume),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(size)}}
}
