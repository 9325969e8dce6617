package stacks

import (
	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/catalogue/rds"
)

const (
	mebibyte = Memory(catalogue.MiB)
	gibibyte = Memory(catalogue.GiB)
)

// growsFourfold is MaxStorageGiB until the storage is known.
const growsFourfold = -1

// settle fills the defaults that follow from other values.
func (c *Config) settle() *Config {
	if c.Database.MaxStorageGiB == growsFourfold {
		c.Database.MaxStorageGiB = min(4*c.Database.StorageGiB, rds.MostGiB)
	}
	if c.Autoscaling.SlopeRPSPerMinute == asPeak {
		c.Autoscaling.SlopeRPSPerMinute = c.LoadTests.Scenarios.Peak.slope()
	}
	c.CDN.OriginShieldRegion = c.originShield()
	c.Versions = kubernetes.VersionsOf(c.Cluster.Version)
	return c
}

// defaults returns the configuration of an environment before the stack's file is read: the one place of
// defaults. settle completes it.
func defaults(env Environment) *Config {
	c := &Config{
		Environment: env,
		CostCentre:  "platform",
		Tags:        map[string]string{},
		SLO: SLO{
			ResponseSeconds: 2, ComplexSearchSeconds: 5, UploadSecondsPerMB: 30, ThroughputRPS: 1000,
			CPUPercent: 70, MemoryPercent: 80, StoragePercent: 85, AvailabilityPercent: 99.9,
			RecallPercent: 95, FreshnessSeconds: 30,
			HPA: HPA{MinReplicas: 3, MaxReplicas: 20, CPUPercent: 70, MemoryPercent: 80},
		},
		Network: Network{
			CIDR: "10.0.0.0/16", Zones: 3, ZoneNames: []string{}, NATGateways: "perZone", VPCEndpoints: true,
			FlowLogRetentionDays: 90,
		},
		Cluster: Cluster{
			Version: "1.36", PublicAccessCIDRs: []string{}, PrivateAccessCIDRs: []string{}, AdminPrincipalARNs: []string{},
			LogRetentionDays: 90, DeletionProtection: true,
			NodeGroups: map[string]NodeGroup{
				"system":   nodeGroup("system", "ON_DEMAND", 3, 6, 3, "m7g.large"),
				"api":      nodeGroup("api", "ON_DEMAND", 3, 12, 3, "m7g.xlarge"),
				"burst":    nodeGroup("burst", "SPOT", 0, 12, 0, "m7g.xlarge", "m6g.xlarge", "m8g.xlarge"),
				"loadtest": loadtestGroup("c7g.2xlarge", 8),
			},
		},
		API: API{
			Image: "0.1.0", Port: 8080, ListenerPort: 80, Internal: true, IngressCIDRs: []string{},
			Auth: Auth{Enabled: true, UserClaim: "sub"}, RateLimit: RateLimit{RequestsPerSecond: 50, Burst: 100},
			Requests: Requests{CPU: 500, Memory: 512 * mebibyte}, Limits: Limits{Memory: 1 * gibibyte},
			Worker: Worker{Min: 2, Max: 6, Requests: Requests{CPU: 500, Memory: 512 * mebibyte},
				Limits: Limits{Memory: 1 * gibibyte}},
			DrainSeconds: 20, QueryLogDays: 30, LogLevel: "info",
		},
		Database: Database{
			InstanceClass: "db.r7g.xlarge", EngineVersion: "17", Name: "ragscale", Username: "ragscale",
			StorageGiB: 400, MaxStorageGiB: growsFourfold, StorageType: "gp3", MultiAZ: true,
			BackupRetentionDays: 14, BackupWindow: "02:00-03:00", MaintenanceWindow: "sun:03:30-sun:04:30",
			DeletionProtection: true, Insights: "standard", MonitoringIntervalSeconds: 15,
			Replicas: 2, Rotation: Rotation{Days: 30}, Parameters: map[string]string{},
		},
		PgBouncer: PgBouncer{Min: 3, Max: 6, Requests: Requests{CPU: 250, Memory: 128 * mebibyte},
			Limits: Limits{Memory: 256 * mebibyte}},
		Cache: Cache{
			NodeType: "cache.r7g.large", Replicas: 1, WorkingSetMiB: 6144, Workload: "recent",
			SnapshotRetentionDays: 1, SnapshotWindow: "01:00-02:00", MaintenanceWindow: "sun:05:00-sun:06:00",
			Parameters: map[string]string{},
		},
		VectorStore: VectorStore{
			StorageGiB: 100, Requests: Requests{CPU: 1000, Memory: 4 * gibibyte}, Limits: Limits{Memory: 8 * gibibyte},
			SnapshotSchedule: "17 3 * * *", SnapshotRetention: 14,
		},
	}
	platformDefaults(c)
	switch env {
	case Development:
		developmentDefaults(c)
		developmentPlatform(c)
	case Local:
		localDefaults(c)
		localPlatform(c)
	}
	return c
}

