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
		Thresholds:           cfg.Thresholds(),
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

// loadNamespace is where generators run.
const loadNamespace = "loadtest"

// loadTestArgs aims at the load balancer by its name, as the edge does: what the edge answers by itself is no load.
func (p *platform) loadTestArgs() loadtest.Args {
	cfg := p.cfg
	var scenarios []loadtest.Scenario
	for _, s := range cfg.LoadScenarios() {
		scenarios = append(scenarios, loadtest.Scenario{
			Name: s.Name, Users: s.Users, RampUpSeconds: s.RampUpSeconds, DurationSeconds: s.DurationSeconds,
			ThinkSeconds: s.ThinkSeconds, Generators: s.Generators, Schedule: s.Schedule, Suspended: s.Suspended,
			GracefulSeconds: s.GracefulSeconds, GatherSeconds: s.GatherSeconds, DeadlineSeconds: s.DeadlineSeconds,
			StopAtFault: s.StopAtFault, AnswersOnly: s.AnswersOnly, Levels: s.Levels,
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
		TargetUnnamed:     cfg.API.CertificateARN != "",
		TargetPorts:       []int{cfg.API.ListenerPort},
		Scenarios:         scenarios,
		Thresholds:        cfg.LoadThresholds(),
		Production:        cfg.Environment == stacks.Production,
		AllowProduction:   cfg.LoadTests.AllowProduction,
		Requests:          quantities(cfg.LoadTests.Requests.CPU, cfg.LoadTests.Requests.Memory),
		NodeGroup:         cfg.LoadGroup(),
		PriorityClassName: autoscaling.BackgroundPriority,
		Environment: map[string]pulumi.StringInput{
			"stack": pulumi.String(cfg.Stack), "region": pulumi.String(cfg.Region), "image": p.api.Image,
			"databaseClass": pulumi.String(cfg.Database.InstanceClass), "cacheNode": pulumi.String(cfg.Cache.NodeType),
			"postgres": pulumi.String(cfg.Database.EngineVersion), "kubernetes": pulumi.String(cfg.Cluster.Version),
			"configuration": pulumi.String(cfg.Digest()),
		},
		ResultsRetentionDays: cfg.LoadTests.ResultsRetentionDays,
		DeletionProtection:   cfg.Cluster.DeletionProtection,
		Tags:                 cfg.ResourceTags(),
	}
}
