package servicenet

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var (
	bindingsResource = schema.GroupVersionResource{Group: "elbv2.k8s.aws", Version: "v1beta1", Resource: "targetgroupbindings"}
	crdResource      = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// watch follows a cluster's services, endpoint slices, pods and target group bindings.
type watch struct {
	clients kubernetes.Interface
	dynamic dynamic.Interface

	dirty    chan struct{} // holds one: something changed since the last snapshot
	bindings atomic.Pointer[bindingWatch]
}

func newWatch(cfg *rest.Config) (*watch, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS, cfg.Burst = 100, 200 // readiness gates of many pods at once; the API server is this sandbox's own
	clients, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("cluster client: %w", err)
	}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("cluster client: %w", err)
	}
	return &watch{clients: clients, dynamic: dyn, dirty: make(chan struct{}, 1)}, nil
}

func (w *watch) mark() {
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

// run calls apply with each new state of the cluster until ctx ends.
func (w *watch) run(ctx context.Context, apply func(*snapshot)) error {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(w.clients, 0, informers.WithTransform(slim))
	defer factory.Shutdown() // after cancel
	defer cancel()
	changed := cache.ResourceEventHandlerFuncs{AddFunc: func(any) { w.mark() }, UpdateFunc: func(any, any) { w.mark() }, DeleteFunc: func(any) { w.mark() }}
	services, endpoints, pods := factory.Core().V1().Services(), factory.Discovery().V1().EndpointSlices(), factory.Core().V1().Pods()
	for _, informer := range []cache.SharedIndexInformer{services.Informer(), endpoints.Informer(), pods.Informer()} {
		if _, err := informer.AddEventHandler(changed); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	crds, err := w.followCRD(ctx, changed)
	if err != nil {
		return err
	}
	defer crds.Wait()
	defer cancel()
	factory.WaitForCacheSync(ctx.Done())
	w.mark()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.dirty:
		}
		s, err := w.snapshot(services.Lister().List, endpoints.Lister().List, pods.Lister().List)
		if err != nil {
			return err
		}
		apply(s)
	}
}

// snapshot reads the informers' caches, each through its lister's List.
func (w *watch) snapshot(services func(labels.Selector) ([]*corev1.Service, error), endpoints func(labels.Selector) ([]*discoveryv1.EndpointSlice, error),
	pods func(labels.Selector) ([]*corev1.Pod, error)) (*snapshot, error) {
	svcs, err := services(labels.Everything())
	if err != nil {
		return nil, err
	}
	eps, err := endpoints(labels.Everything())
	if err != nil {
		return nil, err
	}
	ps, err := pods(labels.Everything())
	if err != nil {
		return nil, err
	}
	bySvc := map[objectName][]*discoveryv1.EndpointSlice{}
	for _, e := range eps {
		name := objectName{e.Namespace, e.Labels[discoveryv1.LabelServiceName]}
		bySvc[name] = append(bySvc[name], e)
	}
	return newSnapshot(svcs, bySvc, ps, w.bindings.Load().list()), nil
}

// slim drops from cached objects what nobody here reads; most of a pod's size is there.
func slim(obj any) (any, error) {
	if o, ok := obj.(metav1.Object); ok {
		o.SetManagedFields(nil)
		o.SetAnnotations(nil)
	}
	if p, ok := obj.(*corev1.Pod); ok {
		p.Spec.Containers, p.Spec.InitContainers, p.Spec.Volumes, p.Status.ContainerStatuses = nil, nil, nil, nil
	}
	return obj, nil
}

// followCRD watches bindings while their CustomResourceDefinition exists; it may come and go at any time.
func (w *watch) followCRD(ctx context.Context, changed cache.ResourceEventHandler) (*sync.WaitGroup, error) {
	var running sync.WaitGroup
	only := func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", bindingsResource.GroupResource().String()).String()
	}
	crds := dynamicinformer.NewFilteredDynamicInformer(w.dynamic, crdResource, "", 0, cache.Indexers{}, only).Informer()
	appeared := func(obj any) {
		if w.bindings.Load() == nil && established(obj) {
			b := newBindingWatch(ctx, w.dynamic, changed)
			w.bindings.Store(b)
			running.Go(b.run)
		}
	}
	_, err := crds.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    appeared,
		UpdateFunc: func(_, obj any) { appeared(obj) },
		DeleteFunc: func(any) {
			if b := w.bindings.Swap(nil); b != nil {
				b.cancel()
				w.mark()
			}
		},
	})
	if err != nil {
		return nil, err
	}
	running.Go(func() { crds.Run(ctx.Done()) })
	return &running, nil
}

func established(obj any) bool {
	crd, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return false
	}
	conditions, _, err := unstructured.NestedSlice(crd.Object, "status", "conditions")
	return err == nil && slices.ContainsFunc(conditions, func(c any) bool {
		m, ok := c.(map[string]any)
		return ok && m["type"] == "Established" && m["status"] == "True"
	})
}

// bindingWatch follows TargetGroupBindings while their definition exists.
type bindingWatch struct {
	ctx      context.Context
	cancel   context.CancelFunc
	informer cache.SharedIndexInformer
}

func newBindingWatch(ctx context.Context, client dynamic.Interface, changed cache.ResourceEventHandler) *bindingWatch {
	b := &bindingWatch{informer: dynamicinformer.NewFilteredDynamicInformer(client, bindingsResource, "", 0, cache.Indexers{}, nil).Informer()}
	b.ctx, b.cancel = context.WithCancel(ctx)
	if _, err := b.informer.AddEventHandler(changed); err != nil {
		b.cancel() // only a stopped informer refuses a handler
	}
	return b
}

func (b *bindingWatch) run() { b.informer.Run(b.ctx.Done()) }

// list are the bindings to target groups of type ip; none while there is no definition.
func (b *bindingWatch) list() []binding {
	if b == nil {
		return nil
	}
	var out []binding
	for _, obj := range b.informer.GetStore().List() {
		u, ok := obj.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if parsed, ok := parseBinding(u); ok {
			out = append(out, parsed)
		}
	}
	slices.SortFunc(out, func(a, b binding) int { return compareNames(a.objectName, b.objectName) })
	return out
}

// parseBinding reads a TargetGroupBinding; false for one that names no target group or no service, or whose targets
// are instances.
func parseBinding(u *unstructured.Unstructured) (binding, bool) {
	var typed struct {
		Spec bindingSpec `json:"spec"`
	}
	if u.GetDeletionTimestamp() != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &typed) != nil {
		return binding{}, false
	}
	s := typed.Spec
	b := binding{
		objectName: objectName{u.GetNamespace(), u.GetName()}, targetGroup: s.TargetGroupARN,
		service: objectName{u.GetNamespace(), s.ServiceRef.Name}, port: s.ServiceRef.Port,
	}
	return b, s.TargetGroupARN != "" && s.ServiceRef.Name != "" && (s.TargetType == "" || s.TargetType == "ip")
}
