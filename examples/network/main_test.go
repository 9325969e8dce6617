package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/sandbox/host/pulumi"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// emptyAccount has no resources.
type emptyAccount struct{}

func (emptyAccount) List(string) ([]inventory.Resource, error) { return nil, nil }

// A first preview, without an engine: what is declared, and what AWS would say of each.
func TestTheNetworkIsDeclaredAloneAndAWSTakesIt(t *testing.T) {
	g := graph.Preview(t, "dev", declare)
	graph.Golden(t, "testdata/preview.golden", strings.Join(g.Paths(), "\n")+"\n")
	types, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range g.Resources {
		if !strings.HasPrefix(r.Type, "aws:") {
			continue
		}
		refused, err := rules.Check(rules.Request{Type: r.Type, URN: r.Path, Region: "eu-central-1", Inputs: r.Inputs, Inventory: emptyAccount{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(types.Validate(types.Resources[r.Type].Inputs, r.Inputs), refused...) {
			t.Errorf("%s: %s %s", r.Path, f.Path, f.Reason)
		}
	}
}

// The real engine, with the sandbox's provider.
func TestTheEnginePreviewsIt(t *testing.T) {
	if os.Getenv("RAGSCALE_TEST_LIVE") == "" {
		t.Skip("needs the built tools: `make test` (RAGSCALE_TEST_LIVE=1)")
	}
	bin := os.Getenv(layout.EnvBin)
	if bin == "" {
		bin = filepath.Join("..", "..", ".sandbox", "bin")
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := pulumi.New(layout.Layout{Dir: t.TempDir(), Bin: bin})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.Open(t.Context(), "vpc", "dev", declare, pulumi.Config{"aws:region": "eu-central-1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	plan, err := s.Preview(t.Context(), optpreview.ErrorProgressStreams(&said))
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if plan.ChangeSummary["create"] == 0 || len(plan.ChangeSummary) != 1 {
		t.Errorf("a first preview would do %v, want creations alone", plan.ChangeSummary)
	}
}
