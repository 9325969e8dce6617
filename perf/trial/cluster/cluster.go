// Package cluster is the stage of trials on a stack's cluster: each arm is a Deployment of the API beside the stack's
// own, with as many pods and a Service of its own, and one pod generates the load of both.
//
// The stack's own API, its autoscalers and its load balancer are left alone; database, caches and workers serve both
// arms. Owns: the arms' objects and the generator's pod, what a block measures. Does not own: trials, which settings
// there are (Stage.Resolve), the scripts (components/loadtest/k6).
package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ragscale/ragscale/perf/trial"
)

const (
	// Label is on everything that a trial makes; its value is the arm, or "generator".
	Label = "ragscale.io/trial"
	// nameLabel is what the stack's own Services and autoscalers select by.
	nameLabel = "app.kubernetes.io/name"
	// standing is how long arms and generator may take to be ready, and going how long to be gone.
	standing, going = 3 * time.Minute, time.Minute
)

// Stage implements trial.Stage.
type Stage struct {
	Clients kubernetes.Interface
	// Exec runs a command in a container and returns what it prints to its standard output; its error has the rest.
	Exec func(ctx context.Context, namespace, pod, container string, command []string) ([]byte, error)
	// Metrics reads the metrics page of a pod.
	Metrics func(ctx context.Context, namespace, pod string, port int32) ([]byte, error)
	// Resolve says what an arm's settings change of the API's pods.
	Resolve func(trial.Side, trial.Arm) (Change, error)
	// Note tells what is waited for.
	Note func(format string, a ...any)

	Namespace, Deployment string        // of the API
	LoadNamespace         string        // of the generator
	Scenario              string        // whose generator, users and pauses are taken
	Users                 int           // of a block; 0 for the scenario's
	Replicas              int32         // of each arm
	Every                 time.Duration // how often what is waited for is looked at

	addresses map[trial.Side]string // of the arms' Services, with port
	generator string                // name of the pod
	block     int                   // number of blocks so far
}

func (s *Stage) armName(side trial.Side) string {
	return s.Deployment + "-trial-" + strings.ToLower(string(side))
}

// Raise implements trial.Stage. It first removes what an earlier trial left.
func (s *Stage) Raise(ctx context.Context, arms map[trial.Side]trial.Arm) error {
	changes := map[trial.Side]Change{}
	var faults []error
	for side, arm := range arms {
		change, err := s.Resolve(side, arm)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", side, err))
		}
		changes[side] = change
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if err := s.remove(ctx); err != nil {
		return err
	}
	own, err := s.Clients.AppsV1().Deployments(s.Namespace).Get(ctx, s.Deployment, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("deployment %s: %w", s.Deployment, err)
	}
	s.addresses = map[trial.Side]string{}
	for _, side := range []trial.Side{trial.A, trial.B} {
		if err := s.raiseArm(ctx, own, side, changes[side]); err != nil {
			return fmt.Errorf("%s: %w", side, err)
		}
	}
	if err := s.raiseGenerator(ctx); err != nil {
		return err
	}
	if err := s.wait(ctx); err != nil {
		return err
	}
	s.Note("preparing documents")
	_, err = s.step(ctx, "prepare", trial.A)
	return err
}

// raiseArm makes an arm's Deployment and Service.
func (s *Stage) raiseArm(ctx context.Context, own *appsv1.Deployment, side trial.Side, change Change) error {
	deployment, err := s.deploymentOf(own, side, change)
	if err != nil {
		return err
	}
	if _, err := s.Clients.AppsV1().Deployments(s.Namespace).Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		return err
	}
	service := &corev1.Service{
		ObjectMeta: deployment.ObjectMeta,
		Spec: corev1.ServiceSpec{Selector: deployment.Spec.Selector.MatchLabels, Ports: []corev1.ServicePort{
			{Name: "http", Port: servicePort(deployment)},
		}},
	}
	made, err := s.Clients.CoreV1().Services(s.Namespace).Create(ctx, service, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	s.addresses[side] = fmt.Sprintf("http://%s:%d", made.Spec.ClusterIP, made.Spec.Ports[0].Port)
	return nil
}

