package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	retryEvery    = time.Second      // between attempts at what a pod waits for: volumes, images, configuration
	defaultGrace  = 30 * time.Second // of a pod that names none
	goneGrace     = time.Second      // for a pod whose object was removed by force
	shutdownGrace = 2 * time.Second  // for every container when the agent ends
)

// pod is one pod of this machine, from its first sight until its object is gone.
type pod struct {
	agent   *Agent
	node    *node
	log     *slog.Logger
	uid     types.UID
	dir     string
	resumed bool // it ran under an earlier agent

	changed   chan struct{} // holds one element when the status may have changed
	stopping  chan struct{} // closed when the pod is to end
	hurry     chan struct{} // closed when the grace period is over
	gone      chan struct{} // closed when the API object is gone
	stopOnce  sync.Once
	hurryOnce sync.Once
	goneOnce  sync.Once

	volumeMu sync.Mutex
	volumes  *volumes

	mu         sync.Mutex // guards everything below
	object     *corev1.Pod
	published  *corev1.Pod // what the API server has, as far as is known
	deadline   time.Time   // of the end, once stopping
	ip         netip.Addr
	network    network
	snap       snapshot // without containers
	containers map[string]*container
}

func newPod(a *Agent, n *node, object *corev1.Pod) *pod {
	dir := filepath.Join(a.podsDir(), string(object.UID))
	p := &pod{
		agent: a, node: n, uid: object.UID, dir: dir, object: object, published: object,
		log:     a.log.With("pod", object.Namespace+"/"+object.Name),
		changed: make(chan struct{}, 1), stopping: make(chan struct{}), hurry: make(chan struct{}), gone: make(chan struct{}),
		volumes:    newVolumes(filepath.Join(dir, "volumes"), a.objects, a.runtime),
		containers: map[string]*container{},
	}
	p.snap.startedAt = metav1.Now()
	if object.Status.StartTime != nil {
		p.snap.startedAt, p.resumed = *object.Status.StartTime, true
	}
	p.snap.podIP, p.snap.hostIP = object.Status.PodIP, n.ip.String()
	for i := range object.Spec.InitContainers {
		spec := &object.Spec.InitContainers[i]
		p.containers[spec.Name] = newContainer(p, spec, true, containerStatus(object.Status.InitContainerStatuses, spec.Name))
	}
	for i := range object.Spec.Containers {
		spec := &object.Spec.Containers[i]
		p.containers[spec.Name] = newContainer(p, spec, false, containerStatus(object.Status.ContainerStatuses, spec.Name))
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
		p.snap.over, p.snap.initialized, p.snap.reason, p.snap.message = true, true, p.object.Status.Reason, p.object.Status.Message
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
	p.agent.forget(p)
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
		if isSidecar(&spec.InitContainers[i]) {
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
	p.snap.initialized = true
	p.mu.Unlock()
	p.markChanged()
	var mains sync.WaitGroup
	for i := range spec.Containers {
		c := p.containers[spec.Containers[i].Name]
		mains.Go(func() { c.supervise(ctx) })
	}
	mains.Wait()
}

// prepare makes the network and the volumes; what is missing is waited for.
func (p *pod) prepare(ctx context.Context) bool {
	p.markChanged()
	for {
		err := p.prepareOnce(ctx)
		if err == nil {
			p.markChanged()
			return true
		}
		p.event(corev1.EventTypeWarning, "FailedMount", err.Error())
		p.log.Warn("pod is waiting", "error", err)
		if !p.wait(ctx, retryEvery) {
			return false
		}
	}
}

func (p *pod) prepareOnce(ctx context.Context) error {
	for _, d := range []string{"volumes", "logs"} {
		if err := os.MkdirAll(filepath.Join(p.dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := p.connect(); err != nil {
		return err
	}
	return p.refreshVolumes(ctx)
}

// connect gives the pod its network and the files that describe it.
func (p *pod) connect() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.snap.networkReady {
		return nil
	}
	if p.object.Spec.HostNetwork {
		p.snap.podIP = p.node.ip.String()
	} else {
		ip, err := p.agent.pods.take(p.object.Status.PodIP)
		if err != nil {
			return err
		}
		if p.network, err = p.agent.runtime.NewNetwork(ip); err != nil {
			p.agent.pods.release(ip)
			return fmt.Errorf("network of address %s: %w", ip, err)
		}
		p.ip, p.snap.podIP = ip, ip.String()
	}
	p.snap.networkReady = true
	v := p.viewLocked()
	for name, content := range map[string]string{
		"hosts":       hostsFile(v),
		"hostname":    v.hostname() + "\n",
		"resolv.conf": resolvFile(p.object, p.agent.cfg.DNS, p.agent.hostResolv),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// refreshVolumes brings the volumes up to date with the objects they show.
func (p *pod) refreshVolumes(ctx context.Context) error {
	v := p.view()
	p.volumeMu.Lock()
	defer p.volumeMu.Unlock()
	return p.volumes.prepare(ctx, v)
}

// finish gives back what the pod held and marks it as over.
func (p *pod) finish() {
	p.volumeMu.Lock()
	err := p.volumes.release()
	p.volumeMu.Unlock()
	p.mu.Lock()
	network, ip := p.network, p.ip
	p.network, p.ip = nil, netip.Addr{}
	p.snap.over, p.snap.stopping = true, true
	p.mu.Unlock()
	if network != nil {
		err = errors.Join(err, network.Close())
		p.agent.pods.release(ip)
	}
	if err != nil {
		p.log.Error("release the pod's resources", "error", err)
	}
}

// watchDeadline ends the pod when activeDeadlineSeconds are over, counted from its start.
func (p *pod) watchDeadline() (cancel func() bool) {
	seconds := p.current().Spec.ActiveDeadlineSeconds
	if seconds == nil {
		return func() bool { return false }
	}
	left := time.Until(p.snap.startedAt.Add(time.Duration(*seconds) * time.Second))
	return time.AfterFunc(max(left, 0), func() {
		p.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	}).Stop
}

// fail ends the pod for a reason of its own.
func (p *pod) fail(reason, message string) {
	p.mu.Lock()
	p.snap.reason, p.snap.message = reason, message
	p.mu.Unlock()
	p.event(corev1.EventTypeWarning, reason, message)
	p.stop(p.grace())
}

// grace is how long the pod may take to end when nobody says otherwise.
func (p *pod) grace() time.Duration {
	if s := p.current().Spec.TerminationGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return defaultGrace
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
	p.snap.stopping = true
	p.mu.Unlock()
	time.AfterFunc(grace, func() { p.hurryOnce.Do(func() { close(p.hurry) }) })
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
	if newer(object, p.published) {
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

// vanish takes note that the object is gone.
func (p *pod) vanish() {
	p.stop(goneGrace)
	p.goneOnce.Do(func() { close(p.gone) })
}

// wait waits for d; false means that the pod or the agent is to end.
func (p *pod) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.stopping:
	case <-ctx.Done():
	}
	return false
}

func (p *pod) current() *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.object
}

func (p *pod) view() view {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.viewLocked()
}

func (p *pod) viewLocked() view {
	return view{pod: p.object, podIP: p.snap.podIP, hostIP: p.node.ip.String(), allocatable: p.node.allocatable()}
}

func (p *pod) markChanged() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *pod) event(kind, reason, message string) {
	p.node.recorder.Event(p.current(), kind, reason, message)
}
