package nodeagent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/retry"
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

	mu      sync.Mutex // guards everything below
	spec    Node
	cpu     time.Duration            // used by all containers so far
	counted map[runKey]time.Duration // the part of cpu that is from containers that still run
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

// register creates the node or brings it up to date. What others set stays: their labels, cordons and taints.
func (a *Agent) register(ctx context.Context, n *node) error {
	want := n.object(a.cfg.Region, metav1.Now())
	nodes := a.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, want, metav1.CreateOptions{})
	if err == nil || !apierrors.IsAlreadyExists(err) {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		have, err := nodes.Get(ctx, n.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		merge(have, want)
		updated, err := nodes.Update(ctx, have, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		updated.Status = mergeStatus(updated.Status, want.Status)
		_, err = nodes.UpdateStatus(ctx, updated, metav1.UpdateOptions{})
		return err
	})
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

// heartbeat keeps the node Ready: its lease often, its status from time to time. A node that someone deleted comes back.
func (a *Agent) heartbeat(ctx context.Context, n *node) {
	next := time.Now().Add(statusPeriod)
	for {
		err := a.renewLease(ctx, n)
		if err == nil && time.Now().After(next) {
			if err = a.register(ctx, n); err == nil {
				next = time.Now().Add(statusPeriod)
			}
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("heartbeat", "node", n.name, "error", err)
		}
		if !sleep(ctx, a.cfg.LeasePeriod) {
			return
		}
	}
}

func (a *Agent) renewLease(ctx context.Context, n *node) error {
	leases := a.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	seconds, now := int32(leaseSeconds), metav1.NewMicroTime(time.Now())
	lease, err := leases.Get(ctx, n.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: n.name}, Spec: coordinationv1.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds, RenewTime: &now}}
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &n.name, &seconds, &now
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

// unregister removes the node's objects.
func (a *Agent) unregister(ctx context.Context, name string) error {
	err := a.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	lease := a.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, name, metav1.DeleteOptions{})
	var faults []error
	for _, e := range []error{err, lease} {
		if e != nil && !apierrors.IsNotFound(e) {
			faults = append(faults, fmt.Errorf("remove node %s: %w", name, e))
		}
	}
	return errors.Join(faults...)
}

// kernelVersion is the running kernel's release, "unknown" where it does not say.
func kernelVersion() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}
