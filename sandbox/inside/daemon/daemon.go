// Package daemon is the inside of a sandbox: it runs the control plane, the nodes, the databases and the load
// balancers that are declared through the control API.
//
// Owns: the control API's managers, the processes' supervision, what is kept over a restart, addresses, the
// webhooks, the ports offered to the host. Does not own: the namespace it lives in (namespace), pods (nodeagent),
// services and load balancers (servicenet), PostgreSQL (postgres), caches' engines (redis), Managed Prometheus (prometheus).
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/inside/postgres"
	"github.com/ragscale/ragscale/sandbox/inside/prometheus"
	"github.com/ragscale/ragscale/sandbox/inside/redis"
	"github.com/ragscale/ragscale/sandbox/inside/s3"
	"github.com/ragscale/ragscale/sandbox/inside/servicenet"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
	"github.com/ragscale/ragscale/sandbox/inside/topics"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	// databaseStop bounds PostgreSQL's fast shutdown, a checkpoint included.
	databaseStop = 20 * time.Second
)

// First addresses given; the ones below are for the sandbox itself.
var (
	firstNode  = netip.MustParseAddr("10.77.0.10")
	firstCloud = netip.MustParseAddr("10.78.0.10")
)

// Config of Run.
type Config struct {
	Layout  layout.Layout
	Images  string               // JSON file of the image table, "" for none
	Keeper  int                  // pid of the sandbox's outermost process, on the host
	Offered map[int]net.Listener // ports that the host can reach, see package layout
	Account awsapi.Account       // what AWS's APIs describe
	Log     *slog.Logger
}

type daemon struct {
	layout  layout.Layout
	images  string
	keeper  int
	began   time.Time
	log     *slog.Logger
	offers  map[int]*offer
	account awsapi.Account
	keys    ekstoken.Credentials
	aws     *awsapi.Server
	s3      *s3.Server
	pods    *podIdentity
	webhook *tokenWebhook
	agents  *agentWebhook

	programs     *supervise.Programs
	engines      *postgres.Server
	cacheEngines *redis.Server
	metrics      *prometheus.Server
	topics       *topics.Service
	net          *servicenet.Network
	cloud        *addressBook // of databases, caches and load balancers

	cluster   *cluster
	groups    *nodeGroups
	databases *databases
	caches    *caches
	listeners *balancing
}

// Run makes the sandbox work as it was declared before, then serves the control API until ctx ends. It returns when
// everything it started is dead.
func Run(ctx context.Context, cfg Config) error {
	d, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer d.close()
	kinds := d.managers()
	managers := map[string]control.Manager{}
	for _, r := range kinds {
		managers[r.kind] = r
	}
	// What cannot be resumed is said and left: the next declaration of it repairs it.
	if err := resume(ctx, kinds); err != nil {
		d.log.Error("not everything declared before could be resumed", "error", err)
	}
	return d.serve(ctx, control.NewServer(managers, d.status))
}

func open(ctx context.Context, cfg Config) (*daemon, error) {
	l := cfg.Layout
	if _, err := pki.Cluster(l, "https://"+webhookAddress+webhookPath); err != nil {
		return nil, err
	}
	creds, err := ekstoken.Create(l)
	if err != nil {
		return nil, err
	}
	d := &daemon{
		layout: l, images: cfg.Images, keeper: cfg.Keeper, began: time.Now(), log: cfg.Log,
		offers: map[int]*offer{}, webhook: newTokenWebhook(creds.Lookup), agents: &agentWebhook{}, programs: supervise.NewPrograms(l.Log(), cfg.Log),
	}
	for port, listener := range cfg.Offered {
		d.offers[port] = newOffer(listener, cfg.Log)
	}
	pair := pki.Pair{Cert: filepath.Join(l.PKI(), pki.Webhook+".crt"), Key: filepath.Join(l.PKI(), pki.Webhook+".key")}
	d.account, d.keys = cfg.Account, creds
	d.pods = newPodIdentity(d)
	if err := d.listen(ctx, pair); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	if err := d.publish(ctx); err != nil {
		return nil, fmt.Errorf("topics: %w", err)
	}
	if err := d.openMetrics(creds); err != nil {
		return nil, fmt.Errorf("managed Prometheus: %w", err)
	}
	if err := d.openParts(); err != nil {
		return nil, err
	}
	return d, d.openAWS(ctx)
}

