package ragapi

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/quantity"
	"github.com/ragscale/ragscale/components/internal/vertical"
)

// Args says what runs and how it is reached. Everything plain is checked before anything is declared.
type Args struct {
	// Namespace that the component makes and fills.
	Namespace string
	// ClusterName of the EKS cluster, for the pods' identity.
	ClusterName pulumi.StringInput
	// Region is given to the pods as AWS_REGION.
	Region string
	// DependsOn is what must stand before any Kubernetes object: nodes, the load balancer controller.
	DependsOn []pulumi.Resource

	// Image is a full reference. When nil, the image is the component's own repository at Tag.
	Image pulumi.StringInput
	Tag   string

	// Port serves the API; MetricsPort serves metrics and profiles, and is never behind the load balancer.
	Port        int
	MetricsPort int
	// Requests and Limits of an API pod. A memory limit is required; a CPU limit is not: it throttles bursts.
	Requests, Limits Resources
	HPA              HPA
	// PoolSize is how many database connections each API pod may hold.
	PoolSize int
	// ReadPoolSize is the same for the pooler's read-only database. 0 is the image's default.
	ReadPoolSize int
	Worker       Worker
	// SurgePercent is how many pods above its replicas a rolling update may start: 1 to 100. The database's connection
	// budget counts on it.
	SurgePercent int
	// DrainSeconds is how long a stopping pod may take to finish its requests: 2 to 600.
	DrainSeconds int
	// Auth says whose tokens are good; nil lets everybody do everything.
	Auth *Auth
	// RateLimit of one caller at one pod.
	RateLimit RateLimit
	// LogLevel is debug, info, warn or error.
	LogLevel string
	// VerticalAutoscaling of both Deployments. It needs the VPA's CRD in the cluster.
	VerticalAutoscaling struct{ API, Worker VerticalAutoscaling }
	// NodeSelector restricts pods to nodes with these labels.
	NodeSelector map[string]string
	// PriorityClassName of the pods; empty is the cluster's default.
	PriorityClassName string
	// Policies are what pods may do in AWS: IAM policy documents by name.
	Policies map[string]pulumi.StringInput
	// MetricsNamespaces may scrape MetricsPort.
	MetricsNamespaces []string
	// ScraperCIDRs may too: where the network interfaces of a scraper outside the cluster are.
	ScraperCIDRs []string

	Database Database
	// QueryLogRetentionDays is how long searches are remembered: up to 3650. 0 is the image's default, 30.
	QueryLogRetentionDays int
	// Report is what the daily inspection of the database judges by.
	Report ReportLimits
	// Cache of answers; nil for none.
	Cache *Cache
	// VectorStore for searches by meaning; nil for full-text search alone.
	VectorStore *VectorStore

	VPCID pulumi.StringInput
	// VPCCIDR is where the load balancer's and the database's addresses are.
	VPCCIDR string
	// Subnets of the load balancer: public ones, or private ones when Internal. Two or more zones.
	Subnets pulumi.StringArray
	// NodeSecurityGroupID is the group of the nodes, and so of the pods.
	NodeSecurityGroupID pulumi.StringInput
	Internal            bool
	ListenerPort        int
	// CertificateARN makes the listener HTTPS. It is plain because it decides which listeners exist.
	CertificateARN string
	// IngressCIDRs may reach the listener.
	IngressCIDRs []string
	// FromEdge lets CloudFront in, which reaches an internal load balancer by a VPC origin: from its origin-facing
	// addresses. EdgePrefixListID is their managed prefix list, com.amazonaws.global.cloudfront.origin-facing.
	FromEdge         bool
	EdgePrefixListID pulumi.StringInput
	// FromNodes lets the cluster's pods in: load generators come to an internal load balancer by its own name.
	FromNodes bool
	// DeletionProtection protects the load balancer's address and the images.
	DeletionProtection bool

	Tags map[string]string
}

// Resources are Kubernetes quantities: CPU "250m", Memory "512Mi". Empty leaves one out.
type Resources = quantity.Resources

// VerticalAutoscaling is a VerticalPodAutoscaler: its Mode (Off, Initial, InPlaceOrRecreate), the Resources that it
// looks at, and their bounds Min and Max. The zero value declares none.
type VerticalAutoscaling = vertical.Autoscaling

// HPA bounds and aims a horizontal autoscaler. Percentages are of the pods' requests.
type HPA struct {
	Min, Max      int
	CPUPercent    int
	MemoryPercent int // 0 leaves memory out
	ScaleDown     ScaleDown
}

// ScaleDown limits how fast replicas go. Zero values take the defaults.
type ScaleDown struct {
	// StabilizationSeconds of low load before the first replica goes. 0 leaves it to the cluster (EKS: 300).
	StabilizationSeconds int
	// Percent of the replicas that may go in each period. 0 is 25.
	Percent int
	// PeriodSeconds is at most 1800. 0 is 60.
	PeriodSeconds int
}

// Worker is the Deployment that processes uploads.
type Worker struct {
	Requests, Limits Resources
	HPA              HPA
	// PoolSize is how many database connections each worker pod may hold: 3 or more. All but two have a job each.
	PoolSize int
}

// Database is where the API keeps its documents: the primary itself.
type Database struct {
	Host     pulumi.StringInput
	Port     pulumi.IntInput
	Name     pulumi.StringInput
	User     pulumi.StringInput
	Password pulumi.StringInput // made secret here
	// CAFile in the image has the certificates that the server's must descend from. Empty is RDS's global bundle.
	CAFile string
	// Pooler takes the API's requests; nil for connections to the primary. Migrations, workers and upkeep need sessions of
	// their own and always connect to the primary.
	Pooler *Pooler
}

// ReportLimits are from when on the daily inspection finds fault with the database.
type ReportLimits struct {
	SlowStatementMillis   int // mean time of a statement, ms: 1 to 3600000
	LongTransactionMillis int // age of a transaction, ms: 1000 to 86400000
	ReplicaLagMillis      int // between a commit and its replay, ms: 1 to 3600000
	Replicas              int // that should stream: 0 to 15
}

// Pooler is PgBouncer in transaction mode, in this component's namespace. It knows the user under the same password.
type Pooler struct {
	Host pulumi.StringInput
	Port pulumi.IntInput
	// Database of the pooler that leads to the primary.
	Database pulumi.StringInput
	// ReadOnlyDatabase leads to the replicas; nil to read from the primary.
	ReadOnlyDatabase pulumi.StringInput
}

// Cache is a Redis that speaks TLS, with a certificate of a public authority.
type Cache struct {
	Host     pulumi.StringInput
	Port     pulumi.IntInput
	Username pulumi.StringInput
	Password pulumi.StringInput // made secret here
}

// VectorStore is Chroma.
type VectorStore struct {
	URL pulumi.StringInput // http://host:port
	// Namespace and Port are where its pods answer, for the network policy.
	Namespace pulumi.StringInput
	Port      pulumi.IntInput
}

// rdsBundle is where the image has AWS's certificate bundle.
const rdsBundle = "/etc/ssl/rds/global-bundle.pem"

func (d Database) caFile() string {
	if d.CAFile == "" {
		return rdsBundle
	}
	return d.CAFile
}
