package main_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/policies/pack"
	"github.com/ragscale/ragscale/sandbox/engine"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/stacks"
)

// openProd opens production in an engine of the test's own, with further configuration, as ragscale preview does.
func openProd(t testing.TB, more engine.Config) auto.Stack {
	t.Helper()
	if os.Getenv("RAGSCALE_TEST_LIVE") == "" {
		t.Skip("the live suites run with `make test` (RAGSCALE_TEST_LIVE=1)")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	l := layout.Layout{Dir: t.TempDir(), Bin: filepath.Join(root, ".sandbox", "bin")}
	e, err := engine.New(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := pack.Install(filepath.Join(l.Pulumi(), "home"), l.Tool("ragscale-policies")); err != nil {
		t.Fatal(err)
	}
	cfg, err := engine.ReadConfig(filepath.Join(root, "Pulumi.prod.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(cfg, more)
	s, err := e.Open(t.Context(), "ragscale", "prod", platform.Declare, cfg, map[string]func() (string, error){
		stacks.DatabasePasswordKey: func() (string, error) { return "correct-horse-battery", nil },
		stacks.CachePasswordKey:    func() (string, error) { return "correct-horse-battery", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// preview returns what the engine prints of a preview under the pack, and its error.
func preview(t testing.TB, s auto.Stack, packs ...string) (string, error) {
	var out bytes.Buffer
	_, err := s.Preview(t.Context(), optpreview.ProgressStreams(&out), optpreview.ErrorProgressStreams(&out), optpreview.Color("never"),
		optpreview.SuppressProgress(), optpreview.PolicyPacks(packs...))
	return out.String(), err
}

// here is the pack's folder.
func here(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestProductionPreviewsUnderThePack(t *testing.T) {
	out, err := preview(t, openProd(t, nil), here(t))
	if err != nil || !strings.Contains(out, "ragscale@v"+pack.Version) || strings.Contains(out, "[mandatory]") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAPreviewOfABrokenProductionIsStopped(t *testing.T) {
	for rule, broken := range map[string]engine.Config{
		"nat-per-zone": {"ragscale:network": map[string]any{"cidr": "10.0.0.0/16", "zones": 3, "natGateways": "one"}},
		"rds-multi-az": {"ragscale:database": map[string]any{"instanceClass": "db.r7g.xlarge", "storageGiB": 400, "multiAz": false}},
	} {
		out, err := preview(t, openProd(t, broken), here(t))
		if err == nil || !strings.Contains(out, "docs/policies.md#"+rule) || strings.Count(out, "[mandatory]") != 1 {
			t.Errorf("%s: %v\n%s", rule, err, out)
		}
	}
}

func TestAnExemptionLetsAPreviewPassAndIsReported(t *testing.T) {
	exempt := engine.Config{
		"ragscale:database": map[string]any{"instanceClass": "db.r7g.xlarge", "storageGiB": 400, "multiAz": false},
		pack.ExemptionsKey: []any{map[string]any{
			"rule": "rds-multi-az", "resource": "rag-prod", "reason": "moving to another zone", "expires": time.Now().AddDate(0, 0, 7).Format(time.DateOnly),
		}},
	}
	out, err := preview(t, openProd(t, exempt), here(t))
	if err != nil || !strings.Contains(out, "findings silenced: 1. Reason: moving to another zone") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAnExpiredExemptionIsRefusedBeforeAnythingIsPlanned(t *testing.T) {
	expired := engine.Config{pack.ExemptionsKey: []any{map[string]any{"rule": "rds-multi-az", "resource": "*", "reason": "old", "expires": "2026-01-31"}}}
	out, err := preview(t, openProd(t, expired), here(t))
	if err == nil || !strings.Contains(out+err.Error(), "policies:exemptions[0].expires was 2026-01-31") {
		t.Errorf("%v\n%s", err, out)
	}
}

// BenchmarkPackOverAPreview reports the cost of the pack: interleaved previews of production with and without it, medians.
func BenchmarkPackOverAPreview(b *testing.B) {
	s := openProd(b, nil)
	var with, without []time.Duration
	for b.Loop() {
		for _, m := range []struct {
			packs []string
			times *[]time.Duration
		}{{nil, &without}, {[]string{here(b)}, &with}} {
			start := time.Now()
			if out, err := preview(b, s, m.packs...); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			*m.times = append(*m.times, time.Since(start))
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	plain, packed := without[len(without)/2], with[len(with)/2]
	b.ReportMetric(float64(plain.Milliseconds()), "ms-without")
	b.ReportMetric(float64(packed.Milliseconds()), "ms-with")
	b.ReportMetric(100*float64(packed-plain)/float64(plain), "%cost")
}
