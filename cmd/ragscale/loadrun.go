package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ragscale/ragscale/perf/load"
)

// Containers of a generator's pod, and k6's exit code when a threshold is missed.
const (
	k6Container      = "k6"
	resultsContainer = "results"
	thresholdsMissed = 99
)

// Environment variables that the scripts read.
const (
	allowVariable    = "ALLOW_PRODUCTION" // "true" loads production
	revisionVariable = "REVISION"         // of the checkout, for the run's fingerprint
)

// noImage are reasons for which a container will not start by itself.
var noImage = []string{"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}

// loadRun is one run of a load test.
type loadRun struct {
	console
	clients  kubernetes.Interface
	every    time.Duration // how often the run is looked at
	revision string        // of the checkout; "" where it is not known
	job      *batchv1.Job

	followed map[string]bool // pods whose log is read
	logs     sync.WaitGroup
	writing  sync.Mutex
	said     string // the last note about pods that wait
}

// start makes a Job of the scenario's CronJob, which then keeps and drops it like those of its schedule.
func (r *loadRun) start(ctx context.Context, scenario string, allowProduction bool) error {
	from, err := r.clients.BatchV1().CronJobs(loadNamespace).Get(ctx, scenario, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("scenario %s: %w", scenario, err)
	}
	template := from.Spec.JobTemplate.DeepCopy()
	controller := true
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name:        load.NewRun(scenario, time.Now()),
			Labels:      template.Labels,
			Annotations: map[string]string{"cronjob.kubernetes.io/instantiate": "manual"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "batch/v1", Kind: "CronJob", Name: from.Name, UID: from.UID, Controller: &controller,
			}},
		},
		Spec: template.Spec,
	}
	if allowProduction {
		setEnv(&job.Spec.Template.Spec, allowVariable, "true")
	}
	if r.revision != "" {
		setEnv(&job.Spec.Template.Spec, revisionVariable, r.revision)
	}
	if r.job, err = r.clients.BatchV1().Jobs(loadNamespace).Create(ctx, job, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("job %s: %w", job.Name, err)
	}
	r.note("run %s: generators %d, at most %s; `kubectl -n %s delete job %s` ends it from elsewhere", r.job.Name,
		*r.job.Spec.Completions,
		time.Duration(*r.job.Spec.ActiveDeadlineSeconds)*time.Second, loadNamespace, r.job.Name)
	return nil
}

// setEnv sets an environment variable of each container.
func setEnv(pod *corev1.PodSpec, name, value string) {
	for i := range pod.Containers {
		c := &pod.Containers[i]
		c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
	}
}

// follow prints what the generators say until the run is over, and returns its verdict. It outlives a cluster that
// does not answer for a while.
func (r *loadRun) follow(ctx context.Context) error {
	r.followed = map[string]bool{}
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		over, err := r.look(ctx)
		if over || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return r.end(ctx)
		case <-tick.C:
		}
	}
}

// look takes one look at the run and tells whether it is over.
func (r *loadRun) look(ctx context.Context) (over bool, err error) {
	job, err := r.clients.BatchV1().Jobs(loadNamespace).Get(ctx, r.job.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return true, fmt.Errorf("run %s was deleted by someone else", r.job.Name)
	}
	if err != nil {
		r.sayOnce("the cluster does not answer: %v", err)
		return false, nil
	}
	pods, err := r.clients.CoreV1().Pods(loadNamespace).List(ctx,
		metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + r.job.Name})
	if err != nil {
		r.sayOnce("the cluster does not answer: %v", err)
		return false, nil
	}
	if err := r.pods(ctx, pods.Items); err != nil {
		return true, errors.Join(err, r.end(ctx))
	}
	if condition := ending(job); condition != nil {
		r.logs.Wait()
		return true, r.verdict(*condition, pods.Items)
	}
	return false, nil
}

// pods begins to read the log of each generator that runs, says which wait, and reports one that will not start.
func (r *loadRun) pods(ctx context.Context, pods []corev1.Pod) error {
	var waiting []string
	for _, pod := range pods {
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if w := status.State.Waiting; w != nil && slices.Contains(noImage, w.Reason) {
				return fmt.Errorf("generator %s: image %s: %s %s", index(pod), status.Image, w.Reason, w.Message)
			}
		}
		status := statusOf(pod, k6Container)
		switch {
		case status == nil || status.State.Waiting != nil || status.State == (corev1.ContainerState{}):
			waiting = append(waiting, index(pod))
		case !r.followed[pod.Name]:
			r.followed[pod.Name] = true
			r.logs.Go(func() { r.print(ctx, pod, len(pods) > 1) })
		}
	}
	if len(waiting) > 0 {
		slices.Sort(waiting)
		r.sayOnce("waiting for generators %s", strings.Join(waiting, ", "))
	}
	return nil
}

