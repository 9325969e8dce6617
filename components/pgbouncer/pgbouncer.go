// Package pgbouncer declares the connection pooler in front of PostgreSQL: many clients' connections become few of the
// servers'.
//
// Owns: the PgBouncer Deployment with its autoscaler and disruption budget, its configuration and user list, the
// Service, and its network policy.
//
// Does not own: the namespace, the databases, the numbers (the caller derives pool sizes from the connection budget),
// the image that has the certificate authorities.
//
// Pooling is by transaction: a client must not rely on a session (LISTEN, advisory locks over several transactions,
// SET). What does connects to the primary directly. Between clients and PgBouncer there is no TLS, within the cluster's
// network and behind the network policy; passwords are proved (SCRAM), never sent. To the servers it is verify-full.
//
// Query cancellation reaches the wrong pod more often than not, since it is a connection of its own and pods do not
// know each other. What ends a forgotten query is its client's disconnection, with the server parameter
// client_connection_check_interval, and statement_timeout.
package pgbouncer

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
)

const typeToken = "ragscale:pgbouncer:PgBouncer"

// Name of every Kubernetes object here: fixed, so that commands, dashboards and other policies can name them.
const Name = "pgbouncer"

const (
	// Port of the Service and the pods.
	Port = 6432
	// MetricsPort of the exporter.
	MetricsPort = 9127
	// ReadOnlySuffix makes the read-only database's name of the other's.
	ReadOnlySuffix = "_ro"
)

// PgBouncer is the declared pooler.
type PgBouncer struct {
	pulumi.ResourceState

	// Host is the Service's name in the cluster, known once pods are ready behind it.
	Host pulumi.StringOutput
	Port pulumi.IntOutput
	// Database leads to the primary, ReadOnlyDatabase to the replicas, or to the primary when there are none.
	Database         pulumi.StringOutput
	ReadOnlyDatabase pulumi.StringOutput
	// Ready is what clients wait for.
	Ready []pulumi.Resource
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx    *pulumi.Context
	name   string
	args   Args
	parent pulumi.ResourceOption
}

// New declares PgBouncer. The Kubernetes provider comes with opts (pulumi.Providers). Faults of args are reported all
// at once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*PgBouncer, error) {
	if err := validate(args); err != nil {
		return nil, err
	}
	p := &PgBouncer{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(p)}
	return component.Declare(ctx, typeToken, name, p, opts, d.declare, (*PgBouncer).outputs)
}

func (p *PgBouncer) outputs() pulumi.Map {
	return pulumi.Map{
		"host":             p.Host,
		"port":             p.Port,
		"database":         p.Database,
		"readOnlyDatabase": p.ReadOnlyDatabase,
	}
}

func (d *declaration) declare(p *PgBouncer) error {
	config, err := d.configMap()
	if err != nil {
		return err
	}
	secret, err := d.secret()
	if err != nil {
		return err
	}
	policy, err := d.networkPolicy()
	if err != nil {
		return err
	}
	deployment, err := d.deployment(podInputs{
		config: config.Metadata.Name().Elem(), secret: secret.Metadata.Name().Elem(), digest: d.digest(),
		// Without its policy a pod starts open to all.
	}, append([]pulumi.Resource{policy}, d.args.DependsOn...))
	if err != nil {
		return err
	}
	// Clients wait for the Service, and the Service for ready pods: so PgBouncer is there before its clients, and goes
	// after them.
	service, err := d.service(deployment)
	if err != nil {
		return err
	}
	d.outputs(p, service)
	return nil
}

// HostIn is the Service's name in a namespace, for whoever must know it before the Service is there.
func HostIn(namespace string) string { return Name + "." + namespace + ".svc.cluster.local" }

func (d *declaration) outputs(p *PgBouncer, service *corev1.Service) {
	p.Host = service.Metadata.Namespace().Elem().ApplyT(HostIn).(pulumi.StringOutput)
	p.Port = pulumi.Int(Port).ToIntOutput()
	p.Database = d.args.Database.Name.ToStringOutput()
	p.ReadOnlyDatabase = pulumi.Sprintf("%s"+ReadOnlySuffix, d.args.Database.Name)
	p.Ready = []pulumi.Resource{service}
}
