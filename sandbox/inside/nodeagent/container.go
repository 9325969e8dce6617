package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons that the kubelet uses, too.
const (
	reasonImagePull    = "ErrImagePull"
	reasonImageBackOff = "ImagePullBackOff"
	reasonConfig       = "CreateContainerConfigError"
	reasonStart        = "StartError"
	reasonCrashLoop    = "CrashLoopBackOff"
	reasonOOM          = "OOMKilled"
	reasonUnknown      = "ContainerStatusUnknown"
)

// startError is the exit code of a container whose program could not be started, as containerd reports it.
const startErrorCode = 128

// container is one container of a pod, over all its restarts.
type container struct {
	pod     *pod
	name    string
	init    bool
	sidecar bool
	settled bool          // it ended under an earlier agent and is not to run again
	stopped chan struct{} // closed when it is to end
	over    chan struct{} // closed when it has ended for good
	started chan struct{} // closed when it first passed its startup probe
	once    sync.Once     // of stopped
	first   sync.Once     // of started

	containerSnapshot               // guarded by pod.mu, as is everything below
	process           process       // nil when it does not run
	env               []string      // of the running process
	workDir           string        // of the running process
	logged            chan struct{} // closed when the running process has ended and its output is stored
	runStart          time.Time     // of the running process
	killed            string        // why the agent ended the process, if it did
	peak              usage         // highest CPU time seen of the running process
}

func newContainer(p *pod, spec *corev1.Container, init bool, before *corev1.ContainerStatus) *container {
	c := &container{pod: p, name: spec.Name, init: init, sidecar: init && isSidecar(spec),
		stopped: make(chan struct{}), over: make(chan struct{}), started: make(chan struct{})}
	reason := "ContainerCreating"
	if !init && len(p.object.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	c.state = waiting(reason, "")
	if before != nil {
		c.resume(before, restartPolicy(&p.object.Spec, spec, init))
	}
	return c
}

// end asks the container to end, gracefully.
func (c *container) end() { c.once.Do(func() { close(c.stopped) }) }

// waitStarted waits until the container has started once; false: it never will.
func (c *container) waitStarted(ctx context.Context) bool {
	select {
	case <-c.started:
		return true
	case <-c.over:
	case <-c.pod.stopping:
	case <-ctx.Done():
	}
	return false
}

// supervise runs the container as often as its policy wants. It returns true if the last run succeeded.
func (c *container) supervise(ctx context.Context) bool {
	defer close(c.over)
	if c.settled {
		return c.state.Terminated.ExitCode == 0
	}
	pauses := backoff{base: c.pod.agent.cfg.BackoffBase, limit: c.pod.agent.cfg.BackoffLimit}
	for {
		began := time.Now()
		exit, ok := c.run(ctx)
		spec, pod := c.spec()
		if !ok || c.ending(ctx) || !restarts(restartPolicy(&pod.Spec, spec, c.init), exit) {
			return ok && exit == 0
		}
		if !c.pause(ctx, pauses.after(time.Since(began))) {
			return false
		}
	}
}

// ending says whether the container is not to be started again.
func (c *container) ending(ctx context.Context) bool {
	return isClosed(c.stopped) || isClosed(c.pod.stopping) || ctx.Err() != nil
}

// pause waits before a restart and shows why.
func (c *container) pause(ctx context.Context, d time.Duration) bool {
	_, pod := c.spec()
	if d > 0 {
		message := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", d, c.name, pod.Name, pod.Namespace, pod.UID)
		c.set(func() {
			c.last, c.state = c.state, waiting(reasonCrashLoop, message)
		})
		c.pod.event(corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.name, pod.Name))
		if !c.wait(ctx, d) {
			c.set(func() { c.state = c.last })
			return false
		}
	}
	c.set(func() {
		if c.state.Terminated != nil {
			c.last = c.state
		}
		c.restarts++
	})
	return true
}

func (c *container) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stopped:
	case <-c.pod.stopping:
	case <-ctx.Done():
	}
	return false
}

// run runs the container once and returns its exit code; false: it was never started, as the pod is to end.
func (c *container) run(ctx context.Context) (exit int, ok bool) {
	in, ok := c.invocation(ctx)
	if !ok {
		return 0, false
	}
	log, err := newLogFile(c.pod.logPath(c.name, c.restarts))
	if err != nil {
		return c.failedStart(err), true
	}
	proc, output, err := c.start(in, log)
	if err != nil {
		return c.failedStart(errors.Join(err, log.Close())), true
	}
	runCtx, cancel := context.WithCancel(ctx)
	var attendants sync.WaitGroup
	attendants.Go(func() { c.attend(runCtx, proc) })
	attendants.Go(func() { c.endWhenAsked(ctx, proc) })
	<-proc.Done()
	cancel()
	attendants.Wait()
	if err := output(); err != nil {
		c.pod.log.Error("container log", "container", c.name, "error", err)
	}
	close(c.logged)
	return c.ended(proc.Exit()), true
}

