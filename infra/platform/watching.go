package platform

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/autoscaling"
	"github.com/ragscale/ragscale/components/loadtest"
	"github.com/ragscale/ragscale/components/observability"
	"github.com/ragscale/ragscale/stacks"
)

// systemNamespace is where the autoscalers run.
const systemNamespace = "kube-system"

// watchedArgs is what rules and dashboards are made of: nothing that a cloud computes.
func watchedArgs(cfg *stacks.Config) observability.Args {
	return observability.Args{
		APINamespace:         Namespace,
		VectorStoreNamespace: VectorNamespace,
		PgBouncer:            true,
		AutoscalingNamespace: systemNamespace,
		Thresholds:           thresholds(cfg.Thresholds()),
	}
}

// Dashboards are a stack's Grafana dashboards, as JSON, by file name without extension.
func Dashboards(cfg *stacks.Config) (map[string][]byte, error) {
	return observability.Dashboards(watchedArgs(cfg))
}

func (p *platform) observabilityArgs() observability.Args {
	o, args := p.cfg.Observability, watchedArgs(p.cfg)
	args.Region = p.cfg.Region
	args.Emails, args.Unattended = o.AlarmEmails, len(o.AlarmEmails) == 0
	args.ClusterName, args.ClusterARN = p.cluster.Name, p.cluster.ARN
	args.SubnetIDs = p.network.PrivateSubnetIDs
	args.SecurityGroupIDs = pulumi.StringArray{p.cluster.SecurityGroupID}
	args.LoadBalancerARNSuffix, args.TargetGroupARNSuffix = p.api.LoadBalancerARNSuffix, p.api.TargetGroupARNSuffix
	args.DatabaseInstanceID = p.db.InstanceID
	args.ReplicaIDs, args.CacheClusterIDs = map[string]pulumi.StringInput{}, map[string]pulumi.StringInput{}
	args.StateMetricsChartVersion = p.cfg.Versions.Charts["kube-state-metrics"]
	args.DependsOn = slices.Concat(p.cluster.Ready, p.scaling.Ready)
	args.GrafanaNamespace = o.GrafanaNamespace
	args.MetricRetentionDays, args.LogRetentionDays = o.MetricRetentionDays, o.LogRetentionDays
	args.DeletionProtection = p.cfg.Cluster.DeletionProtection
	args.Tags = p.cfg.ResourceTags()
	for i, id := range p.db.ReplicaIDs {
		args.ReplicaIDs[strconv.Itoa(i+1)] = id
	}
	for i := range 1 + p.cfg.Cache.Replicas {
		args.CacheClusterIDs[fmt.Sprintf("%03d", i+1)] = p.cache.MemberClusterIDs.Index(pulumi.Int(i))
	}
	if p.edge != nil {
		args.GlobalProvider, args.DistributionID = p.global, p.edge.DistributionID
	}
	return args
}

// thresholds carries what package stacks derived to who compares with it.
func thresholds(t stacks.Thresholds) observability.Thresholds {
	return observability.Thresholds{
		ResponseP95Seconds:       t.API.ResponseSeconds.Value,
		ComplexSearchP95Seconds:  t.API.ComplexSearchSeconds.Value,
		UploadSecondsPerMB:       t.API.UploadSecondsPerMB.Value,
		ErrorRatio:               t.API.ErrorRatio.Value,
		ThroughputRPS:            t.API.ThroughputRPS.Value,
		CPUPercent:               t.Nodes.CPUPercent.Value,
		MemoryPercent:            t.Nodes.MemoryPercent.Value,
		StoragePercent:           t.Nodes.StoragePercent.Value,
		DatabaseFreeMemoryBytes:  t.Database.FreeMemoryBytes.Value,
		ReplicaFreeMemoryBytes:   t.Database.ReplicaFreeMemoryBytes.Value,
		DatabaseFreeStorageBytes: t.Database.FreeStorageBytes.Value,
		DatabaseConnections:      t.Database.Connections.Value,
		DatabaseLatencySeconds:   t.Database.LatencySeconds.Value,
		ReplicaLagSeconds:        t.Database.ReplicaLagSeconds.Value,
		PoolWaitingClients:       t.PgBouncer.WaitingClients.Value,
		CacheCPUPercent:          t.Cache.CPUPercent.Value,
		CacheMemoryPercent:       t.Cache.MemoryPercent.Value,
		CacheHitRatePercent:      t.Cache.HitPercent.Value,
		CacheEvictionsPerMinute:  t.Cache.EvictionsPerMinute.Value,
		EdgeHitRatePercent:       t.Edge.HitPercent.Value,
		EdgeErrorPercent:         t.Edge.ErrorPercent.Value,
		HPAAtMaxMinutes:          int(t.Scaling.AtMaximumMinutes.Value),
		UnschedulableMinutes:     int(t.Scaling.UnschedulableMinutes.Value),
	}
}

// loadNamespace is where generators run.
const loadNamespace = "loadtest"

// loadTestArgs aims at the API as its users reach it, through the load balancer. In the sandbox that is an address of the
// host: runs there are by hand, and k6 is not there.
func (p *platform) loadTestArgs() loadtest.Args {
	cfg := p.cfg
	var scenarios []loadtest.Scenario
	for _, s := range cfg.LoadScenarios() {
		scenarios = append(scenarios, loadtest.Scenario{
			Name: s.Name, Users: s.Users, RampUpSeconds: s.RampUpSeconds, DurationSeconds: s.DurationSeconds, ThinkSeconds: s.ThinkSeconds,
			Generators: s.Generators, Schedule: s.Schedule, Suspended: s.Suspended, GracefulSeconds: s.GracefulSeconds,
			GatherSeconds: s.GatherSeconds, DeadlineSeconds: s.DeadlineSeconds, StopAtFault: s.StopAtFault,
		})
	}
	return loadtest.Args{
		Namespace:         loadNamespace,
		ClusterName:       p.cluster.Name,
		Region:            cfg.Region,
		DependsOn:         slices.Concat(p.cluster.Ready, p.scaling.Ready),
		Image:             cfg.Versions.Images["k6"],
		UploadImage:       cfg.Versions.Images["aws-cli"],
		TargetURL:         p.api.URL,
		TargetPorts:       []int{cfg.API.ListenerPort},
		Scenarios:         scenarios,
		Thresholds:        loadtest.Thresholds(cfg.LoadThresholds()),
		Production:        cfg.Environment == stacks.Production,
		AllowProduction:   cfg.LoadTests.AllowProduction,
		Requests:          quantities(cfg.LoadTests.Requests.CPU, cfg.LoadTests.Requests.Memory),
		NodeGroup:         cfg.LoadGroup(),
		PriorityClassName: autoscaling.BackgroundPriority,
		Environment: map[string]pulumi.StringInput{
			"stack": pulumi.String(cfg.Stack), "region": pulumi.String(cfg.Region), "image": p.api.Image,
			"databaseClass": pulumi.String(cfg.Database.InstanceClass), "cacheNode": pulumi.String(cfg.Cache.NodeType),
		},
		ResultsRetentionDays: cfg.LoadTests.ResultsRetentionDays,
		DeletionProtection:   cfg.Cluster.DeletionProtection,
		Tags:                 cfg.ResourceTags(),
	}
}
