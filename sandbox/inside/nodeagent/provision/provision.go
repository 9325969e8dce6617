// Package provision makes the volumes that claims ask for: folders of this machine.
//
// Owns: which storage classes it answers for, when, and what becomes of the folder. Does not own: binding, which is the
// controller manager's, and mounting (volume).
package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// provisioners are those whose storage classes get folders of this machine in place of EBS volumes.
var provisioners = []string{"ebs.csi.aws.com", "kubernetes.io/aws-ebs"}

const (
	provisionedBy = "pv.kubernetes.io/provisioned-by"    // annotation of a volume made by a provisioner
	selectedNode  = "volume.kubernetes.io/selected-node" // annotation of a claim whose pod has been scheduled
	ownAnnotation = "sandbox.ragscale.dev/node-agent"    // marks the volumes made here
	afterConflict = 200 * time.Millisecond
)

// Volumes provisions folders of this machine.
type Volumes struct {
	Dir    string // absolute, of this package alone
	Client kubernetes.Interface
	Log    *slog.Logger
}

// Watch provisions a folder for every claim of a known storage class, and removes it with its volume. What it has begun is
// handed to work; the informers are started by the caller.
func (v *Volumes) Watch(ctx context.Context, factory informers.SharedInformerFactory, work *sync.WaitGroup) error {
	act := func(what string, f func(context.Context, any) error) func(any) {
		return func(o any) { work.Go(func() { v.insist(ctx, what, f, o) }) }
	}
	provision, reclaim := act("provision a volume", v.provision), act("reclaim a volume", v.reclaim)
	core := factory.Core().V1()
	_, err := core.PersistentVolumeClaims().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: provision, UpdateFunc: func(_, o any) { provision(o) }})
	if err != nil {
		return err
	}
	_, err = core.PersistentVolumes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: reclaim, UpdateFunc: func(_, o any) { reclaim(o) }})
	return err
}

// insist does something to an object, and again after a conflict.
func (v *Volumes) insist(ctx context.Context, what string, f func(context.Context, any) error, o any) {
	for {
		err := f(ctx, o)
		if err == nil || ctx.Err() != nil {
			return
		}
		v.Log.Warn(what, "error", err)
		if !apierrors.IsConflict(err) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(afterConflict):
		}
	}
}

// provision makes a volume for a pending claim; the controller manager binds the two.
func (v *Volumes) provision(ctx context.Context, o any) error {
	claim, ok := o.(*corev1.PersistentVolumeClaim)
	if !ok || !unbound(claim) {
		return nil
	}
	class, err := v.Client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || !slices.Contains(provisioners, class.Provisioner) || !due(claim, class) {
		return err
	}
	pv := v.volumeFor(claim, class)
	if err := os.MkdirAll(pv.Spec.HostPath.Path, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(pv.Spec.HostPath.Path, 0o777); err != nil {
		return err
	}
	_, err = v.Client.CoreV1().PersistentVolumes().Create(ctx, pv, metav1.CreateOptions{})
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

func (v *Volumes) volumeFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	policy := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		policy = *class.ReclaimPolicy
	}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: class.Provisioner, ownAnnotation: "true"}},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: class.Name, AccessModes: claim.Spec.AccessModes, PersistentVolumeReclaimPolicy: policy, VolumeMode: claim.Spec.VolumeMode,
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			ClaimRef:               &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: filepath.Join(v.Dir, name)}},
		},
	}
}

// reclaim removes the folder and the object of a volume whose claim is gone.
func (v *Volumes) reclaim(ctx context.Context, o any) error {
	pv, ok := o.(*corev1.PersistentVolume)
	if !ok || pv.Annotations[ownAnnotation] == "" || pv.Status.Phase != corev1.VolumeReleased || pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return nil
	}
	if pv.Spec.HostPath == nil || filepath.Dir(pv.Spec.HostPath.Path) != v.Dir {
		return errors.New("volume " + pv.Name + " is not in the agent's folder, want it left alone")
	}
	if err := os.RemoveAll(pv.Spec.HostPath.Path); err != nil {
		return err
	}
	err := v.Client.CoreV1().PersistentVolumes().Delete(ctx, pv.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