// failedStart records that the program could not be started.
func (c *container) failedStart(err error) int {
	c.pod.event(corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
	now := metav1.Now()
	c.set(func() {
		c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: startErrorCode, Reason: reasonStart, Message: err.Error(),
			StartedAt: now, FinishedAt: now, ContainerID: containerID(c.pod.object, c.name, c.restarts)}}
	})
	return startErrorCode
}

// ended records how the process ended.
func (c *container) ended(exit exitStatus) int {
	message := c.terminationMessage(exit.code)
	c.set(func() {
		reason := "Completed"
		switch {
		case c.killed != "":
			reason = c.killed
		case exit.code != 0:
			reason = "Error"
		}
		c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: int32(exit.code), Signal: int32(exit.signal), Reason: reason, Message: message,
			StartedAt: metav1.NewTime(c.runStart), FinishedAt: metav1.Now(), ContainerID: containerID(c.pod.object, c.name, c.restarts)}}
		c.containerSnapshot.started, c.ready, c.process, c.killed, c.peak = false, false, nil, "", usage{}
	})
	return exit.code
}

// endWhenAsked ends the process when the container is to stop or the agent ends.
func (c *container) endWhenAsked(ctx context.Context, proc process) {
	select {
	case <-proc.Done():
	case <-c.stopped:
		c.pod.event(corev1.EventTypeNormal, "Killing", "Stopping container "+c.name)
		c.set(func() { c.ready = false })
		c.terminate(ctx, proc, c.pod.timeLeft(), c.pod.hurry)
	case <-ctx.Done():
		c.terminate(ctx, proc, shutdownGrace, nil)
	}
}

// terminate ends a process: its preStop hook, SIGTERM, and SIGKILL when grace is over or hurry is closed. The process is dead when it returns.
func (c *container) terminate(ctx context.Context, proc process, grace time.Duration, hurry <-chan struct{}) {
	deadline := time.Now().Add(grace)
	if grace > 0 && ctx.Err() == nil {
		c.preStop(ctx, proc, deadline)
	}
	c.signal(proc, syscall.SIGTERM)
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-proc.Done():
		return
	case <-timer.C:
	case <-hurry:
	case <-afterDone(ctx, shutdownGrace, proc.Done()):
	}
	c.signal(proc, syscall.SIGKILL)
	<-proc.Done()
}

// preStop runs the container's preStop hook, if it has one, until the deadline.
func (c *container) preStop(ctx context.Context, proc process, deadline time.Time) {
	spec, _ := c.spec()
	if spec.Lifecycle == nil || spec.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := c.hook(ctx, proc, spec.Lifecycle.PreStop); err != nil && ctx.Err() == nil && !isClosed(proc.Done()) {
		c.pod.event(corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: "+err.Error())
	}
}

// afterDone is closed d after ctx has ended; it gives up when end is closed.
func afterDone(ctx context.Context, d time.Duration, end <-chan struct{}) <-chan struct{} {
	late := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-end:
			return
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			close(late)
		case <-end:
		}
	}()
	return late
}

func (c *container) signal(proc process, s syscall.Signal) {
	if err := proc.Signal(s); err != nil {
		c.pod.log.Error("signal a container", "container", c.name, "error", err)
	}
}

// timeLeft is what remains of the pod's grace period; a container that ends on its own account has all of it.
func (p *pod) timeLeft() time.Duration {
	p.mu.Lock()
	deadline := p.deadline
	p.mu.Unlock()
	if deadline.IsZero() {
		return p.grace()
	}
	return max(time.Until(deadline), 0)
}

// spec is the container's newest specification, and its pod's.
func (c *container) spec() (*corev1.Container, *corev1.Pod) {
	object := c.pod.current()
	all := object.Spec.Containers
	if c.init {
		all = object.Spec.InitContainers
	}
	for i := range all {
		if all[i].Name == c.name {
			return &all[i], object
		}
	}
	return &corev1.Container{Name: c.name}, object // the API server lets no container be removed
}

// set changes the container's state and has it published.
func (c *container) set(change func()) {
	c.pod.mu.Lock()
	change()
	c.pod.mu.Unlock()
	c.pod.markChanged()
}

func (p *pod) logPath(container string, restarts int32) string {
	return filepath.Join(p.dir, "logs", fmt.Sprintf("%s.%d.log", container, restarts))
}
