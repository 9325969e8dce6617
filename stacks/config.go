package stacks

import "github.com/ragscale/ragscale/catalogue/kubernetes"

// Environment selects a set of defaults and how strict the rules are.
type Environment string

// The environments.
const (
	Production  Environment = "production"
	Development Environment = "development"
	Local       Environment = "local" // the sandbox on one machine
)

// Config is one stack's whole configuration: what its file says over the environment's defaults. It holds no secret.
//
// These types are the single table of the configuration: the tag json names a key, the tag rule its range (see rule),
// the field's comment says what it means. Decoding, the JSON schema and docs/configuration.md all read them.
type Config struct {
	Stack  string `json:"-"` // "prod"
	Region string `json:"-"` // from aws:region, "eu-central-1"

	// Selects the defaults below and how strict the rules are. Without it the stacks prod, dev and local are
	// production, development and local; any other stack must say.
	Environment Environment `json:"environment" rule:"one=production|development|local"`
	// Value of the tag cost-centre on every resource.
	CostCentre string `json:"costCentre" rule:"match=tagValue"`
	// Further tags for every resource. project, stack, environment, component, cost-centre and managed-by are set
	// already.
	Tags map[string]string `json:"tags" rule:"keys=tagKey match=tagValue maxItems=40"`
	// The service level objectives. Everything that follows from them is derived, nowhere repeated.
	SLO SLO `json:"slo"`
	// The VPC.
	Network Network `json:"network"`
	// The EKS cluster and its nodes.
	Cluster Cluster `json:"cluster"`
	// The RAG API and its upload worker.
	API API `json:"api"`
	// The RDS PostgreSQL primary and its read replicas.
	Database Database `json:"database"`
	// The connection pooler between the API and the database (Deployment pgbouncer). Its pool sizes are derived;
	// ragscale plan pools prints them.
	PgBouncer PgBouncer `json:"pgbouncer"`
	// The ElastiCache replication group: Redis.
	Cache Cache `json:"cache"`
	// The Chroma server (StatefulSet chroma).
	VectorStore VectorStore `json:"vectorStore"`

	// Nodes, room kept free for new pods, and vertical autoscalers.
	Autoscaling Autoscaling `json:"autoscaling"`
	// The CloudFront distribution before the API and the static assets.
	CDN CDN `json:"cdn"`
	// The k6 load tests.
	LoadTests LoadTests `json:"loadTests"`
	// Alarms, metrics and dashboards. Their thresholds are derived.
	Observability Observability `json:"observability"`
	// What the stack may cost; ragscale plan cost prints the estimate.
	Budget Budget `json:"budget"`

	Perf     Perf                `json:"-"` // of the namespace perf
	Versions kubernetes.Versions `json:"-"`
}

// SLO is the stack's service level objectives, stated once. Durations are seconds, averages are percent of capacity.
type SLO struct {
	// 95th percentile of the API's response time, s. The API counts up to 30 s.
	ResponseSeconds float64 `json:"responseSeconds" rule:"min=0.01 max=30"`
	// 95th percentile of the response time of complex searches, s, likewise.
	ComplexSearchSeconds float64 `json:"complexSearchSeconds" rule:"min=0.01 max=30"`
	// 95th percentile of the processing time of an uploaded document, s per MB. The API counts up to 300 s.
	UploadSecondsPerMB float64 `json:"uploadSecondsPerMB" rule:"min=0.1 max=300"`
	// Requests per second that the API serves within its response time at full scale.
	ThroughputRPS float64 `json:"throughputRPS" rule:"min=1 max=1000000"`
	// Average CPU use, percent of capacity; alarms are above it.
	CPUPercent float64 `json:"cpuPercent" rule:"min=1 max=99"`
	// Average memory use, percent of capacity.
	MemoryPercent float64 `json:"memoryPercent" rule:"min=1 max=99"`
	// Storage used, percent of what is allocated.
	StoragePercent float64 `json:"storagePercent" rule:"min=1 max=99"`
	// Share of requests served, percent.
	AvailabilityPercent float64 `json:"availabilityPercent" rule:"min=90 max=99.999"`
	// Of the documents that are relevant to a search, those among its first ten hits, percent (recall@10). Load tests
	// measure it, with documents of their own; no alarm does.
	RecallPercent float64 `json:"recallPercent" rule:"min=1 max=100"`
	// 90th percentile of the time from the acceptance of a small upload until a search finds it that had been asked
	// before, s. The API answers from its cache for some ten seconds more. Load tests measure it, no alarm does.
	FreshnessSeconds float64 `json:"freshnessSeconds" rule:"min=1 max=300"`
	// Horizontal autoscaling of the API (Deployment agentic-rag-api).
	HPA HPA `json:"hpa"`
}

