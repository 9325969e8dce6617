package pki

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// Names of files under layout.PKI() that others read. A certificate's are Name.crt and Name.key, a kubeconfig's Name.kubeconfig.
const (
	CA             = "ca"
	FrontProxyCA   = "front-proxy-ca"
	APIServer      = "apiserver"
	KubeletClient  = "kubelet-client"
	FrontProxy     = "front-proxy-client"
	ServiceAccount = "sa" // sa.key signs, sa.pub verifies
	Controllers    = "controller-manager"
	Scheduler      = "scheduler"
	Admin          = "admin"  // admin.kubeconfig is for the host
	Inside         = "inside" // the same user from within the namespace
	Kubelet        = "kubelet"
	Webhook        = "authn-webhook"
	MetricsServer  = "metrics-server"
)

// MetricsServerUser is the metrics-server's name in RBAC.
const MetricsServerUser = "system:metrics-server"

// lastKubelet is the highest last octet of a node address the kubelet certificate is good for.
const lastKubelet = 200

// Cluster makes everything the control plane of l needs: both authorities, the certificates, the service account
// key and the kubeconfigs. webhook is the URL of the token webhook. It returns the cluster's authority.
func Cluster(l layout.Layout, webhook string) (*Authority, error) {
	dir := l.PKI()
	ca, err := Open(dir, CA)
	if err != nil {
		return nil, err
	}
	front, err := Open(dir, FrontProxyCA)
	if err != nil {
		return nil, err
	}
	for _, leaf := range clusterLeaves(l) {
		if _, err := ca.Issue(leaf); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", leaf.Name, err)
		}
	}
	if _, err := front.Issue(Leaf{Name: FrontProxy, CommonName: FrontProxy}); err != nil {
		return nil, err
	}
	if err := serviceAccountPublicKey(dir); err != nil {
		return nil, err
	}
	return ca, kubeconfigs(l, webhook)
}

func clusterLeaves(l layout.Layout) []Leaf {
	inside := layout.Bridge.Addr().String()
	masters := []string{"system:masters"}
	return []Leaf{
		{Name: APIServer, CommonName: "kube-apiserver", SANs: []string{
			inside, "127.0.0.1", l.HostIP(), layout.APIServiceIP.String(), "localhost",
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		}},
		{Name: KubeletClient, CommonName: "kube-apiserver-kubelet-client", Organizations: masters},
		{Name: ServiceAccount, CommonName: "service-accounts"}, // only its key is used
		{Name: Controllers, CommonName: "system:kube-controller-manager", SANs: []string{"127.0.0.1"}},
		{Name: Scheduler, CommonName: "system:kube-scheduler", SANs: []string{"127.0.0.1"}},
		{Name: Admin, CommonName: "sandbox-admin", Organizations: masters},
		{Name: Kubelet, CommonName: "kubelet", SANs: kubeletAddresses()},
		{Name: Webhook, CommonName: "authn-webhook", SANs: []string{"127.0.0.1"}},
		{Name: MetricsServer, CommonName: MetricsServerUser, SANs: []string{"metrics-server.kube-system.svc", inside}},
	}
}

func kubeletAddresses() []string {
	var out []string
	for a := layout.Bridge.Addr(); a.As4()[3] <= lastKubelet; a = a.Next() {
		out = append(out, a.String())
	}
	return out
}

func serviceAccountPublicKey(dir string) error {
	_, key, err := load(Pair{Cert: filepath.Join(dir, ServiceAccount+".crt"), Key: filepath.Join(dir, ServiceAccount+".key")})
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, ServiceAccount+".pub"), "PUBLIC KEY", der, 0o644)
}

func kubeconfigs(l layout.Layout, webhook string) error {
	outside := "https://" + l.HostAddr(layout.PortAPIServer)
	for _, k := range []struct{ name, server, user string }{
		{Admin, outside, Admin},
		{Inside, layout.APIServerInside, Admin},
		{Controllers, layout.APIServerInside, Controllers},
		{Scheduler, layout.APIServerInside, Scheduler},
		{MetricsServer, layout.APIServerInside, MetricsServer},
		{Webhook, webhook, ""},
	} {
		if err := writeKubeconfig(l.PKI(), k.name, k.server, k.user); err != nil {
			return fmt.Errorf("kubeconfig %s: %w", k.name, err)
		}
	}
	return nil
}

// KubeconfigFile is the path of kubeconfig name.
func KubeconfigFile(l layout.Layout, name string) string {
	return filepath.Join(l.PKI(), name+".kubeconfig")
}

// writeKubeconfig writes dir/name.kubeconfig: server, trusted by the CA, spoken to with user's certificate ("" for none).
func writeKubeconfig(dir, name, server, user string) error {
	ca, err := os.ReadFile(filepath.Join(dir, CA+".crt"))
	if err != nil {
		return err
	}
	auth := &api.AuthInfo{}
	if user != "" {
		if auth.ClientCertificateData, err = os.ReadFile(filepath.Join(dir, user+".crt")); err != nil {
			return err
		}
		if auth.ClientKeyData, err = os.ReadFile(filepath.Join(dir, user+".key")); err != nil {
			return err
		}
	}
	const entry = "ragscale-sandbox"
	cfg := api.NewConfig()
	cfg.Clusters[entry] = &api.Cluster{Server: server, CertificateAuthorityData: ca}
	cfg.AuthInfos[entry] = auth
	cfg.Contexts[entry] = &api.Context{Cluster: entry, AuthInfo: entry}
	cfg.CurrentContext = entry
	return clientcmd.WriteToFile(*cfg, filepath.Join(dir, name+".kubeconfig"))
}

// Issuer issues server certificates of l's authority: what a database's endpoint shows. It returns the PEM files.
func Issuer(l layout.Layout) func(name string, addr netip.Addr, hosts ...string) (Pair, error) {
	return func(name string, addr netip.Addr, hosts ...string) (Pair, error) {
		ca, err := Open(l.PKI(), CA)
		if err != nil {
			return Pair{}, err
		}
		return ca.Issue(Leaf{Name: name, CommonName: name, SANs: append(hosts, addr.String())})
	}
}
