package nodescaler

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func node(name string, ready core.ConditionStatus) *core.Node {
	return &core.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     core.NodeStatus{Conditions: []core.NodeCondition{{Type: core.NodeReady, Status: ready}}},
	}
}

func pod(name, reason string) *core.Pod {
	return &core.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "rag", Name: name},
		Status:     core.PodStatus{Conditions: []core.PodCondition{{Type: core.PodScheduled, Status: core.ConditionFalse, Reason: reason}}},
	}
}

func TestALookTellsNodesAndWaitingPods(t *testing.T) {
	s := newScaler(fake.NewClientset(node("a", core.ConditionTrue), node("b", core.ConditionFalse), pod("p", core.PodReasonUnschedulable), pod("q", "SchedulingGated")))
	if err := s.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = `
# HELP cluster_autoscaler_cluster_safe_to_autoscale Whether enough nodes are ready.
# TYPE cluster_autoscaler_cluster_safe_to_autoscale gauge
cluster_autoscaler_cluster_safe_to_autoscale 1
# HELP cluster_autoscaler_nodes_count Nodes by state.
# TYPE cluster_autoscaler_nodes_count gauge
cluster_autoscaler_nodes_count{state="ready"} 1
cluster_autoscaler_nodes_count{state="unready"} 1
# HELP cluster_autoscaler_unschedulable_pods_count Pods that fit no node.
# TYPE cluster_autoscaler_unschedulable_pods_count gauge
cluster_autoscaler_unschedulable_pods_count{type="unschedulable"} 1
`
	err := testutil.GatherAndCompare(s.registry, strings.NewReader(want), "cluster_autoscaler_cluster_safe_to_autoscale",
		"cluster_autoscaler_nodes_count", "cluster_autoscaler_unschedulable_pods_count")
	if err != nil {
		t.Error(err)
	}
	if at := testutil.ToFloat64(s.activity.WithLabelValues("main")); at == 0 {
		t.Error("the look left no time")
	}
}

func TestALookThatFailsIsCounted(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no rights") })
	s := newScaler(client)
	if err := s.look(t.Context()); err == nil || testutil.ToFloat64(s.errors.WithLabelValues("apiCallError")) != 1 {
		t.Errorf("got %v", err)
	}
}
