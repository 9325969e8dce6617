package daemon

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/inside/prometheus"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// scraperARN is whom a cluster sees when managed Prometheus scrapes. AWS makes the role, and its access entry, with the scraper.
const scraperARN = "arn:aws:iam::123456789012:role/aws-service-role/scraper.aps.amazonaws.com/AWSServiceRoleForAmazonPrometheusScraper"

// scraperRights are those of AmazonPrometheusScraperPolicy, for the user scraperARN.
//
//go:embed prometheus-scraper.yaml
var scraperRights []byte

// workspaces are those of Managed Prometheus: two processes and an address each.
type workspaces struct{ d *daemon }

func (m *workspaces) put(ctx context.Context, id string, spec control.Workspace) (any, error) {
	if spec.Cluster != "" {
		client, _, err := m.d.cluster.reach(spec.Cluster)
		if err != nil {
			return nil, fmt.Errorf("workspace %s: its scraper: %w", id, err)
		}
		if err := applyManifest(ctx, client, scraperRights); err != nil {
			return nil, fmt.Errorf("workspace %s: its scraper's rights: %w", id, err)
		}
	}
	addr, err := m.d.cloud.take(workspaceKey(id))
	if err != nil {
		return nil, err
	}
	return nil, m.d.metrics.Ensure(ctx, id, spec, addr)
}

func (m *workspaces) remove(ctx context.Context, id string) error {
	if err := m.d.metrics.Remove(ctx, id); err != nil {
		return err
	}
	return m.d.cloud.release(workspaceKey(id))
}

func workspaceKey(id string) string { return control.KindWorkspace + "/" + id }

// openMetrics makes the server of workspaces and what its scrapers are known by.
func (d *daemon) openMetrics(creds ekstoken.Credentials) error {
	access := filepath.Join(d.layout.State(), "scraper")
	if err := os.MkdirAll(access, 0o700); err != nil {
		return err
	}
	ca, err := os.ReadFile(d.layout.CA())
	if err != nil {
		return err
	}
	token := rand.Text() + rand.Text()
	for name, text := range map[string]string{"ca.crt": string(ca), "token": token, "namespace": "kube-system"} {
		if err := atomicfile.Write(filepath.Join(access, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	d.webhook.know(token, scraperARN)
	d.metrics = prometheus.New(prometheus.Config{
		Root:     d.layout.Root(),
		StateDir: filepath.Join(d.layout.State(), control.KindWorkspace),
		LogDir:   d.layout.Log(),
		Tool:     d.layout.Tool,
		Access:   access,
		API:      layout.APIServiceIP,
		SNS:      topicsURL,
		Env:      []string{"AWS_ACCESS_KEY_ID=" + creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + creds.SecretAccessKey},
		Log:      logLines{d.log.With("part", "managed Prometheus")},
	})
	return nil
}
