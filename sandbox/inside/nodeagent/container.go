package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/logs"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/restart"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/status"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
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
	pod       *podSandbox
	name      string
	init      bool
	sidecar   bool
	completed bool          // it ended under an earlier agent and is not to run again
	stopped   chan struct{} // closed when it is to end
	over      chan struct{} // closed when it has ended for good
	started   chan struct{} // closed when it first passed its startup probe
	once      sync.Once     // of stopped
	first     sync.Once     // of started

	status.Container                 // guarded by pod.mu, as is everything below
	process          process.Process // nil when it does not run
	env              []string        // of the running process
	workDir          string          // of the running process
	logged           chan struct{}   // closed when the running process has ended and its output is stored
	runStart         time.Time       // of the running process
	killed           string          // why the agent ended the process, if it did
	peak             usage.Usage     // highest CPU time seen of the running process
}

func newContainer(p *podSandbox, spec *corev1.Container, init bool, before *corev1.ContainerStatus) *container {
	c := &container{pod: p, name: spec.Name, init: init, sidecar: init && status.IsSidecar(spec),
		stopped: make(chan struct{}), over: make(chan struct{}), started: make(chan struct{})}
	reason := "ContainerCreating"
	if !init && len(p.object.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	c.State = status.Waiting(reason, "")
	if before != nil {
		c.resume(before, restart.Policy(&p.object.Spec, spec, init))
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
	if c.completed {
		return c.State.Terminated.ExitCode == 0
	}
	pauses := restart.Backoff{Base: c.pod.cfg.BackoffBase, Limit: c.pod.cfg.BackoffLimit}
	for {
		began := time.Now()
		exit, ok := c.run(ctx)
		spec, pod := c.spec()
		if !ok || c.ending(ctx) || !restart.Again(restart.Policy(&pod.Spec, spec, c.init), exit) {
			return ok && exit == 0
		}
		if !c.pause(ctx, pauses.After(time.Since(began))) {
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
			c.Last, c.State = c.State, status.Waiting(reasonCrashLoop, message)
		})
		c.pod.event(corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.name, pod.Name))
		if !c.wait(ctx, d) {
			c.set(func() { c.State = c.Last })
			return false
		}
	}
	c.set(func() {
		if c.State.Terminated != nil {
			c.Last = c.State
		}
		c.Restarts++
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
	log, err := logs.NewFile(c.pod.logPath(c.name, c.Restarts))
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
		c.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: startErrorCode, Reason: reasonStart, Message: err.Error(),
			StartedAt: now, FinishedAt: now, ContainerID: status.ContainerID(c.pod.object, c.name, c.Restarts)}}
	})
	return startErrorCode
}

// ended records how the process ended.
func (c *container) ended(exit process.Exit) int {
	message := c.terminationMessage(exit.Code)
	c.set(func() {
		reason := "Completed"
		switch {
		case c.killed != "":
			reason = c.killed
		case exit.Code != 0:
			reason = "Error"
		}
		c.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: int32(exit.Code), Signal: int32(exit.Signal), Reason: reason, Message: message,
			StartedAt: metav1.NewTime(c.runStart), FinishedAt: metav1.Now(), ContainerID: status.ContainerID(c.pod.object, c.name, c.Restarts)}}
		c.Started, c.Ready, c.process, c.killed, c.peak = false, false, nil, "", usage.Usage{}
	})
	return exit.Code
}

// endWhenAsked ends the process when the container is to stop or the agent ends.
func (c *container) endWhenAsked(ctx context.Context, proc process.Process) {
	select {
	case <-proc.Done():
	case <-c.stopped:
		c.pod.event(corev1.EventTypeNormal, "Killing", "Stopping container "+c.name)
		c.set(func() { c.Ready = false })
		c.terminate(ctx, proc, c.pod.timeLeft(), c.pod.graceOver)
	case <-ctx.Done():
		c.terminate(ctx, proc, shutdownGrace, nil)
	}
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

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// resume takes over from what an earlier agent reported. Its processes are gone: what ran is started anew, what had
// ended for good stays so, except for init containers: the network and volumes they prepared are new.
func (c *container) resume(before *corev1.ContainerStatus, policy corev1.RestartPolicy) {
	c.Restarts, c.Last = before.RestartCount, before.LastTerminationState
	ended := before.State.Terminated
	if before.State.Running != nil {
		ended = &corev1.ContainerStateTerminated{ExitCode: process.UnknownExit, Reason: reasonUnknown, Message: "the container's process ended with the node agent",
			StartedAt: before.State.Running.StartedAt, FinishedAt: metav1.Now(), ContainerID: before.ContainerID}
	}
	switch {
	case ended == nil && c.Last.Terminated == nil: // it has never run
	case ended == nil:
		c.Restarts++
	case c.init && !c.sidecar:
		c.Last = corev1.ContainerState{Terminated: ended}
	case restart.Again(policy, int(ended.ExitCode)):
		c.Restarts++
		c.Last = corev1.ContainerState{Terminated: ended}
	default:
		c.completed = true
		c.State = corev1.ContainerState{Terminated: ended}
	}
}
