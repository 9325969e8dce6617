package nodeagent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/netip"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
)

// Node is a node that the agent is to be.
type Node struct {
	Name         string
	Address      netip.Addr // of the node; zero: its former one, else the lowest free one
	CPUMilli     int64      // allocatable
	MemoryBytes  int64      // allocatable
	MaxPods      int64
	Labels       map[string]string
	Taints       []corev1.Taint
	Zone         string // eu-central-1a; its region is the zone without the letter
	InstanceType string
	NodeGroup    string
	CapacityType string // ON_DEMAND or SPOT
}

const (
	agentAnnotation  = "sandbox.ragscale.dev/node-agent" // marks the nodes that are this agent's
	kubeletVersion   = "v1.37.2"
	ephemeralStorage = 50 << 30 // bytes
	leaseSeconds     = 40       // as the kubelet's
	statusPeriod     = time.Minute
	kubeletPort      = 10250
	ownTaintPrefix   = "node.kubernetes.io/" // set by the control plane
)

// node is a node that the agent is.
type node struct {
	name     string
	ip       netip.Addr
	recorder record.EventRecorder
	server   *http.Server
	stop     context.CancelFunc
	started  time.Time

	used usage.Node

	mu   sync.Mutex // guards spec
	spec Node
}

// desired is what the node is to be.
func (n *node) desired() Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.spec
}

func (n *node) change(spec Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spec = spec
}

func (n *node) allocatable() corev1.ResourceList {
	s := n.desired()
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewMilliQuantity(s.CPUMilli, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(s.MemoryBytes, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(s.MaxPods, resource.DecimalSI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(ephemeralStorage, resource.BinarySI),
	}
}

// object is the node as the API server is to have it.
func (n *node) object(region string, now metav1.Time) *corev1.Node {
	s := n.desired()
	zone := s.Zone
	if zone != "" {
		region = strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz")
	}
	labels := maps.Clone(s.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{
		corev1.LabelHostname: s.Name, corev1.LabelOSStable: goruntime.GOOS, corev1.LabelArchStable: goruntime.GOARCH,
		corev1.LabelTopologyZone: zone, corev1.LabelTopologyRegion: region, corev1.LabelInstanceTypeStable: s.InstanceType,
		"eks.amazonaws.com/nodegroup": s.NodeGroup, "eks.amazonaws.com/capacityType": s.CapacityType,
	})
	maps.DeleteFunc(labels, func(_, v string) bool { return v == "" })
	id := sha256.Sum256([]byte(s.Name))
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Labels: labels, Annotations: map[string]string{agentAnnotation: "true"}},
		Spec:       corev1.NodeSpec{Taints: s.Taints, ProviderID: "aws:///" + zone + "/i-" + hex.EncodeToString(id[:])[:17]},
		Status:     n.status(now),
	}
}

func (n *node) status(now metav1.Time) corev1.NodeStatus {
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	return corev1.NodeStatus{
		Capacity: n.allocatable(), Allocatable: n.allocatable(),
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: n.ip.String()}, {Type: corev1.NodeInternalDNS, Address: n.name}, {Type: corev1.NodeHostName, Address: n.name}},
		Conditions: []corev1.NodeCondition{
			condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "node agent has sufficient memory available"),
			condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "node agent has no disk pressure"),
			condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "node agent has sufficient PID available"),
			condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "node agent is posting ready status"),
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
		NodeInfo: corev1.NodeSystemInfo{KubeletVersion: kubeletVersion, OperatingSystem: goruntime.GOOS, Architecture: goruntime.GOARCH,
			KernelVersion: kernelVersion(), ContainerRuntimeVersion: "process://1", OSImage: "ragscale sandbox", MachineID: n.name, SystemUUID: n.name},
	}
}

func merge(have, want *corev1.Node) {
	if have.Labels == nil {
		have.Labels = map[string]string{}
	}
	if have.Annotations == nil {
		have.Annotations = map[string]string{}
	}
	maps.Copy(have.Labels, want.Labels)
	maps.Copy(have.Annotations, want.Annotations)
	taints := slices.Clone(want.Spec.Taints)
	for _, t := range have.Spec.Taints {
		if strings.HasPrefix(t.Key, ownTaintPrefix) {
			taints = append(taints, t)
		}
	}
	have.Spec.Taints = taints
}

// mergeStatus takes the wanted status and keeps the times at which conditions last changed.
func mergeStatus(have, want corev1.NodeStatus) corev1.NodeStatus {
	for i := range want.Conditions {
		for _, c := range have.Conditions {
			if c.Type == want.Conditions[i].Type && c.Status == want.Conditions[i].Status {
				want.Conditions[i].LastTransitionTime = c.LastTransitionTime
			}
		}
	}
	return want
}

// kernelVersion is the running kernel's release, "unknown" where it does not say.
func kernelVersion() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}

func recorderFor(b record.EventBroadcaster, node string) record.EventRecorder {
	return b.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: node})
}
