package nodeagent

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/status"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/volume"
)

const (
	goneGrace     = time.Second     // for a pod whose object was removed by force
	shutdownGrace = 2 * time.Second // for every container when the agent ends
)

// pod is one pod of this machine, from its first sight until its object is gone.
type pod struct {
	*podSandbox
	resumed    bool // it ran under an earlier agent
	containers map[string]*container

	gone      chan struct{} // closed when the API object is gone
	stopOnce  sync.Once
	graceOnce sync.Once
	goneOnce  sync.Once

	published *corev1.Pod // what the API server has, as far as is known; guarded by mu
}

func newPod(m *machine, n *node, object *corev1.Pod) *pod {
	dir := filepath.Join(m.podsDir(), string(object.UID))
	sandbox := &podSandbox{
		machine: m, node: n, uid: object.UID, dir: dir, object: object, log: m.log.With("pod", object.Namespace+"/"+object.Name),
		changed: make(chan struct{}, 1), stopping: make(chan struct{}), graceOver: make(chan struct{}),
		volumes: volume.New(filepath.Join(dir, "volumes"), m.objects, m.runtime),
		state:   status.Pod{StartedAt: metav1.Now(), PodIP: object.Status.PodIP, HostIP: n.ip.String()},
	}
	p := &pod{podSandbox: sandbox, published: object, gone: make(chan struct{}), containers: map[string]*container{}}
	if object.Status.StartTime != nil {
		p.state.StartedAt, p.resumed = *object.Status.StartTime, true
	}
	for i := range object.Spec.InitContainers {
		spec := &object.Spec.InitContainers[i]
		p.containers[spec.Name] = newContainer(sandbox, spec, true, containerStatus(object.Status.InitContainerStatuses, spec.Name))
	}
	for i := range object.Spec.Containers {
		spec := &object.Spec.Containers[i]
		p.containers[spec.Name] = newContainer(sandbox, spec, false, containerStatus(object.Status.ContainerStatuses, spec.Name))
	}
	return p
}

func containerStatus(all []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// run takes the pod through its life and returns when its object is gone or ctx ends; nothing of it runs then.
func (p *pod) run(ctx context.Context) {
	var publisher sync.WaitGroup
	publisher.Go(func() { p.publish(ctx) })
	if phase := p.object.Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		p.state.Over, p.state.Initialized, p.state.Reason, p.state.Message = true, true, p.object.Status.Reason, p.object.Status.Message
	} else {
		p.live(ctx)
		p.finish()
	}
	p.markChanged()
	select {
	case <-p.gone:
	case <-ctx.Done():
	}
	publisher.Wait()
	if ctx.Err() != nil {
		return // a later agent resumes the pod
	}
	if err := os.RemoveAll(p.dir); err != nil {
		p.log.Error("remove the pod's folder", "error", err)
	}
}

// live runs the containers until none is left.
func (p *pod) live(ctx context.Context) {
	if !p.prepare(ctx) {
		return
	}
	defer p.watchDeadline()()
	var sidecars []*container
	var running sync.WaitGroup
	defer func() {
		for i := len(sidecars) - 1; i >= 0; i-- { // the last one started ends first
			sidecars[i].end()
			<-sidecars[i].over
		}
		running.Wait()
	}()
	spec := p.current().Spec
	for i := range spec.InitContainers {
		c := p.containers[spec.InitContainers[i].Name]
		if status.IsSidecar(&spec.InitContainers[i]) {
			sidecars = append(sidecars, c)
			running.Go(func() { c.supervise(ctx) })
			if !c.waitStarted(ctx) {
				return
			}
		} else if !c.supervise(ctx) {
			return
		}
	}
	p.mu.Lock()
	p.state.Initialized = true
	p.mu.Unlock()
	p.markChanged()
	var mains sync.WaitGroup
	for i := range spec.Containers {
		c := p.containers[spec.Containers[i].Name]
		mains.Go(func() { c.supervise(ctx) })
	}
	mains.Wait()
}

// finish gives back what the pod held and marks it as over.
func (p *pod) finish() {
	err := p.release()
	p.mu.Lock()
	p.state.Over, p.state.Stopping = true, true
	p.mu.Unlock()
	if err != nil {
		p.log.Error("release the pod's resources", "error", err)
	}
}

// refreshLive brings the volumes of a running pod up to date.
func (p *pod) refreshLive(ctx context.Context) {
	p.mu.Lock()
	runs := p.state.NetworkReady && !p.state.Stopping && !p.state.Over
	p.mu.Unlock()
	if !runs || len(p.current().Spec.Volumes) == 0 {
		return
	}
	if err := p.refreshVolumes(ctx); err != nil && ctx.Err() == nil {
		p.event(corev1.EventTypeWarning, "FailedMount", err.Error())
	}
}

// watchDeadline ends the pod when activeDeadlineSeconds are over, counted from its start.
func (p *pod) watchDeadline() (cancel func() bool) {
	seconds := p.current().Spec.ActiveDeadlineSeconds
	if seconds == nil {
		return func() bool { return false }
	}
	left := time.Until(p.state.StartedAt.Add(time.Duration(*seconds) * time.Second))
	return time.AfterFunc(max(left, 0), func() {
		p.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	}).Stop
}

// fail ends the pod for a reason of its own.
func (p *pod) fail(reason, message string) {
	p.mu.Lock()
	p.state.Reason, p.state.Message = reason, message
	p.mu.Unlock()
	p.event(corev1.EventTypeWarning, reason, message)
	p.stop(p.grace())
}

// stop ends the pod within grace. A later call may only shorten it.
func (p *pod) stop(grace time.Duration) {
	deadline := time.Now().Add(grace)
	p.mu.Lock()
	if !p.deadline.IsZero() && !deadline.Before(p.deadline) {
		p.mu.Unlock()
		return
	}
	p.deadline = deadline
	p.state.Stopping = true
	p.mu.Unlock()
	time.AfterFunc(grace, func() { p.graceOnce.Do(func() { close(p.graceOver) }) })
	p.stopOnce.Do(func() {
		close(p.stopping)
		for _, c := range p.containers {
			if !c.sidecar {
				c.end()
			}
		}
	})
	p.markChanged()
}

// update takes a newer version of the object.
func (p *pod) update(object *corev1.Pod) {
	p.mu.Lock()
	p.object = object
	if status.Newer(object, p.published) {
		p.published = object
	}
	p.mu.Unlock()
	if object.DeletionTimestamp != nil {
		grace := p.grace()
		if s := object.DeletionGracePeriodSeconds; s != nil {
			grace = time.Duration(*s) * time.Second
		}
		p.stop(grace)
	}
	p.markChanged()
}

// removed takes note that the object is gone.
func (p *pod) removed() {
	p.stop(goneGrace)
	p.goneOnce.Do(func() { close(p.gone) })
}