func (d *daemon) openParts() (err error) {
	if d.cloud, err = openAddressBook(filepath.Join(d.layout.State(), "cloud-addresses.json"), layout.CloudCIDR, firstCloud); err != nil {
		return err
	}
	nodes, err := openAddressBook(filepath.Join(d.layout.State(), "node-addresses.json"), layout.NodeCIDR, firstNode)
	if err != nil {
		return err
	}
	d.cluster = &cluster{d: d}
	d.groups = &nodeGroups{d: d, addresses: nodes, groups: map[string]control.NodeGroup{}}
	d.databases = &databases{d: d, seen: map[string]endpoint{}}
	d.listeners = &balancing{d: d, ports: map[string]int{}}
	d.engines = postgres.New(postgres.Config{
		Root:     d.layout.Root(),
		StateDir: filepath.Join(d.layout.State(), "databases"),
		LogDir:   d.layout.Log(),
		HostAddr: d.layout.HostAddr(layout.PortDatabase),
		CAFile:   d.layout.CA(),
		Issue:    pki.Issuer(d.layout),
		Log:      logLines{d.log.With("part", "databases")},
	})
	d.caches = &caches{d: d, seen: map[string]control.Cache{}}
	d.cacheEngines = redis.New(redis.Config{
		Root:     d.layout.Root(),
		StateDir: filepath.Join(d.layout.State(), "caches"),
		LogDir:   d.layout.Log(),
		CAFile:   d.layout.CA(),
		Issue:    pki.Issuer(d.layout),
		Log:      logLines{d.log.With("part", "caches")},
	})
	d.net, err = servicenet.New(servicenet.Config{Log: d.log.With("part", "service network"), DNS: layout.DNS, Listen: d.claimOffer})
	return err
}

// claimOffer gives the service network the host's side of port, if it is the load balancers'.
func (d *daemon) claimOffer(port int) (net.Listener, bool) {
	if port != layout.PortLoadBalancer {
		return nil, false
	}
	return d.offers[port].claim()
}

// managers lists the kinds in the order in which they can be resumed.
func (d *daemon) managers() []recorded {
	store := declaredStore{dir: filepath.Join(d.layout.State(), "declared")}
	add, balance, workspaces := &addons{d: d}, d.listeners, &workspaces{d: d}
	keep := func(kind string, m control.Manager) recorded { return recorded{kind: kind, store: store, inner: m} }
	databases := keep(control.KindDatabase, typed[control.Database]{control.KindDatabase, d.databases.put, d.databases.remove})
	databases.order = sourcesFirst
	return []recorded{
		databases,
		keep(control.KindCache, typed[control.Cache]{control.KindCache, d.caches.put, d.caches.remove}),
		keep(control.KindTargetGroup, typed[control.TargetGroup]{control.KindTargetGroup, balance.putTargetGroup, balance.removeTargetGroup}),
		keep(control.KindLoadBalancer, typed[control.LoadBalancer]{control.KindLoadBalancer, balance.putLoadBalancer, balance.removeLoadBalancer}),
		keep(control.KindListener, typed[control.Listener]{control.KindListener, balance.putListener, balance.removeListener}),
		keep(control.KindBucket, typed[control.Bucket]{control.KindBucket, d.putBucket, d.removeBucket}),
		keep(control.KindCluster, typed[control.Cluster]{control.KindCluster, d.cluster.put, d.cluster.remove}),
		keep(control.KindAddon, typed[control.Addon]{control.KindAddon, add.put, add.remove}),
		keep(control.KindNodeGroup, typed[control.NodeGroup]{control.KindNodeGroup, d.groups.put, d.groups.remove}),
		keep(control.KindWorkspace, typed[control.Workspace]{control.KindWorkspace, workspaces.put, workspaces.remove}),
	}
}

// resume makes what was declared before true again. The databases, first in order, need nothing of the others and
// resume beside them.
func resume(ctx context.Context, kinds []recorded) error {
	var databases error
	var wg sync.WaitGroup
	wg.Go(func() { databases = kinds[0].resume(ctx) })
	var faults []error
	for _, r := range kinds[1:] {
		faults = append(faults, r.resume(ctx))
	}
	wg.Wait()
	return errors.Join(append(faults, databases)...)
}

func (d *daemon) serve(ctx context.Context, api http.Handler) error {
	l, err := control.Listen(d.layout.Socket())
	if err != nil {
		return err
	}
	d.log.Info("the sandbox is ready", "address", d.layout.HostIP(), "after", time.Since(d.began).Round(time.Millisecond))
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // a caller in waiting sees its connection end
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close ends everything, the databases beside the cluster, and keeps what is declared.
func (d *daemon) close() {
	d.log.Info("the sandbox ends")
	var wg sync.WaitGroup
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), databaseStop)
		defer cancel()
		if err := d.engines.Stop(ctx); err != nil {
			d.log.Error("stopping databases", "error", err)
		}
	})
	wg.Go(func() {
		if err := d.cacheEngines.Stop(context.Background()); err != nil {
			d.log.Error("stopping caches", "error", err)
		}
	})
	wg.Go(func() {
		if err := d.metrics.Stop(context.Background()); err != nil {
			d.log.Error("stopping managed Prometheus", "error", err)
		}
	})
	wg.Go(d.cluster.stop)
	wg.Wait()
	d.programs.StopAll()
	if err := d.net.Close(); err != nil {
		d.log.Error("closing the service network", "error", err)
	}
}

// logLines makes a structured log entry of each line written.
type logLines struct{ log *slog.Logger }

func (l logLines) Write(p []byte) (int, error) {
	l.log.Info(string(trimNewline(p)))
	return len(p), nil
}

func trimNewline(p []byte) []byte {
	if n := len(p); n > 0 && p[n-1] == '\n' {
		return p[:n-1]
	}
	return p
}