// wait until both arms and the generator are ready.
func (s *Stage) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, standing, fmt.Errorf("not ready after %s", standing))
	defer cancel()
	said := ""
	for {
		waiting, err := s.unready(ctx)
		if err != nil || waiting == "" {
			return err
		}
		if waiting != said {
			said = waiting
			s.Note("waiting for %s", waiting)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", waiting, context.Cause(ctx))
		case <-time.After(s.Every):
		}
	}
}

// unready names what is not ready yet. Its error says what never will be.
func (s *Stage) unready(ctx context.Context) (string, error) {
	var waiting []string
	for _, side := range []trial.Side{trial.A, trial.B} {
		d, err := s.Clients.AppsV1().Deployments(s.Namespace).Get(ctx, s.armName(side), metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		if d.Status.ReadyReplicas < s.Replicas {
			waiting = append(waiting, fmt.Sprintf("arm %s (%d of %d pods)", side, d.Status.ReadyReplicas, s.Replicas))
		}
	}
	pod, err := s.Clients.CoreV1().Pods(s.LoadNamespace).Get(ctx, s.generator, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if pod.Status.Phase != corev1.PodRunning {
		waiting = append(waiting, "the generator")
	}
	return strings.Join(waiting, ", "), s.hopeless(ctx)
}

// hopeless says which pod of an arm does not start, and why.
func (s *Stage) hopeless(ctx context.Context) error {
	pods, err := s.Clients.CoreV1().Pods(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: Label})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		for _, status := range pod.Status.ContainerStatuses {
			waiting := status.State.Waiting
			if waiting != nil && slices.Contains([]string{"CrashLoopBackOff", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}, waiting.Reason) {
				return fmt.Errorf("arm %s does not start: %s %s; `kubectl -n %s logs %s` may say more",
					strings.ToUpper(pod.Labels[Label]), waiting.Reason, waiting.Message, s.Namespace, pod.Name)
			}
		}
	}
	return nil
}

// Clear implements trial.Stage: the documents go first, by way of an arm, then the arms.
func (s *Stage) Clear(ctx context.Context) error {
	if s.generator != "" && s.block > 0 {
		if _, err := s.step(ctx, "sweep", trial.A); err != nil {
			s.Note("the documents of the trial are left: %v", err)
		}
	}
	return s.remove(ctx)
}

// Clean removes what an ended trial left.
func (s *Stage) Clean(ctx context.Context) error { return s.remove(ctx) }

// remove everything with the label, and wait until its pods are gone.
func (s *Stage) remove(ctx context.Context) error {
	all := metav1.ListOptions{LabelSelector: Label}
	background := metav1.DeletePropagationBackground
	gone := metav1.DeleteOptions{PropagationPolicy: &background}
	services, err := s.Clients.CoreV1().Services(s.Namespace).List(ctx, all)
	if err != nil {
		return err
	}
	faults := []error{
		s.Clients.AppsV1().Deployments(s.Namespace).DeleteCollection(ctx, gone, all),
		s.Clients.CoreV1().Pods(s.LoadNamespace).DeleteCollection(ctx, gone, all),
	}
	for _, service := range services.Items {
		err := s.Clients.CoreV1().Services(s.Namespace).Delete(ctx, service.Name, gone)
		if !apierrors.IsNotFound(err) {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return s.waitGone(ctx, all)
}

func (s *Stage) waitGone(ctx context.Context, all metav1.ListOptions) error {
	ctx, cancel := context.WithTimeoutCause(ctx, going, fmt.Errorf("not gone after %s", going))
	defer cancel()
	for {
		left := 0
		for _, namespace := range []string{s.Namespace, s.LoadNamespace} {
			pods, err := s.Clients.CoreV1().Pods(namespace).List(ctx, all)
			if err != nil {
				return err
			}
			left += len(pods.Items)
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d pods of the trial are left: %w", left, context.Cause(ctx))
		case <-time.After(s.Every):
		}
	}
}