// developmentDefaults is the same platform, small and cheap: what fails is created again.
func developmentDefaults(c *Config) {
	c.SLO.ThroughputRPS = 200
	c.SLO.AvailabilityPercent = 99
	c.SLO.HPA.MinReplicas, c.SLO.HPA.MaxReplicas = 2, 10
	c.Network.Zones, c.Network.NATGateways, c.Network.VPCEndpoints, c.Network.FlowLogRetentionDays = 2, "one", false, 7
	c.Cluster.LogRetentionDays, c.Cluster.DeletionProtection = 7, false
	c.Cluster.PublicAccessCIDRs = []string{"0.0.0.0/0"} // IAM still decides; narrow it to the office or the VPN
	c.Cluster.NodeGroups = map[string]NodeGroup{
		"system":   nodeGroup("system", "ON_DEMAND", 2, 3, 2, "t4g.large"),
		"api":      nodeGroup("api", "ON_DEMAND", 2, 6, 2, "m7g.large"),
		"burst":    nodeGroup("burst", "SPOT", 0, 4, 0, "m7g.large", "m6g.large", "m8g.large"),
		"loadtest": loadtestGroup("c7g.xlarge", 4),
	}
	c.API.RateLimit.RequestsPerSecond = 0
	c.API.Requests, c.API.Limits = Requests{CPU: 250, Memory: 256 * mebibyte}, Limits{Memory: 512 * mebibyte}
	c.API.Worker = Worker{Min: 1, Max: 3, Requests: c.API.Requests, Limits: c.API.Limits}
	d := &c.Database
	d.InstanceClass, d.StorageGiB = "db.t4g.medium", 50
	d.MultiAZ, d.BackupRetentionDays, d.DeletionProtection, d.MonitoringIntervalSeconds = false, 1, false, 60
	d.Replicas = 0
	c.PgBouncer = PgBouncer{Min: 2, Max: 3, Requests: Requests{CPU: 100, Memory: 64 * mebibyte},
		Limits: Limits{Memory: 128 * mebibyte}}
	c.Cache.NodeType, c.Cache.Replicas, c.Cache.WorkingSetMiB = "cache.t4g.small", 0, 512
	c.Cache.SnapshotRetentionDays = 0
	v := &c.VectorStore
	v.StorageGiB, v.Requests, v.Limits = 20, Requests{CPU: 250, Memory: 1 * gibibyte}, Limits{Memory: 2 * gibibyte}
	v.SnapshotRetention = 3
}

// localDefaults is the same graph on one machine. Requests are small, so that 20 API pods fit the declared nodes and
// real load on two cores is enough to make the autoscaler act. Memory requests leave room: the API idles at some 40
// MiB, which must stay well below the HPA's memory target.
func localDefaults(c *Config) {
	c.SLO.ThroughputRPS = 100
	c.SLO.AvailabilityPercent = 99
	c.Network.Zones, c.Network.NATGateways, c.Network.VPCEndpoints, c.Network.FlowLogRetentionDays = 2, "one", false, 1
	c.Cluster.LogRetentionDays, c.Cluster.DeletionProtection = 1, false
	c.Cluster.NodeGroups = map[string]NodeGroup{
		"system": nodeGroup("system", "ON_DEMAND", 1, 1, 1, "t4g.large"),
		"api":    nodeGroup("api", "ON_DEMAND", 2, 2, 2, "t4g.large"), // both at once: nothing adds nodes here
	}
	generators := loadtestGroup("t4g.large", 1)
	generators.Desired = 1 // nothing adds it when it is needed
	c.Cluster.NodeGroups[loadGroup] = generators
	c.API.ListenerPort, c.API.Internal, c.API.IngressCIDRs, c.API.DrainSeconds = 8080, false, []string{"127.0.0.0/8"}, 6
	c.API.Auth.Enabled, c.API.RateLimit.RequestsPerSecond = false, 0 // only loopback reaches it
	c.API.Requests, c.API.Limits = Requests{CPU: 50, Memory: 128 * mebibyte}, Limits{Memory: 256 * mebibyte}
	c.API.Worker = Worker{Min: 1, Max: 2, Requests: c.API.Requests, Limits: c.API.Limits}
	d := &c.Database
	d.InstanceClass, d.StorageGiB, d.MaxStorageGiB = "db.t4g.small", 20, 0 // 471 MiB of shared_buffers
	d.MultiAZ, d.BackupRetentionDays, d.DeletionProtection = false, 1, false
	d.Insights, d.MonitoringIntervalSeconds = "off", 0
	d.Replicas = 1
	c.PgBouncer = PgBouncer{Min: 2, Max: 3, Requests: Requests{CPU: 50, Memory: 64 * mebibyte},
		Limits: Limits{Memory: 128 * mebibyte}}
	c.Cache.NodeType, c.Cache.Replicas, c.Cache.WorkingSetMiB = "cache.t4g.micro", 0, 128
	c.Cache.SnapshotRetentionDays = 0
	v := &c.VectorStore
	v.StorageGiB, v.Requests, v.Limits = 5, Requests{CPU: 50, Memory: 256 * mebibyte}, Limits{Memory: 512 * mebibyte}
	v.SnapshotRetention = 2
}

func nodeGroup(pool, capacity string, least, most, desired int, types ...string) NodeGroup {
	return NodeGroup{
		InstanceTypes: types, CapacityType: capacity, Min: least, Max: most, Desired: desired, DiskGiB: 50,
		Labels: map[string]string{"ragscale.io/pool": pool}, Taints: []Taint{},
	}
}

// StartAs gives a group that the environment does not have by default its labels; its types and size must be said.
func (g *NodeGroup) StartAs(pool string) {
	*g = nodeGroup(pool, "ON_DEMAND", 0, 1, 0)
	if pool == "loadtest" {
		*g = loadtestGroup("", 1)
	}
	g.InstanceTypes = []string{}
}

// loadtestGroup is a tainted group that starts from zero, so that load generators never share a node with what they
// load.
func loadtestGroup(instanceType string, most int) NodeGroup {
	g := nodeGroup("loadtest", "ON_DEMAND", 0, most, 0, instanceType)
	g.Taints = []Taint{{Key: "ragscale.io/pool", Value: "loadtest", Effect: "NoSchedule"}}
	return g
}

// environmentOf is the environment of a stack that does not say: known for the three stacks of the project only.
func environmentOf(stack string) (Environment, bool) {
	env, known := map[string]Environment{"prod": Production, "dev": Development, "local": Local}[stack]
	return env, known
}
