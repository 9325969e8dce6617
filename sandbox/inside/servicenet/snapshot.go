package servicenet

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// gatePrefix begins the readiness gates that follow a target's health; the rest is the TargetGroupBinding's name.
const gatePrefix = "target-health.elbv2.k8s.aws/"

type objectName struct{ namespace, name string }

// snapshot is the part of a cluster's state that the service network serves; it is never changed once built.
type snapshot struct {
	services map[objectName]*service
	pods     map[objectName]*corev1.Pod // those with a target-health gate
	bindings []binding
}

type service struct {
	objectName
	clusterIP    netip.Addr // zero: headless or external
	externalName string
	allReady     bool // publishNotReadyAddresses
	ports        []servicePort
	members      []endpoint // whatever the port: a headless service may have none
}

// servicePort is a port of a service with the endpoints behind it.
type servicePort struct {
	name      string
	protocol  corev1.Protocol
	port      int32
	endpoints []endpoint // sorted by address
}

type endpoint struct {
	addr        netip.AddrPort
	ready       bool
	terminating bool
	hostname    string // of a headless service's member, "" if it has none
	pod         objectName
}

// binding is a TargetGroupBinding of target type ip.
type binding struct {
	objectName
	targetGroup string // ARN
	service     objectName
	port        intstr.IntOrString
}

// newSnapshot joins services with their endpoint slices.
func newSnapshot(services []*corev1.Service, slicesOf map[objectName][]*discoveryv1.EndpointSlice, pods []*corev1.Pod, bindings []binding) *snapshot {
	s := &snapshot{services: make(map[objectName]*service, len(services)), pods: map[objectName]*corev1.Pod{}, bindings: bindings}
	for _, svc := range services {
		name := objectName{svc.Namespace, svc.Name}
		s.services[name] = newService(name, svc, slicesOf[name])
	}
	for _, p := range pods {
		if len(targetGates(p)) > 0 {
			s.pods[objectName{p.Namespace, p.Name}] = p
		}
	}
	return s
}

func newService(name objectName, svc *corev1.Service, endpointSlices []*discoveryv1.EndpointSlice) *service {
	out := &service{objectName: name, allReady: svc.Spec.PublishNotReadyAddresses}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		out.externalName = svc.Spec.ExternalName
	}
	if ip, err := netip.ParseAddr(svc.Spec.ClusterIP); err == nil && ip.Is4() {
		out.clusterIP = ip
	}
	for _, p := range svc.Spec.Ports {
		sp := servicePort{name: p.Name, protocol: p.Protocol, port: p.Port}
		for _, es := range endpointSlices {
			sp.endpoints = append(sp.endpoints, endpointsOf(es, p.Name)...)
		}
		slices.SortFunc(sp.endpoints, func(a, b endpoint) int { return a.addr.Compare(b.addr) })
		out.ports = append(out.ports, sp)
	}
	for _, es := range endpointSlices {
		out.members = append(out.members, endpointsAt(es, 0)...)
	}
	return out
}

func endpointsOf(es *discoveryv1.EndpointSlice, portName string) []endpoint {
	var out []endpoint
	for _, p := range es.Ports {
		if p.Port != nil && value(p.Name) == portName {
			out = append(out, endpointsAt(es, uint16(*p.Port))...)
		}
	}
	return out
}

func endpointsAt(es *discoveryv1.EndpointSlice, port uint16) []endpoint {
	var out []endpoint
	for _, e := range es.Endpoints {
		for _, a := range e.Addresses {
			ip, err := netip.ParseAddr(a)
			if err != nil || !ip.Is4() {
				continue
			}
			ep := endpoint{addr: netip.AddrPortFrom(ip, port), hostname: value(e.Hostname)}
			ep.ready = e.Conditions.Ready == nil || *e.Conditions.Ready // nil means unknown, to be taken as ready
			ep.terminating = value(e.Conditions.Terminating)
			if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
				ep.pod = objectName{e.TargetRef.Namespace, e.TargetRef.Name}
			}
			out = append(out, ep)
		}
	}
	return out
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// target is a pod's address that a target group should hold, and the binding that brought it.
type target struct {
	addr    netip.AddrPort
	pod     objectName
	binding objectName
}

// targets are the targets by target group (ARN): the ready endpoints of each binding's service, and those that only
// wait for their target-health gate, which the load balancer itself opens. Groups with a binding are present even
// when they have no target.
func (s *snapshot) targets() map[string][]target {
	out := map[string][]target{}
	for _, b := range s.bindings {
		list := out[b.targetGroup]
		if port := s.port(b); port != nil {
			for _, e := range port.endpoints {
				if !e.terminating && (e.ready || s.waitsForGate(e.pod)) {
					list = append(list, target{addr: e.addr, pod: e.pod, binding: b.objectName})
				}
			}
		}
		slices.SortFunc(list, func(a, b target) int { return a.addr.Compare(b.addr) })
		out[b.targetGroup] = slices.CompactFunc(list, func(a, b target) bool { return a.addr == b.addr })
	}
	return out
}

func (s *snapshot) port(b binding) *servicePort {
	svc := s.services[b.service]
	if svc == nil {
		return nil
	}
	for i := range svc.ports {
		p := &svc.ports[i]
		if b.port.Type == intstr.Int && p.port == b.port.IntVal || b.port.Type == intstr.String && p.name == b.port.StrVal {
			return p
		}
	}
	return nil
}

// waitsForGate says whether pod is ready but for readiness gates that follow its targets' health.
func (s *snapshot) waitsForGate(name objectName) bool {
	pod := s.pods[name]
	if pod == nil || !isTrue(pod, corev1.ContainersReady) {
		return false
	}
	for _, g := range pod.Spec.ReadinessGates {
		if !strings.HasPrefix(string(g.ConditionType), gatePrefix) && !isTrue(pod, g.ConditionType) {
			return false
		}
	}
	return true
}

func isTrue(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// targetGates are the names of the bindings that the pod's readiness waits for.
func targetGates(pod *corev1.Pod) []string {
	var out []string
	for _, g := range pod.Spec.ReadinessGates {
		if name, ok := strings.CutPrefix(string(g.ConditionType), gatePrefix); ok {
			out = append(out, name)
		}
	}
	return out
}

func compareNames(a, b objectName) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
}
