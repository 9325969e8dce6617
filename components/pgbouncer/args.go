package pgbouncer

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/quantity"
	"github.com/ragscale/ragscale/components/internal/vertical"
)

// Args says what runs and for whom. Everything plain is checked before anything is declared.
type Args struct {
	// Namespace that exists. Its pods may be held to the restricted pod security standard.
	Namespace pulumi.StringInput
	// DependsOn is what must stand before the pods: nodes, and the VPA's CRD with VerticalAutoscaling.
	DependsOn []pulumi.Resource

	// Image has `pgbouncer` on its PATH, 1.25.2 or newer. 1.24 knows every setting here too, but compares a certificate
	// with the whole list of replicas, and so refuses more than one (https://github.com/pgbouncer/pgbouncer/issues/1300 ;
	// seen with 1.24.1). A full reference with a tag or digest.
	Image string
	CA    CA
	// ExporterImage of prometheus-community's pgbouncer_exporter, whose metrics show waiting clients. Empty leaves it out.
	ExporterImage string

	Database Database
	Pools    Pools
	// QueryWaitSeconds is how long a query may wait for a connection to a server before its client is disconnected: 2 to
	// 600. Half of it may go into making one.
	QueryWaitSeconds int

	// Requests and Limits of PgBouncer's container. It runs on one core: a CPU request above 1 is for nothing. The memory
	// limit must hold Pools.
	Requests, Limits Resources
	HPA              HPA
	// DrainSeconds is how long a stopping pod waits for its clients to leave: 1 to 300. Clients that replace their
	// connections within that time (pgxpool: MaxConnLifetime with its jitter) lose no query when pods are replaced, and
	// find pods that were added. A login takes 4 ms of PgBouncer's core (1.24.1, measured 2026-11-24): at 400 connections
	// of 60 s, 3 % of it.
	// A roll-out waits as long between two pods: beside the replicas there is then at most one starting and one stopping
	// pod, and the connection budget need hold no more than HPA.Max + 2 pools.
	DrainSeconds int
	// VerticalAutoscaling needs the VPA's CRD in the cluster.
	VerticalAutoscaling VerticalAutoscaling
	// NodeSelector restricts pods to nodes with these labels.
	NodeSelector map[string]string
	// PriorityClassName of the pods; empty is the cluster's default. It should be no lower than that of the clients.
	PriorityClassName string

	// Clients may connect.
	Clients []Client
	// MetricsNamespaces may scrape MetricsPort.
	MetricsNamespaces []string
	// ScraperCIDRs may too: where the network interfaces of a scraper outside the cluster are.
	ScraperCIDRs []string
	// VPCCIDR is where the servers' addresses are.
	VPCCIDR string
}

// CA is where a pod gets the certificate authorities from that the servers' certificates must descend from. PgBouncer's
// image has none of RDS's; an image that has them puts them into the pod before PgBouncer starts.
type CA struct {
	// Image has the bundle: the API's own.
	Image pulumi.StringInput
	// Args of Image that copy its bundle to the path which is appended to them: "ca-bundle", "--to".
	Args []string
}

// Database is what PgBouncer connects to, as the same user as its clients connect to it.
type Database struct {
	// Host of the primary. Certificates are checked against it.
	Host pulumi.StringInput
	// ReplicaHosts share the read-only connections. Without any, those lead to the primary too.
	ReplicaHosts pulumi.StringArray
	Port         pulumi.IntInput // of all of them
	Name         pulumi.StringInput
	User         pulumi.StringInput
	Password     pulumi.StringInput // made secret here
}

// Pools are sizes of each pod.
type Pools struct {
	// ReadWrite and ReadOnly are connections to the primary, and to all replicas together.
	ReadWrite, ReadOnly int
	// MaxClientConnections are taken, more are refused.
	MaxClientConnections int
}

// Resources are Kubernetes quantities: CPU "250m", Memory "64Mi". Empty leaves one out.
type Resources = quantity.Resources

// VerticalAutoscaling is a VerticalPodAutoscaler: its Mode (Off, Initial, InPlaceOrRecreate), the Resources that it
// looks at, and their bounds Min and Max. The zero value declares none.
type VerticalAutoscaling = vertical.Autoscaling

// HPA bounds and aims the horizontal autoscaler.
type HPA struct {
	// Min is 2 or more: one pod is a single point of failure for every request.
	Min, Max int
	// CPUPercent of the request.
	CPUPercent int
	// StabilizationSeconds of low load before the first replica goes. 0 leaves it to the cluster (EKS: 300).
	StabilizationSeconds int
}

// Client is who may connect.
type Client struct {
	Namespace string
	// Name is the pods' label app.kubernetes.io/name. Empty is every pod of the namespace.
	Name string
}
