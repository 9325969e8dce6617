package generators

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Containers of a generator's pod, and k6's exit code when a threshold is missed.
const (
	k6Container      = "k6"
	resultsContainer = "results"
	thresholdsMissed = 99
)

// noImage are reasons for which a container will not start by itself.
var noImage = []string{"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}

// verdict notes how each generator ended, and is the reason why the run tells less than it should.
func (r *Run) verdict(condition batchv1.JobCondition, pods []corev1.Pod) error {
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
		r.note("run %s: every threshold was kept", r.Name)
		return nil
	case len(broken) > 0 || len(missed) == 0:
		return fmt.Errorf("run %s: %s", r.Name,
			strings.Join(append([]string{condition.Reason + ": " + condition.Message}, broken...), "; "))
	}
	r.note("run %s: thresholds were missed by generators %s", r.Name, strings.Join(missed, ", "))
	return nil
}

// noteUpload says that a generator's result did not reach the bucket.
func (r *Run) noteUpload(pod corev1.Pod) {
	if s := statusOf(pod, resultsContainer); s != nil && s.State.Terminated != nil && s.State.Terminated.ExitCode != 0 {
		r.note("generator %s: its result is not in the bucket: `kubectl -n %s logs %s -c %s` says why", index(pod),
			pod.Namespace, pod.Name, resultsContainer)
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

// ended says that nothing of a pod runs any more.
func ended(pod corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
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
