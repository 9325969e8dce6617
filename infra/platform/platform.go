// Package platform declares one stack of the platform.
//
// Owns: which components exist, how one's outputs become another's inputs, the stack's outputs. Does not own: any
// number; those are the stack's configuration and what package stacks derives from it.
package platform

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/cluster"
	"github.com/ragscale/ragscale/components/database"
	"github.com/ragscale/ragscale/components/network"
	"github.com/ragscale/ragscale/components/ragapi"
	"github.com/ragscale/ragscale/stacks"
)

// Namespace of the RAG API's pods.
const Namespace = "agentic-rag"

// Declare declares the stack that runs, from the network up to the API. It is the program of both mains: infra, which
// `pulumi up` runs, and ragscale, which runs it in the sandbox.
func Declare(ctx *pulumi.Context) error {
	cfg, secrets, err := stacks.Load(ctx)
	if err != nil {
		return err
	}
	name := "rag-" + cfg.Stack
	net, err := network.New(ctx, name, networkArgs(cfg, name))
	if err != nil {
		return err
	}
	kube, err := cluster.New(ctx, name, clusterArgs(cfg, name, net))
	if err != nil {
		return err
	}
	db, err := database.New(ctx, name, databaseArgs(cfg, secrets, net, kube))
	if err != nil {
		return err
	}
	api, err := ragapi.New(ctx, name, apiArgs(cfg, secrets, net, kube, db), pulumi.Providers(kube.Provider))
	if err != nil {
		return err
	}
	ctx.Export("clusterName", kube.Name)
	ctx.Export("kubeconfig", kube.Kubeconfig)
	ctx.Export("apiUrl", api.URL)
	ctx.Export("databaseAddress", db.Address)
	ctx.Export("databasePort", db.Port)
	ctx.Export("databaseName", db.Name)
	ctx.Export("imageRepository", api.RepositoryURL)
	return nil
}

func networkArgs(cfg *stacks.Config, name string) network.Args {
	return network.Args{
		Region:               cfg.Region,
		CIDR:                 cfg.Network.CIDR,
		Zones:                cfg.ZoneNames(),
		NATGateways:          network.NATGateways(cfg.Network.NATGateways),
		ClusterName:          name,
		VPCEndpoints:         cfg.Network.VPCEndpoints,
		FlowLogRetentionDays: cfg.Network.FlowLogRetentionDays,
		Tags:                 cfg.ResourceTags(),
	}
}

func clusterArgs(cfg *stacks.Config, name string, net *network.Network) cluster.Args {
	return cluster.Args{
		Name:                   name,
		Version:                cfg.Versions.Kubernetes,
		Region:                 cfg.Region,
		VPCID:                  net.VPCID,
		PrivateSubnetIDs:       net.PrivateSubnetIDs,
		PublicAccessCIDRs:      cfg.Cluster.PublicAccessCIDRs,
		AdminPrincipalARNs:     cfg.Cluster.AdminPrincipalARNs,
		LogRetentionDays:       cfg.Cluster.LogRetentionDays,
		DeletionProtection:     cfg.Cluster.DeletionProtection,
		NodeGroups:             nodeGroups(cfg),
		AddonVersions:          cfg.Versions.Addons,
		LoadBalancerController: cluster.LoadBalancerController{ChartVersion: cfg.Versions.Charts["aws-load-balancer-controller"]},
		Tags:                   cfg.ResourceTags(),
	}
}

// taintEffects translates Kubernetes' words, which the configuration uses, into EKS's.
var taintEffects = map[string]string{
	"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE",
}

func nodeGroups(cfg *stacks.Config) []cluster.NodeGroup {
	var groups []cluster.NodeGroup
	for _, name := range cfg.NodeGroupNames() {
		g := cfg.Cluster.NodeGroups[name]
		var taints []cluster.Taint
		for _, t := range g.Taints {
			taints = append(taints, cluster.Taint{Key: t.Key, Value: t.Value, Effect: taintEffects[t.Effect]})
		}
		groups = append(groups, cluster.NodeGroup{
			Name: name, InstanceTypes: g.InstanceTypes, CapacityType: g.CapacityType,
			Min: g.Min, Max: g.Max, Desired: g.Desired, DiskGiB: g.DiskGiB, Labels: g.Labels, Taints: taints,
		})
	}
	return groups
}

