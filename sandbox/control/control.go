// Package control is the sandbox's control API: JSON over HTTP on the Unix socket .sandbox/run/control.sock.
//
// The provider plugins and the CLI are its clients, the daemon serves it. PUT creates or changes, waits until the
// thing works, and is idempotent; DELETE waits until it is gone and is fine with what is not there.
// Unix sockets with a path cross network namespaces: the plugins run on the host, the daemon in the namespace.
package control

import "time"

// Kinds, as they appear in the URL: /v1/<kind>/<id>, the id path-escaped (ARNs contain slashes).
const (
	KindCluster      = "clusters"      // id: EKS cluster name; Cluster -> ClusterInfo
	KindNodeGroup    = "nodegroups"    // id: node group name; NodeGroup -> NodeGroupInfo
	KindAddon        = "addons"        // id: add-on name; Addon -> nothing
	KindDatabase     = "databases"     // id: DB instance identifier; Database -> DatabaseInfo
	KindCache        = "caches"        // id: replication group id; Cache -> CacheInfo
	KindLoadBalancer = "loadbalancers" // id: ARN; LoadBalancer -> nothing
	KindTargetGroup  = "targetgroups"  // id: ARN; TargetGroup -> nothing
	KindListener     = "listeners"     // id: ARN; Listener -> nothing
	KindBucket       = "buckets"       // id: name; Bucket -> nothing
	KindWorkspace    = "workspaces"    // id: of Managed Prometheus; Workspace -> nothing
)

// Cluster asks for the local control plane. One cluster per sandbox: a second name is refused with StatusConflict.
// Deleting it stops the control plane and wipes its etcd.
type Cluster struct {
	Version       string        `json:"version"`       // Kubernetes minor as declared, "1.36"
	AccessEntries []AccessEntry `json:"accessEntries"` // who may log in with an EKS token
}

// AccessEntry maps an IAM principal to Kubernetes groups, as an EKS access entry does.
type AccessEntry struct {
	PrincipalARN string   `json:"principalArn"`
	Username     string   `json:"username"`
	Groups       []string `json:"groups"`
}

// ClusterInfo is what aws:eks/cluster outputs need.
type ClusterInfo struct {
	Endpoint string `json:"endpoint"` // https://127.77.x.y:6443
	CAPEM    string `json:"caPem"`
	Version  string `json:"version"` // of the control plane that runs: "v1.37.2"
}

// NodeGroup asks for DesiredSize nodes. Capacity is the instance type's.
type NodeGroup struct {
	Cluster      string            `json:"cluster"`
	InstanceType string            `json:"instanceType"`
	CPUMilli     int64             `json:"cpuMilli"`    // allocatable vCPU × 1000
	MemoryBytes  int64             `json:"memoryBytes"` // allocatable
	MaxPods      int64             `json:"maxPods"`
	Zones        []string          `json:"zones"`        // nodes are spread over these, in order
	CapacityType string            `json:"capacityType"` // ON_DEMAND or SPOT
	Labels       map[string]string `json:"labels"`
	Taints       []Taint           `json:"taints"`
	DesiredSize  int               `json:"desiredSize"`
}

// Taint is a Kubernetes taint with the Kubernetes effect (NoSchedule, PreferNoSchedule, NoExecute).
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

// NodeGroupInfo names the nodes that were registered.
type NodeGroupInfo struct {
	Nodes []string `json:"nodes"`
}

// Addon is an EKS add-on. metrics-server is run; coredns, kube-proxy and vpc-cni are the sandbox's own network and
// always on; of amazon-cloudwatch-observability what it does to other pods happens; any other is recorded and has no
// process here.
type Addon struct {
	Cluster     string       `json:"cluster"`
	Version     string       `json:"version"`
	AutoMonitor *AutoMonitor `json:"autoMonitor,omitempty"` // of amazon-cloudwatch-observability; nil touches no pod
}

