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
// The struct tags of these types are the single table of the configuration: json names the key, rule its range (see
// rule), doc its meaning. Decoding, the JSON schema and docs/configuration.md all read them.
type Config struct {
	Stack  string `json:"-"` // "prod"
	Region string `json:"-"` // from aws:region, "eu-central-1"

	Environment Environment       `json:"environment" rule:"one=production|development|local" doc:"Selects the defaults below and how strict the rules are. Without it the stacks prod, dev and local are production, development and local; any other stack must say."`
	CostCentre  string            `json:"costCentre" rule:"match=tagValue" doc:"Value of the tag cost-centre on every resource."`
	Tags        map[string]string `json:"tags" rule:"keys=tagKey match=tagValue maxItems=40" doc:"Further tags for every resource. project, stack, environment, component, cost-centre and managed-by are set already."`
	SLO         SLO               `json:"slo" doc:"The service level objectives. Everything that follows from them is derived, nowhere repeated."`
	Network     Network           `json:"network" doc:"The VPC."`
	Cluster     Cluster           `json:"cluster" doc:"The EKS cluster and its nodes."`
	API         API               `json:"api" doc:"The RAG API and its upload worker."`
	Database    Database          `json:"database" doc:"The RDS PostgreSQL primary and its read replicas."`
	PgBouncer   PgBouncer         `json:"pgbouncer" doc:"The connection pooler between the API and the database (Deployment pgbouncer). Its pool sizes are derived; ragscale plan pools prints them."`
	Cache       Cache             `json:"cache" doc:"The ElastiCache replication group: Redis."`
	VectorStore VectorStore       `json:"vectorStore" doc:"The Chroma server (StatefulSet chroma)."`

	Autoscaling   Autoscaling   `json:"autoscaling" doc:"Nodes, room kept free for new pods, and vertical autoscalers."`
	CDN           CDN           `json:"cdn" doc:"The CloudFront distribution before the API and the static assets."`
	LoadTests     LoadTests     `json:"loadTests" doc:"The k6 load tests."`
	Observability Observability `json:"observability" doc:"Alarms, metrics and dashboards. Their thresholds are derived."`
	Budget        Budget        `json:"budget" doc:"What the stack may cost; ragscale plan cost prints the estimate."`

	Versions kubernetes.Versions `json:"-"`
}

// SLO is the stack's service level objectives, stated once. Durations are seconds, averages are percent of capacity.
type SLO struct {
	ResponseSeconds      float64 `json:"responseSeconds" rule:"min=0.01 max=30" doc:"95th percentile of the API's response time, s. The API counts up to 30 s."`
	ComplexSearchSeconds float64 `json:"complexSearchSeconds" rule:"min=0.01 max=30" doc:"95th percentile of the response time of complex searches, s, likewise."`
	UploadSecondsPerMB   float64 `json:"uploadSecondsPerMB" rule:"min=0.1 max=300" doc:"95th percentile of the processing time of an uploaded document, s per MB. The API counts up to 300 s."`
	ThroughputRPS        float64 `json:"throughputRPS" rule:"min=1 max=1000000" doc:"Requests per second that the API serves within its response time at full scale."`
	CPUPercent           float64 `json:"cpuPercent" rule:"min=1 max=99" doc:"Average CPU use, percent of capacity; alarms are above it."`
	MemoryPercent        float64 `json:"memoryPercent" rule:"min=1 max=99" doc:"Average memory use, percent of capacity."`
	StoragePercent       float64 `json:"storagePercent" rule:"min=1 max=99" doc:"Storage used, percent of what is allocated."`
	AvailabilityPercent  float64 `json:"availabilityPercent" rule:"min=90 max=99.999" doc:"Share of requests served, percent."`
	HPA                  HPA     `json:"hpa" doc:"Horizontal autoscaling of the API (Deployment agentic-rag-api)."`
}

// Budget is what a stack may cost.
type Budget struct {
	MonthlyUSD float64 `json:"monthlyUSD" rule:"min=0 max=10000000" doc:"Most USD a month that the stack may cost at list prices with its fewest nodes, traffic apart; policy monthly-cost holds it. 0 = none is stated."`
}

// HPA bounds and targets of a horizontal pod autoscaler. The targets are percent of the pods' requests, not of capacity.
type HPA struct {
	MinReplicas   int `json:"minReplicas" rule:"min=1 max=1000" doc:"Fewest pods."`
	MaxReplicas   int `json:"maxReplicas" rule:"min=1 max=1000" doc:"Most pods."`
	CPUPercent    int `json:"cpuPercent" rule:"min=10 max=95" doc:"CPU target, percent of the CPU request."`
	MemoryPercent int `json:"memoryPercent" rule:"min=0 max=95" doc:"Memory target, percent of the memory request; at least 10, or 0 = CPU alone, so that a vertical autoscaler may act on memory."`
}

