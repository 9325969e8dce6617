// Package nodescaler plays cluster-autoscaler, which cannot be had as a Go module, in pods of its image: it looks at nodes and
// pods as that does, and scales nothing: the sandbox's node groups have their desired size.
//
// Owns: the loop, and the metrics that it leaves. Does not own: who may list nodes and pods: the pod's service account.
//
// Names and labels are those of https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/proposals/metrics.md ;
// read 2026-11-24.
package nodescaler

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/inside/statemetrics"
)

// Role is the argument with which the sandbox's binary is this program.
const Role = "cluster-autoscaler"

const (
	interval = 10 * time.Second // between two looks: cluster-autoscaler's own
	// notSafe is the share of nodes that are not ready above which the autoscaler does nothing, and fewNodes how many may
	// always be: its own defaults.
	notSafe  = 0.45
	fewNodes = 3
)

// scaler has the metrics of cluster-autoscaler that this loop can tell.
type scaler struct {
	client   kubernetes.Interface
	registry *prometheus.Registry

	safe                           prometheus.Gauge
	nodes, activity, unschedulable *prometheus.GaugeVec
	errors                         *prometheus.CounterVec
}

// Main looks every ten seconds, and serves what it saw, until it is told to end.
func Main(args []string) error {
	flags := flag.NewFlagSet(Role, flag.ContinueOnError)
	port := flags.Int("port", 8085, "port of the metrics")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	s := newScaler(client)
	go func() {
		for {
			ctx, cancel := context.WithTimeout(context.Background(), interval)
			if err := s.look(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			cancel()
			time.Sleep(interval)
		}
	}()
	return statemetrics.Serve(*port, s.registry)
}

func newScaler(client kubernetes.Interface) *scaler {
	name := func(n, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "cluster_autoscaler", Name: n, Help: help}
	}
	gauges := func(n, help, label string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts(name(n, help)), []string{label})
	}
	s := &scaler{
		client: client, registry: prometheus.NewRegistry(),
		safe:          prometheus.NewGauge(prometheus.GaugeOpts(name("cluster_safe_to_autoscale", "Whether enough nodes are ready."))),
		unschedulable: gauges("unschedulable_pods_count", "Pods that fit no node.", "type"),
		nodes:         gauges("nodes_count", "Nodes by state.", "state"),
		activity:      gauges("last_activity", "When something was done last, in seconds of Unix time.", "activity"),
		errors:        prometheus.NewCounterVec(prometheus.CounterOpts(name("errors_total", "Looks that failed.")), []string{"type"}),
	}
	scaledUps := prometheus.NewCounter(prometheus.CounterOpts(name("scaled_up_nodes_total", "Nodes that were added.")))
	s.registry.MustRegister(s.safe, s.unschedulable, s.nodes, s.activity, s.errors, scaledUps)
	return s
}

// look is one turn of the loop.
func (s *scaler) look(ctx context.Context) error {
	s.activity.WithLabelValues("main").SetToCurrentTime()
	cached := metav1.ListOptions{ResourceVersion: "0"}
	nodes, err := s.client.CoreV1().Nodes().List(ctx, cached)
	if err != nil {
		s.errors.WithLabelValues("apiCallError").Inc()
		return err
	}
	pods, err := s.client.CoreV1().Pods("").List(ctx, cached)
	if err != nil {
		s.errors.WithLabelValues("apiCallError").Inc()
		return err
	}
	s.see(nodes.Items, pods.Items)
	return nil
}

// see sets what nodes and pods tell.
func (s *scaler) see(nodes []core.Node, pods []core.Pod) {
	ready, waiting := 0, 0
	for _, n := range nodes {
		if slices.ContainsFunc(n.Status.Conditions, readiness) {
			ready++
		}
	}
	for _, p := range pods {
		if slices.ContainsFunc(p.Status.Conditions, unschedulable) {
			waiting++
		}
	}
	broken := len(nodes) - ready
	s.nodes.WithLabelValues("ready").Set(float64(ready))
	s.nodes.WithLabelValues("unready").Set(float64(broken))
	s.unschedulable.WithLabelValues("unschedulable").Set(float64(waiting))
	s.safe.Set(0)
	if broken <= fewNodes || float64(broken) <= notSafe*float64(len(nodes)) {
		s.safe.Set(1)
	}
}

func readiness(c core.NodeCondition) bool {
	return c.Type == core.NodeReady && c.Status == core.ConditionTrue
}

func unschedulable(c core.PodCondition) bool {
	return c.Type == core.PodScheduled && c.Status == core.ConditionFalse && c.Reason == core.PodReasonUnschedulable
}