// Budget is what a stack may cost.
type Budget struct {
	// Most USD a month that the stack may cost at list prices with its fewest nodes, traffic apart; policy
	// monthly-cost holds it. 0 = none is stated.
	MonthlyUSD float64 `json:"monthlyUSD" rule:"min=0 max=10000000"`
}

// HPA bounds and targets of a horizontal pod autoscaler. The targets are percent of the pods' requests, not of
// capacity.
type HPA struct {
	// Fewest pods.
	MinReplicas int `json:"minReplicas" rule:"min=1 max=1000"`
	// Most pods.
	MaxReplicas int `json:"maxReplicas" rule:"min=1 max=1000"`
	// CPU target, percent of the CPU request.
	CPUPercent int `json:"cpuPercent" rule:"min=10 max=95"`
	// Memory target, percent of the memory request; at least 10, or 0 = CPU alone, so that a vertical autoscaler may
	// act on memory.
	MemoryPercent int `json:"memoryPercent" rule:"min=0 max=95"`
}

// Network is the VPC.
type Network struct {
	// Private IPv4 range of the VPC, /16 to /20.
	CIDR string `json:"cidr" rule:"match=cidr"`
	// Number of availability zones.
	Zones int `json:"zones" rule:"min=2 max=3"`
	// Names of the zones where the region has none with the letters a, b, c (or the account lacks one); as many as
	// zones. Empty: the first letters.
	ZoneNames []string `json:"zoneNames" rule:"match=zone maxItems=3"`
	// perZone survives the loss of a zone, one is cheap, none needs vpcEndpoints.
	NATGateways string `json:"natGateways" rule:"one=perZone|one|none"`
	// Interface endpoints for the AWS APIs that nodes use. The S3 gateway endpoint is always there.
	VPCEndpoints bool `json:"vpcEndpoints"`
	// Days that VPC flow logs are kept; 0 = no flow logs.
	FlowLogRetentionDays int `json:"flowLogRetentionDays" rule:"of=logDaysOrNone"`
}

// Cluster is the EKS cluster.
type Cluster struct {
	// Kubernetes minor version. Must be one that the table of pinned versions has add-ons for.
	Version string `json:"version" rule:"match=kubernetesMinor"`
	// Who may reach the API server from the internet. Empty: nobody, the endpoint is private.
	PublicAccessCIDRs []string `json:"publicAccessCidrs" rule:"match=cidr maxItems=40"`
	// Who may reach the API server's private endpoint beside nodes and pods: the VPC's own range, networks peered with
	// it or behind a VPN.
	PrivateAccessCIDRs []string `json:"privateAccessCidrs" rule:"match=cidr maxItems=40"`
	// IAM roles or users that administer the cluster, beside whoever creates it.
	AdminPrincipalARNs []string `json:"adminPrincipalArns" rule:"match=principalArn maxItems=20"`
	// Days that the logs of control plane, nodes and pods are kept.
	LogRetentionDays int `json:"logRetentionDays" rule:"of=logDays"`
	// Refuse to delete the cluster until this is turned off.
	DeletionProtection bool `json:"deletionProtection"`
	// Managed node groups by name: system and api are required, burst and loadtest optional. Naming any replaces the
	// default set; within a group, what is not said keeps that group's default.
	NodeGroups map[string]NodeGroup `json:"nodeGroups" rule:"keys=nodeGroup"`
}

