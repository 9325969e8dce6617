package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// provisioners are those whose storage classes get folders of this machine in place of EBS volumes.
var provisioners = []string{"ebs.csi.aws.com", "kubernetes.io/aws-ebs"}

const (
	provisionedBy = "pv.kubernetes.io/provisioned-by"    // annotation of a volume made by a provisioner
	selectedNode  = "volume.kubernetes.io/selected-node" // annotation of a claim whose pod has been scheduled
	claimEvery    = 200 * time.Millisecond               // pause after a conflict
)

func (a *Agent) claimsDir() string { return filepath.Join(a.cfg.Dir, "volumes") }

// watchClaims provisions a folder for every claim of a known storage class, and removes it with its volume.
func (a *Agent) watchClaims(ctx context.Context) error {
	act := func(what string, f func(context.Context, any) error) func(any) {
		return func(o any) {
			a.work.Go(func() {
				for {
					err := f(ctx, o)
					if err == nil || ctx.Err() != nil {
						return
					}
					a.log.Warn(what, "error", err)
					if !apierrors.IsConflict(err) || !sleep(ctx, claimEvery) {
						return
					}
				}
			})
		}
	}
	provision, reclaim := act("provision a volume", a.provision), act("reclaim a volume", a.reclaim)
	_, err := a.factory.Core().V1().PersistentVolumeClaims().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: provision, UpdateFunc: func(_, o any) { provision(o) }})
	if err != nil {
		return err
	}
	_, err = a.factory.Core().V1().PersistentVolumes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: reclaim, UpdateFunc: func(_, o any) { reclaim(o) }})
	return err
}

// provision makes a volume for a pending claim; the controller manager binds the two.
func (a *Agent) provision(ctx context.Context, o any) error {
	claim, ok := o.(*corev1.PersistentVolumeClaim)
	if !ok || !unbound(claim) {
		return nil
	}
	class, err := a.client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, metav1.GetOptions{})
	if err != nil || !slices.Contains(provisioners, class.Provisioner) || !due(claim, class) {
		return ignoreNotFound(err)
	}
	pv := a.volumeFor(claim, class)
	if err := os.MkdirAll(pv.Spec.HostPath.Path, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(pv.Spec.HostPath.Path, 0o777); err != nil {
		return err
	}
	_, err = a.client.CoreV1().PersistentVolumes().Create(ctx, pv, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	return nil
}

// unbound says whether a claim wants a volume of some storage class.
func unbound(claim *corev1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeName == "" && claim.Spec.StorageClassName != nil && claim.DeletionTimestamp == nil
}

// due says whether a claim is to be provisioned now: at once, or when its first pod has a node.
func due(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) bool {
	waits := class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
	return !waits || claim.Annotations[selectedNode] != ""
}

func (a *Agent) volumeFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	policy := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		policy = *class.ReclaimPolicy
	}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: class.Provisioner, agentAnnotation: "true"}},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: class.Name, AccessModes: claim.Spec.AccessModes, PersistentVolumeReclaimPolicy: policy, VolumeMode: claim.Spec.VolumeMode,
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			ClaimRef:               &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: filepath.Join(a.claimsDir(), name)}},
		},
	}
}

// reclaim removes the folder and the object of a volume whose claim is gone.
func (a *Agent) reclaim(ctx context.Context, o any) error {
	pv, ok := o.(*corev1.PersistentVolume)
	if !ok || pv.Annotations[agentAnnotation] == "" || pv.Status.Phase != corev1.VolumeReleased || pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return nil
	}
	if pv.Spec.HostPath == nil || filepath.Dir(pv.Spec.HostPath.Path) != a.claimsDir() {
		return errors.New("volume " + pv.Name + " is not in the agent's folder, want it left alone")
	}
	if err := os.RemoveAll(pv.Spec.HostPath.Path); err != nil {
		return err
	}
	return ignoreNotFound(a.client.CoreV1().PersistentVolumes().Delete(ctx, pv.Name, metav1.DeleteOptions{}))
}
