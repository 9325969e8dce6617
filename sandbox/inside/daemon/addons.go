package daemon

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/pki"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
	"github.com/ragscale/ragscale/sandbox/layout"
)

const (
	metricsServerName = "metrics-server"
	metricsServerPort = 4443 // on the bridge's address
	metricsGroup      = "metrics.k8s.io/v1beta1"
	// addonDeadline covers the API server's own checks of an aggregated API.
	addonDeadline = time.Minute
	addonStop     = 10 * time.Second
)

//go:embed metrics-server.yaml
var metricsServerManifest string

// addons are the EKS add-ons. metrics-server has a process here, the CloudWatch agent's operator and Pod Identity a webhook;
// the network's are the sandbox's own.
type addons struct{ d *daemon }

func (a *addons) put(ctx context.Context, id string, spec control.Addon) (any, error) {
	client, _, err := a.d.cluster.reach(spec.Cluster)
	if err != nil {
		return nil, fmt.Errorf("add-on %s: %w", id, err)
	}
	switch id {
	case metricsServerName:
		err = a.d.startMetricsServer(ctx, client)
	case podIdentityAddon:
		err = a.d.putPodIdentity(ctx, client)
	case cloudWatchAddon:
		err = a.d.putCloudWatch(ctx, client, spec.AutoMonitor)
	}
	if err != nil {
		return nil, fmt.Errorf("add-on %s: %w", id, err)
	}
	return nil, nil
}

func (a *addons) remove(ctx context.Context, id string) error {
	if id != metricsServerName && id != cloudWatchAddon && id != podIdentityAddon {
		return nil
	}
	name := a.d.cluster.currentName()
	if name == "" {
		return nil // it went with its cluster
	}
	client, _, err := a.d.cluster.reach(name)
	if err != nil {
		return err
	}
	switch id {
	case cloudWatchAddon:
		err = a.d.removeCloudWatch(ctx, client)
	case podIdentityAddon:
		err = a.d.removePodIdentity(ctx, client)
	default:
		err = a.d.stopMetricsServer(ctx, client)
	}
	if err != nil {
		return fmt.Errorf("add-on %s: %w", id, err)
	}
	return nil
}

func (d *daemon) stopMetricsServer(ctx context.Context, client *rest.Config) error {
	manifest, err := d.metricsServerObjects()
	if err != nil {
		return err
	}
	if err := deleteManifest(ctx, client, manifest); err != nil {
		return err
	}
	d.programs.Stop(metricsServerName)
	return nil
}

func (d *daemon) startMetricsServer(ctx context.Context, client *rest.Config) error {
	ctx, cancel := context.WithTimeout(ctx, addonDeadline)
	defer cancel()
	manifest, err := d.metricsServerObjects()
	if err != nil {
		return err
	}
	if err := applyManifest(ctx, client, manifest); err != nil {
		return err
	}
	pair := filepath.Join(d.layout.PKI(), pki.MetricsServer)
	kubeconfig := pki.KubeconfigFile(d.layout, pki.MetricsServer)
	err = d.programs.Start(supervise.Program{
		Name: metricsServerName, Path: d.layout.Tool(metricsServerName), Env: os.Environ(), StopAfter: addonStop,
		Args: []string{
			"--kubeconfig=" + kubeconfig,
			"--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=" + layout.Bridge.Addr().String(),
			fmt.Sprintf("--secure-port=%d", metricsServerPort),
			"--tls-cert-file=" + pair + ".crt",
			"--tls-private-key-file=" + pair + ".key",
			"--kubelet-certificate-authority=" + d.layout.CA(),
			"--kubelet-preferred-address-types=InternalIP",
			"--kubelet-request-timeout=5s",
			"--metric-resolution=10s", // the shortest it accepts: autoscaling sees load soon
		},
	})
	if err != nil {
		return err
	}
	return d.awaitMetricsAPI(ctx, client)
}

func (d *daemon) metricsServerObjects() ([]byte, error) {
	ca, err := os.ReadFile(d.layout.CA())
	if err != nil {
		return nil, err
	}
	t, err := template.New(metricsServerName).Parse(metricsServerManifest)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"User": pki.MetricsServerUser, "CA": base64.StdEncoding.EncodeToString(ca),
		"Address": layout.Bridge.Addr(), "Port": metricsServerPort,
	})
	return out.Bytes(), err
}

// awaitMetricsAPI waits until the API server reaches the metrics API through its cluster IP.
func (d *daemon) awaitMetricsAPI(ctx context.Context, client *rest.Config) error {
	disco, err := discovery.NewDiscoveryClientForConfig(client)
	if err != nil {
		return err
	}
	for {
		_, err := disco.ServerResourcesForGroupVersion(metricsGroup)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not served (%w): %w; %s", metricsGroup, ctx.Err(), err, d.whereToLook(metricsServerName))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
