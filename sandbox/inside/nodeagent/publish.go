package nodeagent

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// publishRetry is the pause after the API server refused or was away.
const publishRetry = 500 * time.Millisecond

// publish tells the API server of every change of the pod's status, and removes the object when the pod is to go and
// nothing of it runs. It returns when the object is gone or ctx ends.
func (p *pod) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.gone:
			return
		case <-p.changed:
		}
		err := p.publishOnce(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		p.log.Warn("publish the pod's status", "error", err)
		select {
		case <-ctx.Done():
		case <-p.gone:
		case <-time.After(publishRetry):
			p.markChanged()
		}
	}
}

func (p *pod) publishOnce(ctx context.Context) error {
	base, object, snap := p.snapshot()
	desired := object.DeepCopy()
	desired.Status.Conditions = base.Status.Conditions
	status := podStatus(desired, snap, metav1.Now())
	patch, err := statusPatch(base, status)
	if err != nil {
		return err
	}
	pods := p.agent.client.CoreV1().Pods(object.Namespace)
	if patch != nil {
		updated, err := pods.Patch(ctx, object.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		switch {
		case apierrors.IsNotFound(err) || apierrors.IsConflict(err):
			return nil // gone, or another pod of the same name: the informer will say so
		case err != nil:
			return fmt.Errorf("status: %w", err)
		}
		p.mu.Lock()
		p.published = updated
		p.mu.Unlock()
	}
	if !snap.over || object.DeletionTimestamp == nil {
		return nil
	}
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &p.uid}}
	if err := pods.Delete(ctx, object.Name, now); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("remove the object: %w", err)
	}
	return nil
}

// snapshot copies the pod's state: what the API server has, the newest object, and the state itself.
func (p *pod) snapshot() (base, object *corev1.Pod, s snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s = p.snap
	s.containers = make(map[string]containerSnapshot, len(p.containers))
	for name, c := range p.containers {
		s.containers[name] = c.containerSnapshot
	}
	return p.published, p.object, s
}

// statusPatch is the change from what the API server has to the wanted status, for this very pod; nil if there is none.
func statusPatch(base *corev1.Pod, want corev1.PodStatus) ([]byte, error) {
	before, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: base.UID}, Status: base.Status})
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: base.UID}, Status: want})
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil || string(patch) == "{}" {
		return nil, err
	}
	var change map[string]any
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, err
	}
	change["metadata"] = map[string]any{"uid": base.UID}
	return json.Marshal(change)
}

// newer says whether a is a later version than b. Resource versions are comparable since Kubernetes 1.35.
func newer(a, b *corev1.Pod) bool {
	x, errX := strconv.ParseUint(a.ResourceVersion, 10, 64)
	y, errY := strconv.ParseUint(b.ResourceVersion, 10, 64)
	return errX != nil || errY != nil || x > y
}
