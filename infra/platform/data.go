package platform

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/autoscaling"
	"github.com/ragscale/ragscale/components/cache"
	"github.com/ragscale/ragscale/components/database"
	"github.com/ragscale/ragscale/components/pgbouncer"
	"github.com/ragscale/ragscale/components/ragapi"
	"github.com/ragscale/ragscale/components/vectorstore"
	"github.com/ragscale/ragscale/stacks"
)

func (p *platform) databaseArgs() database.Args {
	db := p.cfg.Database
	args := database.Args{
		VPCID:                   p.network.VPCID,
		IsolatedSubnetIDs:       p.network.IsolatedSubnetIDs,
		AllowedSecurityGroupIDs: map[string]pulumi.StringInput{"nodes": p.cluster.SecurityGroupID},
		InstanceClass:           db.InstanceClass,
		EngineVersion:           db.EngineVersion,
		MultiAZ:                 db.MultiAZ,
		ApplyImmediately:        p.cfg.Environment != stacks.Production,
		Storage: database.Storage{
			Type: db.StorageType, GiB: db.StorageGiB, MaxGiB: db.MaxStorageGiB, IOPS: db.IOPS, ThroughputMBps: db.ThroughputMBps,
		},
		DBName:     db.Name,
		Username:   db.Username,
		Password:   p.secrets.DatabasePassword,
		Parameters: databaseParameters(p.cfg.DatabaseParameters()),
		Replicas: database.Replicas{
			Count: db.Replicas, Class: db.ReplicaClass, Parameters: databaseParameters(p.cfg.ReplicaParameters()),
			Zones: p.cfg.ZoneNames(),
		},
		BackupRetentionDays:       db.BackupRetentionDays,
		BackupWindow:              db.BackupWindow,
		MaintenanceWindow:         db.MaintenanceWindow,
		DeletionProtection:        db.DeletionProtection,
		FinalSnapshot:             db.DeletionProtection,
		Insights:                  insights(db.Insights),
		MonitoringIntervalSeconds: db.MonitoringIntervalSeconds,
		LogExports:                []string{"postgresql", "upgrade"},
		LogRetentionDays:          p.cfg.Cluster.LogRetentionDays,
		Tags:                      p.cfg.ResourceTags(),
	}
	if db.Rotation.LambdaARN != "" {
		args.Rotation = database.Rotation{Days: db.Rotation.Days, LambdaARN: pulumi.String(db.Rotation.LambdaARN)}
	}
	return args
}

func databaseParameters(derived []stacks.Parameter) []database.Parameter {
	var parameters []database.Parameter
	for _, p := range derived {
		parameters = append(parameters, database.Parameter{Name: p.Name, Value: p.Value, ApplyMethod: p.ApplyMethod})
	}
	return parameters
}

func (p *platform) pgbouncerArgs() pgbouncer.Args {
	pools, size := p.cfg.Pools(), p.cfg.PgBouncer
	hpa := p.cfg.PgBouncerHPA()
	return pgbouncer.Args{
		Namespace:     p.api.Namespace,
		DependsOn:     p.scaling.Ready,
		Image:         p.cfg.Versions.Images["pgbouncer"],
		CA:            pgbouncer.CA{Image: p.api.Image, Args: []string{"ca-bundle", "--to"}},
		ExporterImage: p.cfg.Versions.Images["pgbouncer-exporter"],
		Database: pgbouncer.Database{
			Host: p.db.Address, ReplicaHosts: p.db.ReplicaAddresses, Port: p.db.Port,
			Name: p.db.Name, User: p.db.Username, Password: p.secrets.DatabasePassword,
		},
		Pools: pgbouncer.Pools{
			ReadWrite: pools.PgBouncer.Write, ReadOnly: pools.PgBouncer.Read, MaxClientConnections: pools.PgBouncer.MaxClients,
		},
		QueryWaitSeconds: p.cfg.QueryWaitSeconds(),
		Requests:         quantities(size.Requests.CPU, size.Requests.Memory),
		Limits:           quantities(size.Limits.CPU, size.Limits.Memory),
		HPA: pgbouncer.HPA{
			Min: hpa.MinReplicas, Max: hpa.MaxReplicas, CPUPercent: hpa.CPUPercent,
			StabilizationSeconds: p.cfg.ScaleDownStabilizationSeconds(),
		},
		DrainSeconds:        p.cfg.PoolerDrainSeconds(),
		VerticalAutoscaling: verticalOf(p.cfg.VerticalPolicies().PgBouncer),
		PriorityClassName:   autoscaling.DataPriority,
		Clients:             []pgbouncer.Client{{Namespace: Namespace, Name: ragapi.APIName}},
		ScraperCIDRs:        []string{p.network.CIDR},
		VPCCIDR:             p.network.CIDR,
	}
}

