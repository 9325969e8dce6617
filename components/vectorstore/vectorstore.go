// Package vectorstore declares the platform's vector store: one Chroma server with a persistent volume, and its
// snapshots.
//
// Owns: the namespace and its network policies, the storage class, the volumes of data and snapshots, the server with
// its Services, disruption budget and vertical autoscaler, and the jobs that save and restore snapshots.
//
// Does not own: the cluster and its EBS driver, collections and what is in them (the API makes and fills them), and the
// documents that vectors are computed from: those are in the database, from which a lost vector store can be rebuilt.
//
// Chroma's server is a single node: two of them on one volume corrupt it, and two volumes are two stores. So there is
// no number of replicas to set and no horizontal autoscaler; it grows by memory and by its volume.
package vectorstore

import (
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/quantity"
	"github.com/ragscale/ragscale/components/internal/vertical"
)

const typeToken = "ragscale:vectorstore:VectorStore"

// Names of the Kubernetes objects. They are fixed, so that commands and dashboards can name them.
const (
	ServerName   = "chroma"
	SnapshotName = "chroma-snapshot"
	RestoreName  = "chroma-restore"
)

// port is Chroma's own.
const port = 8000

// Args says what the vector store is. Everything plain is checked before anything is declared.
type Args struct {
	// Namespace that the component makes and fills.
	Namespace string
	// DependsOn is what must stand before any Kubernetes object: nodes, the EBS driver, the VPA's CRD.
	DependsOn []pulumi.Resource

	// Image of Chroma's server, 1.0 or later, with a tag: "chromadb/chroma:1.3.4".
	Image string
	// StorageGiB of the volume: 1 to 16384. It grows in place, at most once in six hours, and never shrinks.
	StorageGiB int
	// Requests and Limits of the server. A memory limit is required: the index of a collection in use is in memory whole
	// (100,000 vectors of 384 dimensions: 356 MB, 9.3 bytes per dimension; 2026-11). A CPU limit is not: it throttles
	// bursts.
	Requests, Limits Resources
	// Clients may connect.
	Clients []Client

	Snapshot Snapshot

	// VerticalAutoscaling needs the VPA's CRD in the cluster.
	VerticalAutoscaling VerticalAutoscaling
	// NodeSelector restricts pods to nodes with these labels.
	NodeSelector map[string]string
	// PriorityClassName of the server; empty is the cluster's default.
	PriorityClassName string
	// DeletionProtection protects the volumes in Pulumi, and keeps them in AWS when their claims go.
	DeletionProtection bool

	// Tags of the volumes.
	Tags map[string]string
}

// Resources are Kubernetes quantities: CPU "250m", Memory "512Mi". Empty leaves one out.
type Resources = quantity.Resources

// VerticalAutoscaling is a VerticalPodAutoscaler: its Mode (Off, Initial, InPlaceOrRecreate), the Resources that it
// looks at, and their bounds Min and Max. The zero value declares none.
type VerticalAutoscaling = vertical.Autoscaling

// Client is a set of pods.
type Client struct {
	Namespace string
	// Pods are values of the label app.kubernetes.io/name: one or more.
	Pods []string
}

// Snapshot says how the store is saved. A snapshot has every record that existed all the while it was taken; one that
// came or went meanwhile may be in it or not.
type Snapshot struct {
	// Schedule in UTC, five fields as in "30 2 * * *", or a descriptor such as @daily. Empty takes no snapshots, and
	// the fields below are not read.
	Schedule string
	// Keep is how many snapshots are kept: 1 to 365. The oldest goes only after a new one is whole.
	Keep int
	// StorageGiB of the volume of snapshots: room for Keep and one more. A vector takes about 5 bytes per dimension
	// (compressed JSON, random vectors of 384 dimensions: 4.5; 2026-11-23).
	StorageGiB int
	// Image with Node.js 20 or later as node, with a tag: "public.ecr.aws/docker/library/node:24.11.1-slim". No package is
	// used.
	Image string
}

// VectorStore is the declared store.
type VectorStore struct {
	pulumi.ResourceState

	// URL is where clients in the cluster reach Chroma's API: scheme, host and port.
	URL  pulumi.StringOutput
	Host pulumi.StringOutput
	Port pulumi.IntOutput
	// Namespace and StatefulSetName are for dashboards and alarms.
	Namespace       pulumi.StringOutput
	StatefulSetName pulumi.StringOutput
	// Ready is what a client waits for: the server answers.
	Ready []pulumi.Resource
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx       *pulumi.Context
	name      string
	args      Args
	parent    pulumi.ResourceOption
	namespace pulumi.StringOutput // known once the namespace exists, so that data flow orders what is in it
}

// New declares the vector store. The Kubernetes provider comes with opts (pulumi.Providers). Faults of args are
// reported all at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*VectorStore, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	store := &VectorStore{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(store)}
	return component.Declare(ctx, typeToken, name, store, opts, d.declare, (*VectorStore).outputs)
}

func (store *VectorStore) outputs() pulumi.Map {
	return pulumi.Map{
		"url":             store.URL,
		"host":            store.Host,
		"port":            store.Port,
		"namespace":       store.Namespace,
		"statefulSetName": store.StatefulSetName,
	}
}

func (d *declaration) declare(store *VectorStore) error {
	namespace, err := d.newNamespace()
	if err != nil {
		return err
	}
	d.namespace = namespace.Metadata.Name().Elem()
	policies, err := d.networkPolicies()
	if err != nil {
		return err
	}
	class, err := d.storageClass()
	if err != nil {
		return err
	}
	service, err := d.services()
	if err != nil {
		return err
	}
	server, err := d.server(class, policies)
	if err != nil {
		return err
	}
	if err := d.disruptionBudget(); err != nil {
		return err
	}
	if err := d.verticalAutoscaler(server.Metadata.Name().Elem()); err != nil {
		return err
	}
	if d.args.Snapshot.Schedule != "" {
		if err := d.snapshots(class, service, policies); err != nil {
			return err
		}
	}
	d.outputs(store, service, server)
	return nil
}

func (d *declaration) outputs(store *VectorStore, service *corev1.Service, server *appsv1.StatefulSet) {
	store.Namespace, store.StatefulSetName = d.namespace, server.Metadata.Name().Elem()
	store.Host, store.Port, store.URL = d.host(service), pulumi.Int(port).ToIntOutput(), d.url(service)
	store.Ready = []pulumi.Resource{server, service}
}

func (d *declaration) host(service *corev1.Service) pulumi.StringOutput {
	return pulumi.Sprintf("%s.%s.svc.cluster.local", service.Metadata.Name().Elem(), d.namespace)
}

func (d *declaration) url(service *corev1.Service) pulumi.StringOutput {
	return pulumi.Sprintf("http://%s:%d", d.host(service), port)
}
