package vectorstore

import (
	"fmt"
	"maps"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	storagev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/storage/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Claims of the two volumes.
const (
	dataClaim     = "chroma-data"
	snapshotClaim = "chroma-snapshots"
)

// storageClass is of its own: EKS has no default class, and its old gp2 class neither encrypts nor grows. Parameters
// are the EBS driver's: https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md ; read
// 2026-11-23.
func (d *declaration) storageClass() (*storagev1.StorageClass, error) {
	parameters := pulumi.StringMap{"type": pulumi.String("gp3"), "encrypted": pulumi.String("true")}
	tags := maps.Clone(d.args.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags["component"] = "vectorstore"
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		parameters[fmt.Sprintf("tagSpecification_%d", i+1)] = pulumi.String(key + "=" + tags[key])
	}
	reclaim := "Delete"
	if d.args.DeletionProtection {
		reclaim = "Retain"
	}
	class, err := storagev1.NewStorageClass(d.ctx, d.name, &storagev1.StorageClassArgs{
		Metadata:    &metav1.ObjectMetaArgs{Name: pulumi.String(d.className()), Labels: labels(ServerName)},
		Provisioner: pulumi.String("ebs.csi.aws.com"),
		Parameters:  parameters,
		// The volume is made in the zone where its pod can run.
		VolumeBindingMode:    pulumi.String("WaitForFirstConsumer"),
		AllowVolumeExpansion: pulumi.Bool(true),
		ReclaimPolicy:        pulumi.String(reclaim),
		// Kubernetes changes neither in place; of the fields that are fixed the provider itself replaces for two others only.
	}, d.parent, pulumi.DependsOn(d.args.DependsOn),
		pulumi.ReplaceOnChanges([]string{"reclaimPolicy", "volumeBindingMode"}), pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return nil, fmt.Errorf("storage class: %w", err)
	}
	return class, nil
}

func (d *declaration) className() string { return d.name + "-gp3" }

// claim is a volume of its own object, not of the StatefulSet's claim templates: those cannot be changed, so a volume
// declared there never grows. The class is fixed once the volume exists; a class made anew (its parameters are fixed
// too) must not take the volume with it.
func (d *declaration) claim(name string, gib int,
	class *storagev1.StorageClass) (*corev1.PersistentVolumeClaim, error) {
	claim, err := corev1.NewPersistentVolumeClaim(d.ctx, d.name+"-"+name, &corev1.PersistentVolumeClaimArgs{
		Metadata: d.metadata(name, ServerName),
		Spec: &corev1.PersistentVolumeClaimSpecArgs{
			StorageClassName: pulumi.String(d.className()),
			AccessModes:      pulumi.ToStringArray([]string{"ReadWriteOnce"}),
			Resources: &corev1.VolumeResourceRequirementsArgs{
				Requests: pulumi.StringMap{"storage": pulumi.Sprintf("%dGi", gib)},
			},
		},
	}, d.parent, pulumi.DependsOn([]pulumi.Resource{class}),
		pulumi.IgnoreChanges([]string{"spec.storageClassName"}), pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return nil, fmt.Errorf("volume %s: %w", name, err)
	}
	return claim, nil
}

func claimed(volume string, claim *corev1.PersistentVolumeClaim) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:                  pulumi.String(volume),
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: claim.Metadata.Name().Elem()},
	}
}

func configured(volume string, config *corev1.ConfigMap) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:      pulumi.String(volume),
		ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: config.Metadata.Name().Elem()},
	}
}

// temporary is a folder as long as the pod; a pod that exceeds it is evicted, not its node's other pods.
func temporary() *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:     pulumi.String("tmp"),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String("1Gi")},
	}
}

func mount(volume, path string, readOnly bool) *corev1.VolumeMountArgs {
	m := &corev1.VolumeMountArgs{Name: pulumi.String(volume), MountPath: pulumi.String(path)}
	if readOnly {
		m.ReadOnly = pulumi.Bool(true)
	}
	return m
}
