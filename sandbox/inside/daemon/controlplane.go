package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	controlPlaneName = "controlplane"
	// controlPlaneDeadline covers a cold start on a busy machine; it takes 3 s on an idle one.
	controlPlaneDeadline = 90 * time.Second
	// controlPlaneStop covers the API server's drain and etcd's close.
	controlPlaneStop = 15 * time.Second
	etcdPort         = 2379 // inside the namespace
	// clientQPS lifts client-go's default of 5 requests/s, meant for shared clusters.
	clientQPS   = 200
	clientBurst = 400
)

// controlPlaneConfig is what the controlplane program reads.
type controlPlaneConfig struct {
	DataDir     string `json:"dataDir"`
	PKIDir      string `json:"pkiDir"`
	Address     string `json:"address"`
	Port        int    `json:"port"`
	ServiceCIDR string `json:"serviceCidr"`
	EtcdPort    int    `json:"etcdPort"`
	Audience    string `json:"audience"`
}

func clusterState(l layout.Layout) string { return filepath.Join(l.State(), "cluster") }

// startControlPlane runs etcd and the Kubernetes components and returns clients once they serve.
func (d *daemon) startControlPlane(ctx context.Context) (*rest.Config, error) {
	cfg := controlPlaneConfig{
		DataDir:     filepath.Join(clusterState(d.layout), "etcd"),
		PKIDir:      d.layout.PKI(),
		Address:     layout.Bridge.Addr().String(),
		Port:        layout.PortAPIServer,
		ServiceCIDR: layout.ServiceCIDR.String(),
		EtcdPort:    etcdPort,
		Audience:    "https://kubernetes.default.svc.cluster.local",
	}
	raw, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(d.layout.Run(), controlPlaneName+".json")
	if err := keep(file, raw); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, err
	}
	err = d.programs.Start(supervise.Program{
		Name: controlPlaneName, Path: d.layout.Tool("controlplane"), Args: []string{"--config", file},
		Env: os.Environ(), StopAfter: controlPlaneStop,
	})
	if err != nil {
		return nil, err
	}
	client, err := clientcmd.BuildConfigFromFlags("", pki.KubeconfigFile(d.layout, pki.Inside))
	if err != nil {
		return nil, err
	}
	client.QPS, client.Burst = clientQPS, clientBurst
	return client, d.awaitControlPlane(ctx, client)
}

// awaitControlPlane waits until the API server is ready and the controllers have begun to work: they have when the
// namespace default has its service account.
func (d *daemon) awaitControlPlane(ctx context.Context, cfg *rest.Config) error {
	kube, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, controlPlaneDeadline)
	defer cancel()
	for {
		last := clusterReady(ctx, kube)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the control plane is not ready (%w): %w; %s", ctx.Err(), last, d.whereToLook(controlPlaneName))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func clusterReady(ctx context.Context, kube kubernetes.Interface) error {
	var code int
	if err := kube.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&code).Error(); err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("/readyz answers %d", code)
	}
	_, err := kube.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}

// whereToLook names a program's last exit and its log.
func (d *daemon) whereToLook(name string) string {
	said := "its log is " + filepath.Join(d.layout.Log(), name+".log")
	if exit := d.programs.LastExit(name); exit != "" {
		said = "it ended with " + exit + "; " + said
	}
	return said
}
