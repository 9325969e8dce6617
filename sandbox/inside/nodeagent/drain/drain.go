// Package drain empties a node before it goes.
//
// Owns: cordoning, evicting under disruption budgets, overruling them when the grace period is over. Does not own: the pods'
// ends, and the node.
package drain

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// evictEvery is the pause between attempts at an eviction that a disruption budget refuses.
const evictEvery = 500 * time.Millisecond

// Node is a node that is to go.
type Node struct {
	Client kubernetes.Interface
	Name   string
	Grace  time.Duration          // how long disruption budgets are honoured
	Runs   func(*corev1.Pod) bool // tells whether someone runs the pod, and so ends it
}

// Cordon keeps new pods off the node.
func (n Node) Cordon(ctx context.Context) error {
	nodes := n.Client.CoreV1().Nodes()
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		have, err := nodes.Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil || have.Spec.Unschedulable {
			return ignoreNotFound(err)
		}
		have.Spec.Unschedulable = true
		_, err = nodes.Update(ctx, have, metav1.UpdateOptions{})
		return ignoreNotFound(err)
	})
}

// OfDaemonSet tells whether a pod belongs to a DaemonSet, which makes it anew as long as there is the node.
func OfDaemonSet(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	return owner != nil && owner.Kind == "DaemonSet"
}

// Drain evicts those of the node's pods that are meant and waits until they are gone. After Grace disruption budgets are
// overruled, as happens to a node that is terminated. Pods that nobody runs are removed at once.
func (n Node) Drain(ctx context.Context, meant func(*corev1.Pod) bool) error {
	until := time.Now().Add(n.Grace)
	for {
		pods, err := n.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.Name})
		if err != nil {
			return err
		}
		left := 0
		for i := range pods.Items {
			p := &pods.Items[i]
			if p.Spec.NodeName != n.Name || !meant(p) { // a fake API server may not know field selectors
				continue
			}
			left++
			if err := n.end(ctx, p, time.Now().After(until)); err != nil {
				return err
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(evictEvery):
		}
	}
}

// end asks for the end of one pod; force overrules its disruption budget.
func (n Node) end(ctx context.Context, p *corev1.Pod, force bool) error {
	runs := n.Runs(p)
	if p.DeletionTimestamp != nil && runs {
		return nil
	}
	own := &metav1.Preconditions{UID: &p.UID}
	pods := n.Client.CoreV1().Pods(p.Namespace)
	var err error
	switch {
	case !runs:
		err = pods.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: own})
	case force || OfDaemonSet(p):
		err = pods.Delete(ctx, p.Name, metav1.DeleteOptions{Preconditions: own})
	default:
		err = pods.EvictV1(ctx, &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}, DeleteOptions: &metav1.DeleteOptions{Preconditions: own},
		})
		if apierrors.IsTooManyRequests(err) {
			err = nil // a disruption budget: asked again
		}
	}
	if apierrors.IsConflict(err) {
		return nil // another pod of that name
	}
	return ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
