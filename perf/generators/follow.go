package generators

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
)

// Listener is told what happens to a run, one thing at a time.
type Listener interface {
	// Said is a line of a generator's log.
	Said(generator, line string)
	// Noted is what there is to know beside that.
	Noted(note string)
	// Progressed is where the run is, every now and then.
	Progressed(p Progress)
}

// ErrEnded is what Follow returns of a run that was ended before its time.
var ErrEnded = errors.New("ended before its time")

const (
	longestLine = 1 << 20 // bytes
	// logsWithin is how long the rest of the logs is waited for when the run is over.
	logsWithin = 10 * time.Second
)

// Follow tells what the generators say until the run is over, or until ctx ends, which leaves the run alone. It outlives
// a cluster that does not answer for a while. Thresholds that a generator missed in its share are noted and no error: the
// whole may have kept them. Any other end than the run's own is one.
func (r *Run) Follow(ctx context.Context, l Listener) error {
	r.one.Lock()
	r.heard = l
	r.one.Unlock()
	if r.cluster.Forward != nil {
		asking, stop := context.WithCancel(ctx)
		var asked sync.WaitGroup
		asked.Go(func() { r.progress(asking, l) })
		defer func() { stop(); asked.Wait() }()
	}
	tick := time.NewTicker(r.cluster.Every)
	defer tick.Stop()
	for {
		over, err := r.look(ctx)
		if over {
			r.waitForLogs()
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// End ends the run: its generators finish what is in flight and keep their results. It returns when they have.
func (r *Run) End(ctx context.Context, l Listener) error {
	grace := time.Minute
	if s := r.job.Spec.Template.Spec.TerminationGracePeriodSeconds; s != nil {
		grace += time.Duration(*s) * time.Second
	}
	within, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if err := r.remove(within); err != nil {
		return err
	}
	if err := r.Follow(within, l); err != nil && !errors.Is(err, ErrEnded) {
		return fmt.Errorf("run %s: its generators have not ended: %w", r.Name, err)
	}
	return nil
}

// remove deletes the Job, with its pods. The context may be over.
func (r *Run) remove(ctx context.Context) error {
	background := metav1.DeletePropagationBackground
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), logsWithin)
	defer cancel()
	err := r.cluster.Clients.BatchV1().Jobs(r.cluster.Namespace).Delete(within, r.Name,
		metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("run %s goes on, `kubectl -n %s delete job %s` ends it: %w", r.Name, r.cluster.Namespace, r.Name, err)
	}
	return nil
}

// look takes one look at the run and tells whether it is over.
func (r *Run) look(ctx context.Context) (over bool, err error) {
	job, err := r.cluster.Clients.BatchV1().Jobs(r.cluster.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
	gone := apierrors.IsNotFound(err)
	if err != nil && !gone {
		r.waits(ctx, "the cluster does not answer: %v", err)
		return false, nil
	}
	list, err := r.cluster.Clients.CoreV1().Pods(r.cluster.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + r.Name})
	if err != nil {
		r.waits(ctx, "the cluster does not answer: %v", err)
		return false, nil
	}
	pods := list.Items
	if err := r.pods(ctx, pods); err != nil {
		return true, errors.Join(err, r.remove(ctx))
	}
	switch {
	case !gone && ending(job) != nil:
		return true, r.verdict(*ending(job), pods)
	case gone && !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return !ended(pod) }):
		return true, fmt.Errorf("run %s: %w", r.Name, ErrEnded)
	case gone:
		r.waits(ctx, "run %s is ending: its generators finish what is in flight", r.Name)
	}
	return false, nil
}

// pods begins to read the log of each generator that runs, says which wait, and reports one that will not start.
func (r *Run) pods(ctx context.Context, pods []corev1.Pod) error {
	var waiting []string
	for _, pod := range pods {
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if w := status.State.Waiting; w != nil && slices.Contains(noImage, w.Reason) {
				return fmt.Errorf("generator %s: image %s: %s %s", index(pod), status.Image, w.Reason, w.Message)
			}
		}
		status := statusOf(pod, k6Container)
		if status == nil || status.State.Waiting != nil || status.State == (corev1.ContainerState{}) {
			waiting = append(waiting, index(pod))
			continue
		}
		r.listen(ctx, pod)
	}
	if len(waiting) > 0 {
		slices.Sort(waiting)
		r.waits(ctx, "waiting for generators %s", strings.Join(waiting, ", "))
	}
	return nil
}

// listen has a generator's log read, if it is not: also again, after a connection was lost.
func (r *Run) listen(ctx context.Context, pod corev1.Pod) {
	r.one.Lock()
	defer r.one.Unlock()
	if r.read[pod.Name] {
		return
	}
	r.read[pod.Name] = true
	r.logs.Go(func() {
		err := r.hear(ctx, pod)
		over := statusOf(pod, k6Container).State.Terminated != nil
		r.one.Lock()
		defer r.one.Unlock()
		r.read[pod.Name] = err == nil && over // a log of one that ended has been read wholly
	})
}

// hear hands on the lines of a generator's log that were not, until it ends.
func (r *Run) hear(ctx context.Context, pod corev1.Pod) error {
	stream, err := r.cluster.Clients.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name,
		&corev1.PodLogOptions{Container: k6Container, Follow: true}).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		r.one.Lock()
		if n > r.lines[pod.Name] {
			r.lines[pod.Name] = n
			r.heard.Said(index(pod), lines.Text())
		}
		r.one.Unlock()
	}
	return lines.Err()
}

// waitForLogs waits until what generators said has been handed on.
func (r *Run) waitForLogs() {
	done := make(chan struct{})
	go func() { defer close(done); r.logs.Wait() }()
	select {
	case <-done:
	case <-time.After(logsWithin):
	}
}

// note tells the listener.
func (r *Run) note(format string, a ...any) {
	r.one.Lock()
	defer r.one.Unlock()
	r.heard.Noted(fmt.Sprintf(format, a...))
}

// waits notes what is waited for, unless it was what was noted last.
func (r *Run) waits(ctx context.Context, format string, a ...any) {
	if text := fmt.Sprintf(format, a...); text != r.noted && ctx.Err() == nil {
		r.noted = text
		r.note("%s", text)
	}
}
