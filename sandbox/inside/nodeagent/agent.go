// Package nodeagent is the kubelet of a cluster in which pods are processes.
//
// Owns: the nodes it is told to be (registration, leases, draining), the life of the pods bound to them (network, volumes,
// containers, probes, restarts, termination, status, events, logs, usage), the kubelet's HTTP API, and folders for
// dynamically provisioned volumes. Does not own: the namespace it runs in, its bridge, name service and cluster IPs, the
// control plane, and how many nodes there are.
//
// A container is a local command in namespaces of its own: an image name maps to a command (package image). CPU limits are not
// enforced; a memory limit is, by looking. All containers belong to one user of the host: runAsUser is how a container
// sees itself, files have no other owner, and fsGroup needs nothing done.
package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/network"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/objects"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/provision"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
)

// Agent is the kubelet of any number of nodes.
type Agent struct {
	*machine
	processes usage.Cache

	factory   informers.SharedInformerFactory // of ConfigMaps, Secrets and claims
	podCache  cache.SharedIndexInformer
	podLister corelisters.PodLister
	events    record.EventBroadcaster

	ran     atomic.Bool
	running chan struct{} // closed when Run has seen the cluster
	over    chan struct{} // closed when Run returns
	setting sync.Mutex    // one SetNodes at a time
	work    sync.WaitGroup

	mu    sync.Mutex // guards everything below
	ctx   context.Context
	nodes map[string]*node
	live  map[types.UID]*pod
}

// New returns an agent without nodes. It reports every fault of the configuration at once.
func New(cfg Config) (*Agent, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.REST == nil {
		return nil, errors.New("nodeagent: REST is nil, want the API server's address and credentials")
	}
	quick := rest.CopyConfig(cfg.REST)
	quick.QPS, quick.Burst = 200, 400 // one client for all nodes
	client, err := kubernetes.NewForConfig(quick)
	if err != nil {
		return nil, fmt.Errorf("nodeagent: %w", err)
	}
	host, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nodeagent: %w", err)
	}
	a := newAgent(cfg, client, &process.Runtime{Self: cfg.Self, Bridge: cfg.Bridge, Subnet: cfg.PodCIDR.Bits(), Gateway: cfg.Gateway})
	a.hostResolv = string(host)
	return a, nil
}

func newAgent(cfg Config, client kubernetes.Interface, rt runtime) *Agent {
	factory := informers.NewSharedInformerFactory(client, 0)
	a := &Agent{
		machine: &machine{
			cfg: cfg, log: cfg.Log, client: client, runtime: rt, objects: objects.New(client, factory),
			addresses: network.NewPool(cfg.PodCIDR, network.Nth(cfg.PodCIDR, firstPodAddress)),
		},
		factory: factory,
		events:  record.NewBroadcaster(),
		running: make(chan struct{}), over: make(chan struct{}),
		nodes: map[string]*node{}, live: map[types.UID]*pod{},
	}
	a.SetImages(cfg.Images)
	bound := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = "spec.nodeName!="
	}))
	a.podCache, a.podLister = bound.Core().V1().Pods().Informer(), bound.Core().V1().Pods().Lister()
	return a
}

// SetImages replaces the image table. Containers that wait for an image find it within a second.
func (a *Agent) SetImages(images image.Table) { a.images.Store(&images) }

// Run serves the nodes until ctx ends. Every container is dead when it returns; the pods' objects stay as they are, so that
// a later agent resumes them. An agent runs once.
func (a *Agent) Run(ctx context.Context) error {
	if a.ran.Swap(true) {
		return errors.New("node agent: it ran before, want a new one")
	}
	defer close(a.over)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, dir := range []string{a.podsDir(), a.volumesDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("node agent: %w", err)
		}
	}
	a.mu.Lock()
	a.ctx = ctx
	a.mu.Unlock()
	if err := a.watch(ctx); err != nil {
		return fmt.Errorf("node agent: %w", err)
	}
	if err := a.sweep(); err != nil {
		return fmt.Errorf("node agent: %w", err)
	}
	sink := a.events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: a.client.CoreV1().Events("")})
	close(a.running)
	a.work.Go(func() { a.guardMemory(ctx) })
	a.work.Go(func() { a.refresh(ctx) })
	<-ctx.Done()
	err := a.closeNodes()
	a.work.Wait()
	sink.Stop()
	a.events.Shutdown()
	return err
}

