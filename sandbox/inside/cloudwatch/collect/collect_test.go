package collect

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
	"github.com/ragscale/ragscale/sandbox/inside/redis"
	"github.com/ragscale/ragscale/sandbox/inside/servicenet"
)

const (
	group    = "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/rag/4567"
	balancer = "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/rag/0123"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

type account map[string][]awsapi.Resource

func (a account) List(token string) ([]awsapi.Resource, error) { return a[token], nil }

func owned() account {
	out := account{}
	for token, state := range map[string]map[string]any{
		"aws:lb/targetGroup:TargetGroup":                    {"arn": group},
		"aws:elasticache/replicationGroup:ReplicationGroup": {"replicationGroupId": "rag", "nodeType": "cache.m7g.large"},
		"aws:eks/cluster:Cluster":                           {"name": "rag"},
		"aws:eks/addon:Addon":                               {"addonName": insights},
	} {
		out[token] = []awsapi.Resource{{Region: "eu-central-1", Ready: true, State: state}}
	}
	return out
}

// measured has a collector measure cfg at times after noon and returns every metric's window of a minute: "Name sum/count".
func measured(t *testing.T, cfg Config, at ...time.Duration) map[string]metrics.Set {
	t.Helper()
	cfg.Store, cfg.Log = metrics.NewStore(), slog.New(slog.DiscardHandler)
	if cfg.Account == nil {
		cfg.Account = owned()
	}
	c := New(cfg)
	for _, d := range at {
		c.Measure(context.Background(), noon.Add(d))
	}
	if len(c.said) > 0 {
		t.Error(c.said)
	}
	cfg.Store.Publish(noon.Add(time.Hour))
	out := map[string]metrics.Set{}
	for _, id := range cfg.Store.List(metrics.Filter{Region: "eu-central-1"}) {
		out[id.String()] = cfg.Store.Window(id, noon, time.Minute)
	}
	return out
}

func TestALoadBalancersRequestsAreThoseThatFoundATarget(t *testing.T) {
	stats := servicenet.GroupStats{
		Requests: 100, Targets: map[string]int{"healthy": 2, "unhealthy": 1}, Target: map[string]uint64{"2xx": 90, "5xx": 0}, ELB: map[string]uint64{"502": 0, "503": 10},
		Latency: servicenet.Histogram{Bounds: []float64{0.1, 0.11}, Counts: []uint64{5, 0, 0}}, Connections: 12, Unreached: 3,
	}
	n := 0
	got := measured(t, Config{
		Forwards: func() map[string]string { return map[string]string{group: balancer} },
		Groups: func() map[string]servicenet.GroupStats {
			if n++; n == 2 {
				stats.Requests, stats.Target, stats.ELB = 130, map[string]uint64{"2xx": 95, "5xx": 15}, map[string]uint64{"503": 14, "502": 6}
				stats.Latency.Counts, stats.Connections, stats.Unreached = []uint64{5, 20, 0}, 40, 7
			}
			return map[string]servicenet.GroupStats{group: stats, "another": stats}
		},
	}, 9*time.Second, 19*time.Second)
	const whole, part = " LoadBalancer=app/rag/0123", " LoadBalancer=app/rag/0123 TargetGroup=targetgroup/rag/4567"
	for name, want := range map[string]float64{
		"RequestCount" + whole: 26, "RequestCount" + part: 26, "HTTPCode_Target_2XX_Count" + whole: 5, "HTTPCode_Target_5XX_Count" + part: 15,
		"HTTPCode_ELB_503_Count" + whole: 4, "HTTPCode_ELB_5XX_Count" + whole: 10, "HealthyHostCount" + part: 4, "UnHealthyHostCount" + part: 2,
		"ActiveConnectionCount" + whole: 12, "TargetConnectionErrorCount" + whole: 4, "TargetConnectionErrorCount" + part: 4,
	} {
		if set := got["AWS/ApplicationELB "+name]; set.Sum != want {
			t.Errorf("%s is %v, want %v", name, set.Sum, want)
		}
	}
	took := got["AWS/ApplicationELB TargetResponseTime"+whole]
	if took.Count != 20 || took.Min < 0.1 || took.Max > 0.11 {
		t.Errorf("response time is %+v", took)
	}
	for name := range got {
		if strings.Contains(name, "HTTPCode_Target_4XX") || strings.Contains(name, "ActiveConnectionCount"+part) || strings.Contains(name, "HealthyHostCount"+whole+" ") && !strings.Contains(name, "TargetGroup") {
			t.Errorf("%s is published", name)
		}
	}
}

func TestAGroupWithoutTargetsHasNoHostCount(t *testing.T) {
	got := measured(t, Config{
		Forwards: func() map[string]string { return map[string]string{group: balancer} },
		Groups: func() map[string]servicenet.GroupStats {
			return map[string]servicenet.GroupStats{group: {Requests: 5, ELB: map[string]uint64{"503": 5}}}
		},
	}, 9*time.Second, 19*time.Second)
	if len(got) != 0 {
		t.Errorf("published: %v", got)
	}
}

func TestCachesCountersAreTheirGrowthAndBeginAnewAfterARestart(t *testing.T) {
	n := 0
	primary := map[string]string{
		"keyspace_hits": "100", "keyspace_misses": "50", "evicted_keys": "0", "used_memory": "50", "maxmemory": "200", "connected_clients": "3",
		"db0": "keys=7,expires=2,avg_ttl=0", "used_cpu_user_main_thread": "10", "slave0": "ip=10.78.0.12,port=6379,state=online,offset=9,lag=4",
	}
	replica := map[string]string{"master_link_status": "down", "keyspace_hits": "5"}
	got := measured(t, Config{Caches: func(context.Context) ([]redis.Info, []error) {
		switch n++; n {
		case 2:
			primary["keyspace_hits"], primary["keyspace_misses"], primary["used_cpu_user_main_thread"] = "130", "60", "15"
		case 3:
			primary["keyspace_hits"], primary["keyspace_misses"] = "2", "0"
		}
		return []redis.Info{{ID: "rag-001", Group: "rag", Says: primary}, {ID: "rag-002", Group: "rag", Replica: true, Addr: "10.78.0.12", Says: replica},
			{ID: "other-001", Group: "other", Says: primary}}, nil
	}}, 9*time.Second, 19*time.Second, 29*time.Second)
	const first, second = " CacheClusterId=rag-001", " CacheClusterId=rag-002"
	for name, want := range map[string]string{
		"CacheHits" + first: "32/2", "CacheMisses" + first: "10/2", "DatabaseMemoryUsagePercentage" + first: "75/3", "CurrItems" + first: "21/3",
		"EngineCPUUtilization" + first: "50/2", "CacheHits CacheClusterId=rag-001 CacheNodeId=0001": "32/2", "IsMaster" + first: "3/3",
		"ReplicationLag" + second: "12/3", "MasterLinkHealthStatus" + second: "0/3", "ReplicationLag" + first: "0/0", "CacheHitRate" + second: "0/0",
	} {
		set := got["AWS/ElastiCache "+name]
		if have := fmt.Sprintf("%v/%d", set.Sum, set.Count); have != want {
			t.Errorf("%s is %s, want %s", name, have, want)
		}
	}
}

func TestNodesAreOneValueEachAndNeedTheAddOn(t *testing.T) {
	var cpu time.Duration
	cfg := Config{
		Nodes: func(context.Context) (int, int, error) { return 3, 1, nil },
		Cluster: func(*usage.Table) (string, []nodeagent.NodeUsage) {
			cpu += 10 * time.Second
			one := nodeagent.NodeUsage{Node: nodeagent.Node{Name: "a", InstanceType: "m7g.large"}, Usage: usage.Usage{CPU: cpu, Memory: 1 << 30}}
			two := one
			two.Name, two.CPU = "b", 0
			return "rag", []nodeagent.NodeUsage{one, two}
		},
	}
	got := measured(t, cfg, 9*time.Second, 19*time.Second)
	use := got["ContainerInsights node_cpu_utilization ClusterName=rag"]
	if use.Count != 2 || use.Sum != 50 || use.Max != 50 || got["ContainerInsights cluster_failed_node_count ClusterName=rag"].Max != 1 {
		t.Errorf("got %+v", got)
	}
	without := owned()
	delete(without, "aws:eks/addon:Addon")
	cfg.Account = without
	if got := measured(t, cfg, 9*time.Second, 19*time.Second); len(got) != 0 {
		t.Errorf("without the add-on: %v", got)
	}
}