// NodeGroup is a managed node group. The cluster autoscaler owns its size between Min and Max.
type NodeGroup struct {
	// EC2 instance types, all of the same vCPU, memory and architecture; several for spot.
	InstanceTypes []string `json:"instanceTypes" rule:"required match=instanceType minItems=1 maxItems=20"`
	// How the instances are bought.
	CapacityType string `json:"capacityType" rule:"one=ON_DEMAND|SPOT"`
	// Fewest nodes.
	Min int `json:"min" rule:"min=0 max=450"`
	// Most nodes.
	Max int `json:"max" rule:"min=1 max=450"`
	// Nodes at creation; the autoscaler owns it afterwards.
	Desired int `json:"desired" rule:"min=0 max=450"`
	// Size of the root volume (encrypted gp3), GiB.
	DiskGiB int `json:"diskGiB" rule:"min=20 max=65536"`
	// Kubernetes labels of the nodes.
	Labels map[string]string `json:"labels" rule:"keys=labelKey match=labelValue maxItems=40"`
	// Kubernetes taints of the nodes.
	Taints []Taint `json:"taints" rule:"maxItems=20"`
}

// Taint keeps pods without a matching toleration off a node.
type Taint struct {
	// Taint key.
	Key string `json:"key" rule:"required match=labelKey"`
	// Taint value; may be empty.
	Value string `json:"value" rule:"match=labelValue"`
	// What it does to pods without the toleration.
	Effect string `json:"effect" rule:"required one=NoSchedule|PreferNoSchedule|NoExecute"`
}

// API is the RAG API's deployment.
type API struct {
	// Tag in the stack's own ECR repository, or a full image reference (anything with a slash).
	Image string `json:"image" rule:"match=image"`
	// Port the API listens on in its pod; 9090 is taken by metrics.
	Port int `json:"port" rule:"min=1024 max=65535"`
	// Port of the load balancer. 443 needs certificateArn.
	ListenerPort int `json:"listenerPort" rule:"min=1 max=65535"`
	// ACM certificate of the load balancer, in the stack's region; empty = plain HTTP.
	CertificateARN string `json:"certificateArn" rule:"match=certificateArn"`
	// Load balancer in the private subnets, reachable from the VPC only.
	Internal bool `json:"internal"`
	// Who may reach the load balancer beside the distribution and the load generators, which reach an internal one by
	// themselves; generators reach a public one from the NAT gateways' addresses.
	IngressCIDRs []string `json:"ingressCidrs" rule:"match=cidr maxItems=40"`
	// Whose tokens the API takes: an issuer and an audience have to be said, or that it asks for none.
	Auth Auth `json:"auth"`
	// How often one user may ask one API pod; without auth one client address. Over n pods a user gets up to n times
	// as much.
	RateLimit RateLimit `json:"rateLimit"`
	// What the scheduler reserves for an API pod; the HPA's targets are percent of it.
	Requests Requests `json:"requests"`
	// What an API pod may use at most.
	Limits Limits `json:"limits"`
	// The worker that processes uploads (Deployment agentic-rag-worker).
	Worker Worker `json:"worker"`
	// How long a stopping pod finishes what it has begun, s.
	DrainSeconds int `json:"drainSeconds" rule:"min=2 max=600"`
	// Days that searches are remembered: partitions of the query log that daily upkeep keeps.
	QueryLogDays int `json:"queryLogDays" rule:"min=1 max=3650"`
	// Least severe message that is logged.
	LogLevel string `json:"logLevel" rule:"one=debug|info|warn|error"`
}

