// Package platform declares one stack of the platform.
//
// Owns: which components exist, how one's outputs become another's inputs, the stack's outputs. Does not own: any
// number; those are the stack's configuration and what package stacks derives from it.
package platform

import (
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/autoscaling"
	"github.com/ragscale/ragscale/components/cache"
	"github.com/ragscale/ragscale/components/cdn"
	"github.com/ragscale/ragscale/components/cluster"
	"github.com/ragscale/ragscale/components/database"
	"github.com/ragscale/ragscale/components/loadtest"
	"github.com/ragscale/ragscale/components/network"
	"github.com/ragscale/ragscale/components/observability"
	"github.com/ragscale/ragscale/components/pgbouncer"
	"github.com/ragscale/ragscale/components/ragapi"
	"github.com/ragscale/ragscale/components/vectorstore"
	"github.com/ragscale/ragscale/stacks"
)

// Namespaces of the platform's pods.
const (
	Namespace       = "agentic-rag" // the API, its workers, PgBouncer
	VectorNamespace = "vectorstore"
)

// APIName is the label app.kubernetes.io/name of the API's pods, in Namespace.
const APIName = ragapi.APIName

// WorkerName is that label of the workers' pods, likewise.
const WorkerName = ragapi.WorkerName

// platform is a stack while it is declared: what it is made of so far.
type platform struct {
	ctx     *pulumi.Context
	cfg     *stacks.Config
	secrets stacks.Secrets
	name    string

	global   *aws.Provider // us-east-1, where CloudFront's logs and alarms live; nil without a CDN
	network  *network.Network
	cluster  *cluster.Cluster
	scaling  *autoscaling.Autoscaling
	db       *database.Database
	cache    *cache.Cache
	vectors  *vectorstore.VectorStore
	api      *ragapi.API
	edge     *cdn.CDN // nil when the stack has none
	loads    *loadtest.LoadTest
	observed *observability.Observability
}

// Name is what the names of a stack's resources begin with.
func Name(stack string) string { return "rag-" + stack }

// Declare declares the stack that runs, from the network up to what watches it. It is the program of both mains: infra,
// which `pulumi up` runs, and ragscale, which runs it in the sandbox.
func Declare(ctx *pulumi.Context) error {
	cfg, secrets, err := stacks.Load(ctx)
	if err != nil {
		return err
	}
	p := &platform{ctx: ctx, cfg: cfg, secrets: secrets, name: Name(cfg.Stack)}
	for _, step := range []func() error{p.foundation, p.data, p.serving, p.watching} {
		if err := step(); err != nil {
			return err
		}
	}
	p.export()
	return nil
}

// foundation is where pods run: the network, the cluster, and what scales both nodes and pods.
func (p *platform) foundation() (err error) {
	if p.network, err = network.New(p.ctx, p.name, p.networkArgs()); err != nil {
		return err
	}
	if p.cluster, err = cluster.New(p.ctx, p.name, p.clusterArgs()); err != nil {
		return err
	}
	p.scaling, err = autoscaling.New(p.ctx, p.name, p.autoscalingArgs(), pulumi.Providers(p.cluster.Provider))
	return err
}

// data is what the API keeps and looks up.
func (p *platform) data() (err error) {
	if p.db, err = database.New(p.ctx, p.name, p.databaseArgs()); err != nil {
		return err
	}
	if p.cache, err = cache.New(p.ctx, p.name, p.cacheArgs()); err != nil {
		return err
	}
	p.vectors, err = vectorstore.New(p.ctx, p.name, p.vectorStoreArgs(), pulumi.Providers(p.cluster.Provider))
	return err
}

// edgeAddresses is the prefix list of the addresses from which CloudFront reaches origins. Its id is AWS's own in each
// region.
const edgeAddresses = "com.amazonaws.global.cloudfront.origin-facing"

// serving is the API with its pooler, which stands in the API's namespace, and the edge before it.
func (p *platform) serving() (err error) {
	api := p.apiArgs()
	if api.FromEdge {
		list, err := ec2.LookupManagedPrefixList(p.ctx,
			&ec2.LookupManagedPrefixListArgs{Name: pulumi.StringRef(edgeAddresses)})
		if err != nil {
			return err
		}
		api.EdgePrefixListID = pulumi.String(list.Id)
	}
	if p.api, err = ragapi.New(p.ctx, p.name, api, pulumi.Providers(p.cluster.Provider)); err != nil {
		return err
	}
	if _, err = pgbouncer.New(p.ctx, p.name, p.pgbouncerArgs(), pulumi.Providers(p.cluster.Provider)); err != nil {
		return err
	}
	if !p.cfg.CDN.Enabled {
		return nil
	}
	if p.global, err = p.globalProvider(); err != nil {
		return err
	}
	p.edge, err = cdn.New(p.ctx, p.name, p.cdnArgs())
	return err
}

// watching is what puts load on the stack and what tells how it does.
func (p *platform) watching() error {
	var err error
	if p.loads, err = loadtest.New(p.ctx, p.name, p.loadTestArgs(), pulumi.Providers(p.cluster.Provider)); err != nil {
		return err
	}
	p.observed, err = observability.New(p.ctx, p.name, p.observabilityArgs(), pulumi.Providers(p.cluster.Provider))
	return err
}

// waiting are lines for what the database and the cache do in their maintenance windows, sooner by `ragscale pending
// apply`.
func (p *platform) waiting() pulumi.StringArrayOutput {
	lines := append(pulumi.StringArrayArray{p.cache.Waiting}, p.db.Waiting...)
	joined := func(all [][]string) []string { return slices.Concat(all...) }
	return lines.ToStringArrayArrayOutput().ApplyT(joined).(pulumi.StringArrayOutput)
}

func (p *platform) export() {
	p.ctx.Export("clusterName", p.cluster.Name)
	p.ctx.Export("kubeconfig", p.cluster.Kubeconfig)
	p.ctx.Export("apiUrl", p.api.URL)
	p.ctx.Export("databaseAddress", p.db.Address)
	p.ctx.Export("databasePort", p.db.Port)
	p.ctx.Export("databaseName", p.db.Name)
	p.ctx.Export("databaseSecretArn", p.db.SecretARN)
	p.ctx.Export("cacheAddress", p.cache.PrimaryAddress)
	p.ctx.Export("waiting", p.waiting())
	p.ctx.Export("imageRepository", p.api.RepositoryURL)
	p.ctx.Export("loadResultsBucket", p.loads.ResultsBucket)
	p.ctx.Export("prometheusEndpoint", p.observed.PrometheusEndpoint)
	if p.edge != nil {
		p.ctx.Export("cdnUrl", p.edge.URL)
		p.ctx.Export("cdnDistributionId", p.edge.DistributionID)
		p.ctx.Export("assetsBucket", p.edge.AssetsBucket)
	}
}
