// Package layout says where a sandbox keeps its files and at which addresses it answers.
//
// Owns: the folder tree under .sandbox, the loopback address and the ports offered to the host, the address
// plan inside the namespace. Does not own: what is written there.
package layout

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Ports offered to the host on Layout.HostIP. All are above 1023, so that an ordinary user may bind them.
const (
	PortAPIServer    = 6443 // the Kubernetes API server of the local cluster
	PortLoadBalancer = 8080 // listeners of the local load balancer with this port
	PortDatabase     = 5432 // the first PostgreSQL primary
	PortAWS          = 8443 // AWS's own APIs
)

// BridgeName is the network device that pods are attached to.
const BridgeName = "br0"

// The address plan inside the namespace (private to it: nothing of it is visible on the host).
var (
	Bridge       = netip.MustParsePrefix("10.77.0.1/16")        // br0; the API server and the node agent's first address
	NodeCIDR     = netip.MustParsePrefix("10.77.0.0/24")        // node addresses, from .10 up
	PodCIDR      = netip.MustParsePrefix("10.77.0.0/16")        // pod addresses, from 10.77.1.0 up
	ServiceCIDR  = netip.MustParsePrefix("10.96.0.0/16")        // cluster IPs, all local (AnyIP)
	CloudCIDR    = netip.MustParsePrefix("10.78.0.0/16")        // addresses of databases and load balancers, all local (AnyIP)
	APIServiceIP = netip.MustParseAddr("10.96.0.1")             // kubernetes.default
	AWS          = netip.MustParseAddrPort("10.78.0.2:443")     // AWS's own APIs, whatever name they are called by
	PodIdentity  = netip.MustParseAddrPort("169.254.170.23:80") // EKS Pod Identity's agent, as on every node of AWS
	DNS          = netip.MustParseAddrPort("10.96.0.10:53")     // the cluster's resolver
)

// APIServerInside is the API server's URL inside the namespace.
const APIServerInside = "https://10.77.0.1:6443"

// Layout is one sandbox: a folder of state and a folder of built tools, which several sandboxes may share.
type Layout struct {
	Dir string // absolute; state, logs, sockets, keys
	Bin string // absolute; built tools and the engines' root file system
}

// Environment variables which move a sandbox elsewhere.
const (
	EnvDir = "RAGSCALE_SANDBOX_DIR" // state; default <project>/.sandbox
	EnvBin = "RAGSCALE_SANDBOX_BIN" // built tools; default <project>/.sandbox/bin
	EnvIP  = "RAGSCALE_SANDBOX_IP"  // loopback address; default derived from Dir
)

// New returns the layout of the sandbox of the project in folder project (absolute), or of the one the environment names.
func New(project string) (Layout, error) {
	l := Layout{Dir: filepath.Join(project, ".sandbox"), Bin: filepath.Join(project, ".sandbox", "bin")}
	if d := os.Getenv(EnvDir); d != "" {
		l.Dir = d
	}
	if b := os.Getenv(EnvBin); b != "" {
		l.Bin = b
	}
	for _, p := range []*string{&l.Dir, &l.Bin} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return Layout{}, fmt.Errorf("sandbox folder %s: %w", *p, err)
		}
		*p = abs
	}
	return l, nil
}

// HostIP is the loopback address this sandbox offers its ports on: 127.77.x.y with x and y from the hash of Dir, so
// that sandboxes in two folders do not meet, and the same folder always answers at the same address.
func (l Layout) HostIP() string {
	if ip := os.Getenv(EnvIP); ip != "" {
		return ip
	}
	h := sha256.Sum256([]byte(l.Dir))
	return fmt.Sprintf("127.77.%d.%d", h[0], 1+h[1]%254)
}

// HostAddr is HostIP with a port.
func (l Layout) HostAddr(port int) string { return fmt.Sprintf("%s:%d", l.HostIP(), port) }

// Run holds sockets and locks.
func (l Layout) Run() string { return filepath.Join(l.Dir, "run") }

// Log holds one file per process.
func (l Layout) Log() string { return filepath.Join(l.Dir, "log") }

// State holds what survives a restart of the sandbox.
func (l Layout) State() string { return filepath.Join(l.Dir, "state") }

// Cloud holds the AWS inventory.
func (l Layout) Cloud() string { return filepath.Join(l.State(), "cloud") }

// PKI holds the CA, certificates, kubeconfigs and the sandbox's AWS credentials.
func (l Layout) PKI() string { return filepath.Join(l.Dir, "pki") }

// Pulumi holds PULUMI_HOME, the backend and the stacks' work folders.
func (l Layout) Pulumi() string { return filepath.Join(l.Dir, "pulumi") }

// Socket is the control API's.
func (l Layout) Socket() string { return filepath.Join(l.Run(), "control.sock") }

// Lock is held while the sandbox lives.
func (l Layout) Lock() string { return filepath.Join(l.Run(), "sandbox.lock") }

// Root is the root file system that the engines run in.
func (l Layout) Root() string { return filepath.Join(l.Bin, "root") }

// CA is the certificate of the cluster's and the databases' authority.
func (l Layout) CA() string { return filepath.Join(l.PKI(), "ca.crt") }

// Kubeconfig logs in from the host with a client certificate.
func (l Layout) Kubeconfig() string { return filepath.Join(l.PKI(), "admin.kubeconfig") }

// Tool is the path of a built tool: ragscale-sandbox, controlplane, metrics-server, prometheus, alertmanager, pulumi, pgbouncer-exporter,
// ragapi.
func (l Layout) Tool(name string) string { return filepath.Join(l.Bin, name) }