func databaseArgs(cfg *stacks.Config, secrets stacks.Secrets, net *network.Network, kube *cluster.Cluster) database.Args {
	db := cfg.Database
	var parameters []database.Parameter
	for _, p := range cfg.DatabaseParameters() {
		parameters = append(parameters, database.Parameter{Name: p.Name, Value: p.Value, ApplyMethod: p.ApplyMethod})
	}
	return database.Args{
		VPCID:                   net.VPCID,
		IsolatedSubnetIDs:       net.IsolatedSubnetIDs,
		AllowedSecurityGroupIDs: map[string]pulumi.StringInput{"nodes": kube.SecurityGroupID},
		InstanceClass:           db.InstanceClass,
		EngineVersion:           db.EngineVersion,
		MultiAZ:                 db.MultiAZ,
		ApplyImmediately:        cfg.Environment != stacks.Production,
		Storage: database.Storage{
			Type: db.StorageType, GiB: db.StorageGiB, MaxGiB: db.MaxStorageGiB, IOPS: db.IOPS, ThroughputMBps: db.ThroughputMBps,
		},
		DBName:                           db.Name,
		Username:                         db.Username,
		Password:                         secrets.DatabasePassword,
		Parameters:                       parameters,
		BackupRetentionDays:              db.BackupRetentionDays,
		BackupWindow:                     db.BackupWindow,
		MaintenanceWindow:                db.MaintenanceWindow,
		DeletionProtection:               db.DeletionProtection,
		FinalSnapshot:                    db.DeletionProtection,
		PerformanceInsightsRetentionDays: db.PerformanceInsightsRetentionDays,
		MonitoringIntervalSeconds:        db.MonitoringIntervalSeconds,
		LogExports:                       []string{"postgresql", "upgrade"},
		LogRetentionDays:                 cfg.Cluster.LogRetentionDays,
		Tags:                             cfg.ResourceTags(),
	}
}

func apiArgs(cfg *stacks.Config, secrets stacks.Secrets, net *network.Network, kube *cluster.Cluster, db *database.Database) ragapi.Args {
	args := ragapi.Args{
		Namespace:    Namespace,
		ClusterName:  kube.Name,
		Region:       cfg.Region,
		DependsOn:    kube.Ready,
		Port:         cfg.API.Port,
		MetricsPort:  stacks.MetricsPort,
		Requests:     resources(cfg.API.Requests.CPU, cfg.API.Requests.Memory),
		Limits:       resources(cfg.API.Limits.CPU, cfg.API.Limits.Memory),
		HPA:          hpa(cfg, cfg.SLO.HPA),
		PoolSize:     cfg.APIPoolSize(),
		Worker:       worker(cfg),
		SurgePercent: stacks.SurgePercent,
		DrainSeconds: cfg.API.DrainSeconds,
		LogLevel:     cfg.API.LogLevel,
		Database: ragapi.Database{
			Host: db.Address, Port: db.Port, Name: db.Name, User: db.Username, Password: secrets.DatabasePassword,
		},
		VPCID:               net.VPCID,
		VPCCIDR:             net.CIDR,
		Subnets:             net.PublicSubnetIDs,
		NodeSecurityGroupID: kube.SecurityGroupID,
		Internal:            cfg.API.Internal,
		ListenerPort:        cfg.API.ListenerPort,
		CertificateARN:      cfg.API.CertificateARN,
		IngressCIDRs:        cfg.API.IngressCIDRs,
		DeletionProtection:  cfg.Cluster.DeletionProtection,
		Tags:                cfg.ResourceTags(),
	}
	if cfg.API.Internal {
		args.Subnets = net.PrivateSubnetIDs
	}
	if strings.Contains(cfg.API.Image, "/") {
		args.Image = pulumi.String(cfg.API.Image)
	} else {
		args.Tag = cfg.API.Image
	}
	return args
}

func worker(cfg *stacks.Config) ragapi.Worker {
	w := cfg.API.Worker
	return ragapi.Worker{
		Requests: resources(w.Requests.CPU, w.Requests.Memory),
		Limits:   resources(w.Limits.CPU, w.Limits.Memory),
		HPA:      hpa(cfg, cfg.WorkerHPA()),
		PoolSize: cfg.WorkerPoolSize(),
	}
}

func resources(cpu stacks.CPU, memory stacks.Memory) ragapi.Resources {
	r := ragapi.Resources{Memory: memory.String()}
	if cpu > 0 {
		r.CPU = cpu.String()
	}
	return r
}

func hpa(cfg *stacks.Config, h stacks.HPA) ragapi.HPA {
	return ragapi.HPA{
		Min: h.MinReplicas, Max: h.MaxReplicas, CPUPercent: h.CPUPercent, MemoryPercent: h.MemoryPercent,
		ScaleDown: ragapi.ScaleDown{StabilizationSeconds: cfg.ScaleDownStabilizationSeconds(), Percent: cfg.ScaleDownPercent()},
	}
}
