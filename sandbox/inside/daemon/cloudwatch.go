package daemon

import (
	"context"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/collect"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/insights"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
	"github.com/ragscale/ragscale/sandbox/inside/topics"
)

// openCloudWatch measures what runs, evaluates the declared alarms and answers the calls of CloudWatch and Performance
// Insights, until ctx ends.
func (d *daemon) openCloudWatch(ctx context.Context) error {
	log, store := d.log.With("part", "CloudWatch"), metrics.NewStore()
	watch, err := cloudwatch.New(cloudwatch.Config{
		Account: d.account, Store: store, State: filepath.Join(d.layout.State(), "cloudwatch", "alarms.json"), Log: log,
		Publish: func(topic, subject, message string) error {
			_, err := d.topics.Publish(topics.Message{Time: time.Now().UTC(), Topic: topic, Subject: subject, Message: message})
			return err
		},
	})
	if err != nil {
		return err
	}
	d.aws.MountRPC("monitoring", watch.RPC())
	collector := collect.New(collect.Config{
		Account: d.account, Store: store, Log: log, Groups: d.net.TargetGroups, Forwards: d.net.Forwards,
		Databases: d.engines.Watches, Caches: d.cacheEngines.Infos, Cluster: d.cluster.usages, Nodes: d.cluster.nodeCounts,
	})
	load := insights.New(insights.Config{Account: d.account, Databases: d.engines.Watches, Log: log})
	d.aws.MountRPC("pi", load.RPC())
	go load.Run(ctx)
	go watch.Run(ctx)
	go collector.Run(ctx)
	return nil
}

// usages are what the nodes of the cluster use.
func (c *cluster) usages(table *usage.Table) (string, []nodeagent.NodeUsage) {
	c.mu.Lock()
	name, f := c.name, c.fabric
	c.mu.Unlock()
	if f == nil {
		return "", nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return name, f.agent.Usages(table)
}

// nodeCounts are how many nodes the cluster has, and how many have failed: they are not ready, or under pressure.
func (c *cluster) nodeCounts(ctx context.Context) (count, failed int, err error) {
	client, _, err := c.reach(c.currentName())
	if err != nil {
		return 0, 0, err
	}
	quick := rest.CopyConfig(client)
	quick.Timeout = 5 * time.Second
	kube, err := kubernetes.NewForConfig(quick)
	if err != nil {
		return 0, 0, err
	}
	list, err := kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"}) // from memory
	if err != nil {
		return 0, 0, err
	}
	for _, n := range list.Items {
		if nodeFailed(n) {
			failed++
		}
	}
	return len(list.Items), failed, nil
}

func nodeFailed(n corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if (c.Type == corev1.NodeReady) != (c.Status == corev1.ConditionTrue) {
			return true
		}
	}
	return false
}