// cacheUser is whom the API signs in to the cache as, and cacheKeys is how its keys begin.
const (
	cacheUser = "ragapi"
	cacheKeys = "ragapi:"
)

func (p *platform) cacheArgs() cache.Args {
	c := p.cfg.Cache
	var parameters []cache.Parameter
	for _, parameter := range p.cfg.CacheParameters() {
		parameters = append(parameters, cache.Parameter{Name: parameter.Name, Value: parameter.Value})
	}
	return cache.Args{
		VPCID:                   p.network.VPCID,
		IsolatedSubnetIDs:       p.network.IsolatedSubnetIDs,
		AllowedSecurityGroupIDs: map[string]pulumi.StringInput{"nodes": p.cluster.SecurityGroupID},
		NodeType:                c.NodeType,
		Replicas:                c.Replicas,
		ApplyImmediately:        p.cfg.Environment != stacks.Production,
		AutoMinorVersionUpgrade: true,
		Parameters:              parameters,
		Username:                cacheUser,
		Password:                p.secrets.CachePassword,
		KeyPrefix:               cacheKeys,
		SnapshotRetentionDays:   c.SnapshotRetentionDays,
		SnapshotWindow:          p.snapshotWindow(),
		MaintenanceWindow:       c.MaintenanceWindow,
		DeletionProtection:      p.cfg.Database.DeletionProtection,
		LogRetentionDays:        p.cfg.Cluster.LogRetentionDays,
		Tags:                    p.cfg.ResourceTags(),
	}
}

// snapshotWindow is none where no snapshots are taken.
func (p *platform) snapshotWindow() string {
	if p.cfg.Cache.SnapshotRetentionDays == 0 {
		return ""
	}
	return p.cfg.Cache.SnapshotWindow
}

func (p *platform) vectorStoreArgs() vectorstore.Args {
	v := p.cfg.VectorStore
	return vectorstore.Args{
		Namespace:  VectorNamespace,
		DependsOn:  slices.Concat(p.cluster.Ready, p.scaling.Ready),
		Image:      p.cfg.Versions.Images["chroma"],
		StorageGiB: v.StorageGiB,
		Requests:   quantities(v.Requests.CPU, v.Requests.Memory),
		Limits:     quantities(v.Limits.CPU, v.Limits.Memory),
		Clients:    []vectorstore.Client{{Namespace: Namespace, Pods: []string{ragapi.APIName, ragapi.WorkerName}}},
		Snapshot: vectorstore.Snapshot{
			Schedule: v.SnapshotSchedule, Keep: v.SnapshotRetention, StorageGiB: p.cfg.SnapshotStorageGiB(),
			Image: p.cfg.Versions.Images["node"],
		},
		VerticalAutoscaling: verticalOf(p.cfg.VerticalPolicies().Chroma),
		PriorityClassName:   autoscaling.DataPriority,
		DeletionProtection:  p.cfg.Database.DeletionProtection,
		Tags:                p.cfg.ResourceTags(),
	}
}

// insights translates the configuration's word for none.
func insights(mode string) string {
	if mode == "off" {
		return database.InsightsOff
	}
	return mode
}