func (a *Agent) volumesDir() string { return filepath.Join(a.cfg.Dir, "volumes") }

// watch starts the informers and waits until they have seen the cluster.
func (a *Agent) watch(ctx context.Context) error {
	if err := a.podCache.SetTransform(withoutManagedFields); err != nil {
		return err
	}
	_, err := a.podCache.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.podChanged(o) },
		UpdateFunc: func(_, o any) { a.podChanged(o) },
		DeleteFunc: func(o any) { a.podRemoved(o) },
	})
	if err != nil {
		return err
	}
	for _, informer := range []cache.SharedIndexInformer{a.factory.Core().V1().ConfigMaps().Informer(), a.factory.Core().V1().Secrets().Informer()} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, o any) { a.refreshNamespace(ctx, o) }})
		if err != nil {
			return err
		}
	}
	claims := &provision.Volumes{Dir: a.volumesDir(), Client: a.client, Log: a.log}
	if err := claims.Watch(ctx, a.factory, &a.work); err != nil {
		return err
	}
	a.factory.Start(ctx.Done())
	a.work.Go(func() { a.podCache.Run(ctx.Done()) })
	a.factory.WaitForCacheSync(ctx.Done())
	cache.WaitForCacheSync(ctx.Done(), a.podCache.HasSynced)
	return nil
}

// withoutManagedFields drops what nobody here reads and is often half of an object.
func withoutManagedFields(o any) (any, error) {
	if object, ok := o.(metav1.Object); ok {
		object.SetManagedFields(nil)
	}
	return o, nil
}

// sweep removes the folders of pods that are no more.
func (a *Agent) sweep() error {
	if !a.podCache.HasSynced() {
		return nil // ctx ended first
	}
	known := map[string]bool{}
	for _, o := range a.podCache.GetStore().List() {
		if p, ok := o.(*corev1.Pod); ok {
			known[string(p.UID)] = true
		}
	}
	entries, err := os.ReadDir(a.podsDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if known[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(a.podsDir(), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// podChanged takes note of a pod's newest version and starts it if it is new and on one of the agent's nodes.
func (a *Agent) podChanged(o any) {
	object, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.live[object.UID]; p != nil {
		p.update(object)
		return
	}
	n := a.nodes[object.Spec.NodeName]
	if n == nil || a.ctx.Err() != nil {
		return
	}
	p := newPod(a.machine, n, object)
	a.live[object.UID] = p
	p.update(object)
	a.work.Go(func() { a.runPod(p) })
}

// podRemoved ends a pod whose object is gone.
func (a *Agent) podRemoved(o any) {
	if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = unknown.Obj
	}
	object, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	if p := a.podByUID(object.UID); p != nil {
		p.removed()
	}
}

func (a *Agent) podByUID(uid types.UID) *pod {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live[uid]
}

// runPod takes the pod through its life.
func (a *Agent) runPod(p *pod) {
	p.run(a.ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.live, p.uid)
}

// livePods are the pods for which keep is true.
func (a *Agent) livePods(keep func(*pod) bool) []*pod {
	a.mu.Lock()
	defer a.mu.Unlock()
	var pods []*pod
	for _, p := range a.live {
		if keep(p) {
			pods = append(pods, p)
		}
	}
	return pods
}

// refresh looks at all volumes from time to time: tokens run out, and the downward API is not watched.
func (a *Agent) refresh(ctx context.Context) {
	for sleep(ctx, volumeRefresh) {
		for _, p := range a.livePods(func(*pod) bool { return true }) {
			p.refreshLive(ctx)
		}
	}
}

// refreshNamespace brings volumes up to date after a ConfigMap or Secret has changed.
func (a *Agent) refreshNamespace(ctx context.Context, o any) {
	object, ok := o.(metav1.Object)
	if !ok {
		return
	}
	for _, p := range a.livePods(func(p *pod) bool { return p.current().Namespace == object.GetNamespace() }) {
		p.refreshLive(ctx)
	}
}