// print copies the log of a generator, line by line.
func (r *loadRun) print(ctx context.Context, pod corev1.Pod, several bool) {
	stream, err := r.clients.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name,
		&corev1.PodLogOptions{Container: k6Container, Follow: true}).Stream(ctx)
	if err != nil {
		r.say("log of generator %s: %v", index(pod), err)
		return
	}
	defer stream.Close()
	prefix := ""
	if several {
		prefix = index(pod) + ": "
	}
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		r.writing.Lock()
		fmt.Fprintf(r.out, "%s%s\n", prefix, lines.Text())
		r.writing.Unlock()
	}
}

// verdict is nil when every threshold was kept, errUnhealthy when one was missed, else why the run tells nothing.
func (r *loadRun) verdict(condition batchv1.JobCondition, pods []corev1.Pod) error {
	var missed, broken []string
	for _, pod := range pods {
		r.noteUpload(pod)
		s := statusOf(pod, k6Container)
		switch {
		case s == nil || s.State.Terminated == nil:
			broken = append(broken, fmt.Sprintf("generator %s did not run", index(pod)))
		case s.State.Terminated.ExitCode == thresholdsMissed:
			missed = append(missed, index(pod))
		case s.State.Terminated.ExitCode != 0:
			broken = append(broken, fmt.Sprintf("generator %s: k6 ended with code %d %s", index(pod),
				s.State.Terminated.ExitCode, s.State.Terminated.Reason))
		}
	}
	slices.Sort(missed)
	switch {
	case condition.Type == batchv1.JobComplete:
		r.say("run %s: every threshold was kept", r.job.Name)
		return nil
	case len(broken) > 0 || len(missed) == 0:
		return fmt.Errorf("run %s: %s", r.job.Name,
			strings.Join(append([]string{condition.Reason + ": " + condition.Message}, broken...), "; "))
	}
	r.say("run %s: thresholds were missed by generators %s", r.job.Name, strings.Join(missed, ", "))
	return errUnhealthy
}

// noteUpload says that a generator's result did not reach the bucket.
func (r *loadRun) noteUpload(pod corev1.Pod) {
	if s := statusOf(pod, resultsContainer); s != nil && s.State.Terminated != nil && s.State.Terminated.ExitCode != 0 {
		r.say("generator %s: its result is not in the bucket: `kubectl -n %s logs %s -c %s` says why", index(pod),
			loadNamespace, pod.Name, resultsContainer)
	}
}

// end deletes the run: its generators end what they do and keep their results. The context may be over.
func (r *loadRun) end(ctx context.Context) error {
	r.say("ending run %s", r.job.Name)
	background := metav1.DeletePropagationBackground
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := r.clients.BatchV1().Jobs(loadNamespace).Delete(within, r.job.Name,
		metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("run %s goes on, `kubectl -n %s delete job %s` ends it: %w", r.job.Name, loadNamespace,
			r.job.Name, err)
	}
	return ctx.Err()
}

// say writes a note between the lines of logs.
func (r *loadRun) say(format string, a ...any) {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.note(format, a...)
}

// sayOnce says what is not what was said last.
func (r *loadRun) sayOnce(format string, a ...any) {
	if text := fmt.Sprintf(format, a...); text != r.said {
		r.said = text
		r.say("%s", text)
	}
}

// ending is the condition that says how a Job ended; nil while it has not. A Job that is to fail is waited for until
// its pods are over.
func ending(job *batchv1.Job) *batchv1.JobCondition {
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return &c
		}
	}
	return nil
}

// statusOf is the state of one container of a pod, of either kind.
func statusOf(pod corev1.Pod, container string) *corev1.ContainerStatus {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name == container {
			return &status
		}
	}
	return nil
}

// index is a pod's number among the generators.
func index(pod corev1.Pod) string { return pod.Annotations[batchv1.JobCompletionIndexAnnotation] }