// Worker is the deployment that processes uploads.
type Worker struct {
	// Fewest worker pods.
	Min int `json:"min" rule:"min=1 max=200"`
	// Most worker pods.
	Max int `json:"max" rule:"min=1 max=200"`
	// What the scheduler reserves for a worker pod.
	Requests Requests `json:"requests"`
	// What a worker pod may use at most.
	Limits Limits `json:"limits"`
}

// Requests are a pod's resource requests.
type Requests struct {
	// CPU, in cores or thousandths (250m).
	CPU CPU `json:"cpu"`
	// Memory.
	Memory Memory `json:"memory"`
}

// Limits are a pod's resource limits.
type Limits struct {
	// CPU; absent = no limit, so that a pod may use idle cores.
	CPU CPU `json:"cpu,omitempty"`
	// Memory; beyond it the pod is killed.
	Memory Memory `json:"memory"`
}

// Database is the RDS PostgreSQL primary and its read replicas.
type Database struct {
	// RDS instance class of the primary.
	InstanceClass string `json:"instanceClass" rule:"match=dbClass"`
	// Read replicas. Without them the primary answers the reads too.
	Replicas int `json:"replicas" rule:"min=0 max=rds.MostReplicas"`
	// RDS instance class of the replicas; empty = the primary's.
	ReplicaClass string `json:"replicaClass" rule:"match=dbClassOrNone"`
	// PostgreSQL version: a major (AWS keeps the minor current in the maintenance window) or a pinned minor.
	EngineVersion string `json:"engineVersion" rule:"match=postgresVersion"`
	// Name of the database.
	Name string `json:"name" rule:"match=sqlName"`
	// Master user.
	Username string `json:"username" rule:"match=sqlName"`
	// Storage at creation, GiB.
	StorageGiB int `json:"storageGiB" rule:"min=rds.LeastGiB max=rds.MostGiB"`
	// Limit of storage autoscaling, GiB; 0 = it does not grow. By default four times storageGiB (local: 0).
	MaxStorageGiB int `json:"maxStorageGiB" rule:"min=0 max=rds.MostGiB"`
	// EBS volume type.
	StorageType string `json:"storageType" rule:"one=gp3"`
	// Provisioned IOPS; 0 = the baseline (3,000; 12,000 from 400 GiB).
	IOPS int `json:"iops" rule:"min=0 max=rds.MostIOPS"`
	// Provisioned throughput, MiB/s; 0 = the baseline (125; 500 from 400 GiB).
	ThroughputMBps int `json:"throughput" rule:"min=0 max=rds.MostMBps"`
	// A standby in another zone takes over when the primary fails.
	MultiAZ bool `json:"multiAz"`
	// Days of point-in-time recovery.
	BackupRetentionDays int `json:"backupRetentionDays" rule:"min=1 max=rds.MostBackupDays"`
	// Daily backup, UTC.
	BackupWindow string `json:"backupWindow" rule:"match=backupWindow"`
	// Weekly maintenance, UTC.
	MaintenanceWindow string `json:"maintenanceWindow" rule:"match=maintenanceWindow"`
	// Refuse to delete the database until this is turned off; a final snapshot is taken then.
	DeletionProtection bool `json:"deletionProtection"`
	// CloudWatch Database Insights: standard keeps 7 days of load by wait and statement, advanced 15 months (paid for
	// by vCPU).
	Insights string `json:"insights" rule:"one=off|standard|advanced"`
	// Interval of enhanced monitoring, s; 0 = off.
	MonitoringIntervalSeconds int `json:"monitoringIntervalSeconds" rule:"of=monitoringIntervals"`

	// Rotation of the master user's password.
	Rotation Rotation `json:"rotation"`
	// Parameters of PostgreSQL to set otherwise than derived below, on the primary and the replicas, in RDS's units.
	Parameters map[string]string `json:"parameters" rule:"keys=pgParameter match=parameterValue maxItems=60"`
}