// Network is the VPC.
type Network struct {
	CIDR                 string   `json:"cidr" rule:"match=cidr" doc:"Private IPv4 range of the VPC, /16 to /20."`
	Zones                int      `json:"zones" rule:"min=2 max=3" doc:"Number of availability zones."`
	ZoneNames            []string `json:"zoneNames" rule:"match=zone maxItems=3" doc:"Names of the zones where the region has none with the letters a, b, c (or the account lacks one); as many as zones. Empty: the first letters."`
	NATGateways          string   `json:"natGateways" rule:"one=perZone|one|none" doc:"perZone survives the loss of a zone, one is cheap, none needs vpcEndpoints."`
	VPCEndpoints         bool     `json:"vpcEndpoints" doc:"Interface endpoints for the AWS APIs that nodes use. The S3 gateway endpoint is always there."`
	FlowLogRetentionDays int      `json:"flowLogRetentionDays" rule:"of=logDaysOrNone" doc:"Days that VPC flow logs are kept; 0 = no flow logs."`
}

// Cluster is the EKS cluster.
type Cluster struct {
	Version            string               `json:"version" rule:"match=kubernetesMinor" doc:"Kubernetes minor version. Must be one that the table of pinned versions has add-ons for."`
	PublicAccessCIDRs  []string             `json:"publicAccessCidrs" rule:"match=cidr maxItems=40" doc:"Who may reach the API server from the internet. Empty: nobody, the endpoint is private."`
	PrivateAccessCIDRs []string             `json:"privateAccessCidrs" rule:"match=cidr maxItems=40" doc:"Who may reach the API server's private endpoint beside nodes and pods: the VPC's own range, networks peered with it or behind a VPN."`
	AdminPrincipalARNs []string             `json:"adminPrincipalArns" rule:"match=principalArn maxItems=20" doc:"IAM roles or users that administer the cluster, beside whoever creates it."`
	LogRetentionDays   int                  `json:"logRetentionDays" rule:"of=logDays" doc:"Days that the logs of control plane, nodes and pods are kept."`
	DeletionProtection bool                 `json:"deletionProtection" doc:"Refuse to delete the cluster until this is turned off."`
	NodeGroups         map[string]NodeGroup `json:"nodeGroups" rule:"keys=nodeGroup" doc:"Managed node groups by name: system and api are required, burst and loadtest optional. Naming any replaces the default set; within a group, what is not said keeps that group's default."`
}

// NodeGroup is a managed node group. The cluster autoscaler owns its size between Min and Max.
type NodeGroup struct {
	InstanceTypes []string          `json:"instanceTypes" rule:"required match=instanceType minItems=1 maxItems=20" doc:"EC2 instance types, all of the same vCPU, memory and architecture; several for spot."`
	CapacityType  string            `json:"capacityType" rule:"one=ON_DEMAND|SPOT" doc:"How the instances are bought."`
	Min           int               `json:"min" rule:"min=0 max=450" doc:"Fewest nodes."`
	Max           int               `json:"max" rule:"min=1 max=450" doc:"Most nodes."`
	Desired       int               `json:"desired" rule:"min=0 max=450" doc:"Nodes at creation; the autoscaler owns it afterwards."`
	DiskGiB       int               `json:"diskGiB" rule:"min=20 max=65536" doc:"Size of the root volume (encrypted gp3), GiB."`
	Labels        map[string]string `json:"labels" rule:"keys=labelKey match=labelValue maxItems=40" doc:"Kubernetes labels of the nodes."`
	Taints        []Taint           `json:"taints" rule:"maxItems=20" doc:"Kubernetes taints of the nodes."`
}

// Taint keeps pods without a matching toleration off a node.
type Taint struct {
	Key    string `json:"key" rule:"required match=labelKey" doc:"Taint key."`
	Value  string `json:"value" rule:"match=labelValue" doc:"Taint value; may be empty."`
	Effect string `json:"effect" rule:"required one=NoSchedule|PreferNoSchedule|NoExecute" doc:"What it does to pods without the toleration."`
}

// API is the RAG API's deployment.
type API struct {
	Image          string    `json:"image" rule:"match=image" doc:"Tag in the stack's own ECR repository, or a full image reference (anything with a slash)."`
	Port           int       `json:"port" rule:"min=1024 max=65535" doc:"Port the API listens on in its pod; 9090 is taken by metrics."`
	ListenerPort   int       `json:"listenerPort" rule:"min=1 max=65535" doc:"Port of the load balancer. 443 needs certificateArn."`
	CertificateARN string    `json:"certificateArn" rule:"match=certificateArn" doc:"ACM certificate of the load balancer, in the stack's region; empty = plain HTTP."`
	Internal       bool      `json:"internal" doc:"Load balancer in the private subnets, reachable from the VPC only."`
	IngressCIDRs   []string  `json:"ingressCidrs" rule:"match=cidr maxItems=40" doc:"Who may reach the load balancer beside the distribution, which reaches an internal one by itself."`
	Auth           Auth      `json:"auth" doc:"Whose tokens the API takes: an issuer and an audience have to be said, or that it asks for none."`
	RateLimit      RateLimit `json:"rateLimit" doc:"How often one user may ask one API pod; without auth one client address. Over n pods a user gets up to n times as much."`
	Requests       Requests  `json:"requests" doc:"What the scheduler reserves for an API pod; the HPA's targets are percent of it."`
	Limits         Limits    `json:"limits" doc:"What an API pod may use at most."`
	Worker         Worker    `json:"worker" doc:"The worker that processes uploads (Deployment agentic-rag-worker)."`
	DrainSeconds   int       `json:"drainSeconds" rule:"min=2 max=600" doc:"How long a stopping pod finishes what it has begun, s."`
	QueryLogDays   int       `json:"queryLogDays" rule:"min=1 max=3650" doc:"Days that searches are remembered: partitions of the query log that daily upkeep keeps."`
	LogLevel       string    `json:"logLevel" rule:"one=debug|info|warn|error" doc:"Least severe message that is logged."`
}

