package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/network"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/objects"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// Config says what an agent works with. Fields with a default may be left zero.
type Config struct {
	REST     *rest.Config // of a user that may do everything: the agent is all kubelets and the volume provisioner
	Dir      string       // absolute folder for pods, logs and volumes; what is in it survives a restart
	Self     string       // binary that calls process.Main when its first argument is process.Role
	CAFile   string       // CA of clients of the kubelet API
	CertFile string       // server certificate of the kubelet API, valid for every node address
	KeyFile  string

	PodCIDR    netip.Prefix   // default layout.PodCIDR; addresses from the 257th on are given to pods
	NodeCIDR   netip.Prefix   // default layout.NodeCIDR; addresses from the 10th on are given to nodes
	Bridge     string         // default layout.BridgeName; pods are plugged into it, and its first address is their gateway
	Gateway    netip.Addr     // default the address of layout.Bridge
	DNS        netip.Addr     // default the address of layout.DNS
	APIService netip.AddrPort // default port 443 of layout.APIServiceIP

	Images image.Table  // may be replaced later by SetImages
	Log    *slog.Logger // default discards

	Region        string        // default eu-central-1; where the zone names none
	BackoffBase   time.Duration // default 2 s; first pause of CrashLoopBackOff, doubled each time
	BackoffLimit  time.Duration // default 60 s; its longest pause
	EvictionGrace time.Duration // default 60 s; how long draining honours disruption budgets before it deletes the pods
	LeasePeriod   time.Duration // default 10 s; between renewals of a node's lease
}

const (
	firstPodAddress  = 256
	firstNodeAddress = 10
	volumeRefresh    = time.Minute // between looks at tokens and the downward API; other objects are watched
)

func (c *Config) setDefaults() {
	orPrefix(&c.PodCIDR, layout.PodCIDR)
	orPrefix(&c.NodeCIDR, layout.NodeCIDR)
	orDefault(&c.Bridge, layout.BridgeName)
	orDefault(&c.Gateway, layout.Bridge.Addr())
	orDefault(&c.DNS, layout.DNS.Addr())
	orDefault(&c.APIService, netip.AddrPortFrom(layout.APIServiceIP, 443))
	orDefault(&c.Region, "eu-central-1")
	orDefault(&c.BackoffBase, 2*time.Second)
	orDefault(&c.BackoffLimit, time.Minute)
	orDefault(&c.EvictionGrace, time.Minute)
	orDefault(&c.LeasePeriod, 10*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func orPrefix(v *netip.Prefix, d netip.Prefix) { orDefault(v, d) }

func (c *Config) validate() error {
	var faults []error
	for name, value := range map[string]string{"Dir": c.Dir, "Self": c.Self} {
		if !filepath.IsAbs(value) {
			faults = append(faults, fmt.Errorf("nodeagent: %s is %q, want an absolute path", name, value))
		}
	}
	for name, value := range map[string]netip.Prefix{"PodCIDR": c.PodCIDR, "NodeCIDR": c.NodeCIDR} {
		if !value.IsValid() || !value.Addr().Is4() {
			faults = append(faults, fmt.Errorf("nodeagent: %s is %q, want an IPv4 prefix", name, value))
		}
	}
	return errors.Join(faults...)
}

// runtime makes pods' networks and containers.
type runtime interface {
	NewNetwork(ip netip.Addr) (process.Network, error)
	Start(n process.Network, s process.StartSpec) (process.Process, error)
	Exec(ctx context.Context, p process.Process, s process.Command) (exit int, err error)
	Dial(ctx context.Context, n process.Network, address string) (net.Conn, error)
	MountMemory(dir string, size int64) error // size in bytes, 0 for the kernel's default
	Unmount(dir string) error
	Listen(at netip.AddrPort) (net.Listener, error) // makes a node's address and listens there
	Unlisten(ip netip.Addr) error                   // takes the address away
}

// machine is what all pods of an agent work with.
type machine struct {
	cfg        Config
	log        *slog.Logger
	client     kubernetes.Interface
	runtime    runtime
	objects    *objects.Cluster
	images     atomic.Pointer[image.Table]
	addresses  *network.Pool // of pods
	hostResolv string        // the sandbox's own resolv.conf
}

func (m *machine) image(name string) (image.Image, bool) { return m.images.Load().Lookup(name) }

func (m *machine) podsDir() string { return filepath.Join(m.cfg.Dir, "pods") }