// AutoMonitor says which workloads get language agents injected: those that a Service of their namespace selects, but for
// what is excluded.
type AutoMonitor struct {
	Languages []string            `json:"languages"` // java, nodejs, python, dotnet
	Exclude   map[string][]string `json:"exclude"`   // language -> namespaces, and workloads as "namespace/name"
}

// Database asks for a PostgreSQL primary, or for a streaming replica of one. A changed parameter is applied to the
// running engine (reload, or restart where PostgreSQL says it is pending); identity and data stay.
type Database struct {
	Engine        string            `json:"engine"`             // postgres
	EngineVersion string            `json:"engineVersion"`      // as declared, "17.6"
	SourceID      string            `json:"sourceId,omitempty"` // id of the primary that it copies, in the same sandbox; "" is a primary
	DBName        string            `json:"dbName"`             // of a replica "", as are Username and Password: it has the source's
	Username      string            `json:"username"`
	Password      string            `json:"password"`
	Port          int               `json:"port"`
	Parameters    map[string]string `json:"parameters"`  // RDS names and units, already evaluated (no formulas)
	MemoryBytes   int64             `json:"memoryBytes"` // of the instance class
	StorageGiB    int               `json:"storageGiB"`
	Hostname      string            `json:"hostname"` // the endpoint's DNS name, resolvable in the namespace
}

// DatabaseInfo is what aws:rds/instance outputs need.
type DatabaseInfo struct {
	Address       string `json:"address"` // Hostname
	Port          int    `json:"port"`
	EngineVersion string `json:"engineVersion"` // of the engine that runs: "17.12"
	HostURL       string `json:"hostUrl"`       // postgres://… reachable from the host; contains the password; "" for a replica
}

// Cache asks for an ElastiCache replication group with cluster mode disabled: a primary and its replicas. Changed
// parameters and users are applied to the running engine, with a restart only where it cannot change them running.
type Cache struct {
	Engine        string            `json:"engine"`        // redis or valkey
	EngineVersion string            `json:"engineVersion"` // as declared, "7.1"
	Nodes         int               `json:"nodes"`         // the primary and its replicas
	Port          int               `json:"port"`
	TLS           bool              `json:"tls"`
	Parameters    map[string]string `json:"parameters"`  // ElastiCache names and units
	MemoryBytes   int64             `json:"memoryBytes"` // of the node type: maxmemory before any is reserved
	Users         []CacheUser       `json:"users"`       // with none, whoever connects may do what ElastiCache lets clients do
	PrimaryHost   string            `json:"primaryHost"` // endpoints' DNS names, resolvable in the namespace
	ReaderHost    string            `json:"readerHost"`
}

// CacheUser is a user of an ElastiCache user group. One with neither password nor NoPassword (IAM) cannot log in.
type CacheUser struct {
	Name           string   `json:"name"`
	Access         string   `json:"access"`         // access string: "on ~app:* +@read"
	PasswordHashes []string `json:"passwordHashes"` // SHA-256, lower case hexadecimal
	NoPassword     bool     `json:"noPassword"`     // every password is taken, and none
}

// CacheInfo is what aws:elasticache/replicationGroup outputs need.
type CacheInfo struct {
	Members       []string `json:"members"`       // node ids, the primary first: "rag-001"
	EngineVersion string   `json:"engineVersion"` // that the engine which runs tells clients
}

// LoadBalancer is an application load balancer.
type LoadBalancer struct {
	Name     string `json:"name"`
	Scheme   string `json:"scheme"`   // internal or internet-facing
	Hostname string `json:"hostname"` // what it is called inside; the host reaches it at Status.Listeners
}

