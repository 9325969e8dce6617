package nodeagent

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/status"
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
	patch, err := status.Patch(base, status.Of(desired, snap, metav1.Now()))
	if err != nil {
		return err
	}
	pods := p.client.CoreV1().Pods(object.Namespace)
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
	if !snap.Over || object.DeletionTimestamp == nil {
		return nil
	}
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &p.uid}}
	if err := pods.Delete(ctx, object.Name, now); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("remove the object: %w", err)
	}
	return nil
}

// snapshot copies the pod's state: what the API server has, the newest object, and the state itself.
func (p *pod) snapshot() (base, object *corev1.Pod, s status.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s = p.state
	s.Containers = make(map[string]status.Container, len(p.containers))
	for name, c := range p.containers {
		s.Containers[name] = c.Container
	}
	return p.published, p.object, s
}