// Worker is the deployment that processes uploads.
type Worker struct {
	Min      int      `json:"min" rule:"min=1 max=200" doc:"Fewest worker pods."`
	Max      int      `json:"max" rule:"min=1 max=200" doc:"Most worker pods."`
	Requests Requests `json:"requests" doc:"What the scheduler reserves for a worker pod."`
	Limits   Limits   `json:"limits" doc:"What a worker pod may use at most."`
}

// Requests are a pod's resource requests.
type Requests struct {
	CPU    CPU    `json:"cpu" doc:"CPU, in cores or thousandths (250m)."`
	Memory Memory `json:"memory" doc:"Memory."`
}

// Limits are a pod's resource limits.
type Limits struct {
	CPU    CPU    `json:"cpu,omitempty" doc:"CPU; absent = no limit, so that a pod may use idle cores."`
	Memory Memory `json:"memory" doc:"Memory; beyond it the pod is killed."`
}

// Database is the RDS PostgreSQL primary and its read replicas.
type Database struct {
	InstanceClass             string `json:"instanceClass" rule:"match=dbClass" doc:"RDS instance class of the primary."`
	Replicas                  int    `json:"replicas" rule:"min=0 max=rds.MostReplicas" doc:"Read replicas. Without them the primary answers the reads too."`
	ReplicaClass              string `json:"replicaClass" rule:"match=dbClassOrNone" doc:"RDS instance class of the replicas; empty = the primary's."`
	EngineVersion             string `json:"engineVersion" rule:"match=postgresVersion" doc:"PostgreSQL version: a major (AWS keeps the minor current in the maintenance window) or a pinned minor."`
	Name                      string `json:"name" rule:"match=sqlName" doc:"Name of the database."`
	Username                  string `json:"username" rule:"match=sqlName" doc:"Master user."`
	StorageGiB                int    `json:"storageGiB" rule:"min=rds.LeastGiB max=rds.MostGiB" doc:"Storage at creation, GiB."`
	MaxStorageGiB             int    `json:"maxStorageGiB" rule:"min=0 max=rds.MostGiB" doc:"Limit of storage autoscaling, GiB; 0 = it does not grow. By default four times storageGiB (local: 0)."`
	StorageType               string `json:"storageType" rule:"one=gp3" doc:"EBS volume type."`
	IOPS                      int    `json:"iops" rule:"min=0 max=rds.MostIOPS" doc:"Provisioned IOPS; 0 = the baseline (3,000; 12,000 from 400 GiB)."`
	ThroughputMBps            int    `json:"throughput" rule:"min=0 max=rds.MostMBps" doc:"Provisioned throughput, MiB/s; 0 = the baseline (125; 500 from 400 GiB)."`
	MultiAZ                   bool   `json:"multiAz" doc:"A standby in another zone takes over when the primary fails."`
	BackupRetentionDays       int    `json:"backupRetentionDays" rule:"min=1 max=rds.MostBackupDays" doc:"Days of point-in-time recovery."`
	BackupWindow              string `json:"backupWindow" rule:"match=backupWindow" doc:"Daily backup, UTC."`
	MaintenanceWindow         string `json:"maintenanceWindow" rule:"match=maintenanceWindow" doc:"Weekly maintenance, UTC."`
	DeletionProtection        bool   `json:"deletionProtection" doc:"Refuse to delete the database until this is turned off; a final snapshot is taken then."`
	Insights                  string `json:"insights" rule:"one=off|standard|advanced" doc:"CloudWatch Database Insights: standard keeps 7 days of load by wait and statement, advanced 15 months (paid for by vCPU)."`
	MonitoringIntervalSeconds int    `json:"monitoringIntervalSeconds" rule:"of=monitoringIntervals" doc:"Interval of enhanced monitoring, s; 0 = off."`

	Rotation   Rotation          `json:"rotation" doc:"Rotation of the master user's password."`
	Parameters map[string]string `json:"parameters" rule:"keys=pgParameter match=parameterValue maxItems=60" doc:"Parameters of PostgreSQL to set otherwise than derived below, on the primary and the replicas, in RDS's units."`
}