// TargetGroup is a target group with target type ip. Pods are bound to it by TargetGroupBinding objects
// (elbv2.k8s.aws/v1beta1) whose spec.targetGroupARN is its id.
type TargetGroup struct {
	Name                string        `json:"name"`
	Port                int           `json:"port"`
	Algorithm           string        `json:"algorithm"` // round_robin or least_outstanding_requests
	DeregistrationDelay time.Duration `json:"deregistrationDelay"`
	HealthPath          string        `json:"healthPath"`
	HealthInterval      time.Duration `json:"healthInterval"`
	HealthTimeout       time.Duration `json:"healthTimeout"`
	HealthyThreshold    int           `json:"healthyThreshold"`
	UnhealthyThreshold  int           `json:"unhealthyThreshold"`
}

// Listener forwards a port of a load balancer to a target group. HTTP only: a sandbox has no public certificate.
type Listener struct {
	LoadBalancerARN string `json:"loadBalancerArn"`
	Port            int    `json:"port"`
	Protocol        string `json:"protocol"`
	TargetGroupARN  string `json:"targetGroupArn"`
}

// Bucket is an S3 bucket. How it is configured is read where it is declared, in the inventory.
type Bucket struct {
	Region       string `json:"region"`
	ForceDestroy bool   `json:"forceDestroy"` // it may be deleted with what is in it; else StatusConflict
}

// Workspace asks for a workspace of Managed Prometheus: storage, what is collected into it, its rules and its alert
// manager. What does not parse is refused, and what was declared before goes on.
type Workspace struct {
	Region  string            `json:"region"`
	Cluster string            `json:"cluster"` // that its scrapers read, "" without scrapers
	Scrapes map[string]string `json:"scrapes"` // Prometheus' configuration of each scraper, by scraper id
	Rules   map[string]string `json:"rules"`   // rule groups, by the name of their namespace
	// AlertManager is the definition as AWS takes it: Alertmanager's configuration as a text within a YAML document; "" for
	// none.
	AlertManager string `json:"alertManager"`
}

// Status is GET /v1/status.
type Status struct {
	PID       int              `json:"pid"` // of the sandbox's outermost process, on the host
	StartedAt time.Time        `json:"startedAt"`
	HostIP    string           `json:"hostIp"`
	Cluster   string           `json:"cluster"` // "" when none is declared
	Databases []DatabaseStatus `json:"databases"`
	Caches    []CacheStatus    `json:"caches"`
	Listeners []string         `json:"listeners"` // host:port of every load balancer listener the host can reach
	Processes []Process        `json:"processes"` // supervised engines, not pods
	RSSBytes  int64            `json:"rssBytes"`  // of every process in the namespace, pods included
}

// DatabaseStatus is one declared database.
type DatabaseStatus struct {
	ID         string  `json:"id"`
	HostURL    string  `json:"hostUrl"` // "" for a replica
	Healthy    bool    `json:"healthy"`
	Problem    string  `json:"problem,omitempty"`    // why it is not healthy, or what waits for something
	SourceID   string  `json:"sourceId,omitempty"`   // of a replica
	LagSeconds float64 `json:"lagSeconds,omitempty"` // of a replica: age of the last change it applied, 0 when it has applied all it got
}

// CacheStatus is one node of a cache.
type CacheStatus struct {
	ID          string `json:"id"`          // "rag-001"
	Role        string `json:"role"`        // primary or replica
	Healthy     bool   `json:"healthy"`     // it answers, and a replica is linked to its primary
	UsedBytes   int64  `json:"usedBytes"`   // by data and clients, as the engine counts
	MemoryBytes int64  `json:"memoryBytes"` // maxmemory
}

// Process is a supervised process.
type Process struct {
	Name     string    `json:"name"`
	PID      int       `json:"pid"`   // inside the namespace
	State    string    `json:"state"` // running, restarting, stopped
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since"`
	RSSBytes int64     `json:"rssBytes"`
	LastExit string    `json:"lastExit,omitempty"`
}

// Error is the body of every answer that is not 2xx: one sentence that names the thing, the fact and what was wanted.
type Error struct {
	Message string `json:"message"`
}
