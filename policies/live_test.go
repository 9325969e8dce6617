package main_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/policies/pack"
	"github.com/ragscale/ragscale/sandbox/host/pulumi"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/stacks"
)

// planned is a stack in an engine of the test's own.
type planned struct {
	auto.Stack
	home string // the engine's
}

// open opens a stack of the project with further configuration, as ragscale preview does.
func open(t testing.TB, stack string, more pulumi.Config) planned {
	t.Helper()
	cfg, err := pulumi.ReadConfig(filepath.Join("..", "Pulumi."+stack+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(cfg, more)
	password := func() (string, error) { return "correct-horse-battery", nil }
	return openWith(t, stack, cfg, map[string]func() (string, error){stacks.DatabasePasswordKey: password, stacks.CachePasswordKey: password})
}

// openWith opens a stack that has this configuration and these secrets and no other.
func openWith(t testing.TB, stack string, cfg pulumi.Config, secrets map[string]func() (string, error)) planned {
	t.Helper()
	if os.Getenv("RAGSCALE_TEST_LIVE") == "" {
		t.Skip("the live suites run with `make test` (RAGSCALE_TEST_LIVE=1)")
	}
	l := layout.Layout{Dir: t.TempDir(), Bin: filepath.Dir(tool(t, "pulumi"))}
	e, err := pulumi.New(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := pack.Install(e.Home(), l.Tool("ragscale-policies")); err != nil {
		t.Fatal(err)
	}
	s, err := e.Open(t.Context(), "ragscale", stack, platform.Declare, cfg, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return planned{Stack: s, home: e.Home()}
}

// tool is a built tool's absolute path.
func tool(t testing.TB, name string) string {
	t.Helper()
	bin := os.Getenv(layout.EnvBin)
	if bin == "" {
		bin = filepath.Join("..", ".sandbox", "bin")
	}
	path, err := filepath.Abs(filepath.Join(bin, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// preview returns what the engine prints of a preview under packs, and its error.
func (s planned) preview(t testing.TB, packs ...string) (string, error) {
	t.Helper()
	return s.run(t, optpreview.PolicyPacks(packs...))
}

// previewWith previews under the pack with a --policy-pack-config.
func (s planned) previewWith(t testing.TB, config string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "levels.json")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.run(t, optpreview.PolicyPacks(here(t)), optpreview.PolicyPackConfigs(file))
}

func (s planned) run(t testing.TB, opts ...optpreview.Option) (string, error) {
	t.Helper()
	var out bytes.Buffer
	opts = append(opts, optpreview.ProgressStreams(&out), optpreview.ErrorProgressStreams(&out), optpreview.Color("never"), optpreview.SuppressProgress())
	_, err := s.Preview(t.Context(), opts...)
	return out.String(), err
}

// build builds a command below this folder.
func build(t testing.TB, folder string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "built")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-w -s", "-o", binary, folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
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

func TestProductionAndDevelopmentPreviewUnderThePack(t *testing.T) {
	for stack, reported := range map[string]bool{"prod": false, "dev": true} {
		out, err := open(t, stack, nil).preview(t, here(t))
		if err != nil || !strings.Contains(out, "ragscale@v"+pack.Version) || strings.Contains(out, "[mandatory]") {
			t.Errorf("%s: %v\n%s", stack, err, out)
		}
		if strings.Contains(out, "[advisory]") != reported {
			t.Errorf("%s: advisory findings reported: %v, want %v\n%s", stack, !reported, reported, out)
		}
	}
}

// The Go language host builds the folder that --policy-pack names, with these flags, and runs what comes out.
func TestThePackAsALanguageHostBuildsItRuns(t *testing.T) {
	s := open(t, "prod", pulumi.Config{"ragscale:database": map[string]any{"instanceClass": "db.r7g.xlarge", "storageGiB": 400, "multiAz": false}})
	if err := pack.Install(s.home, build(t, ".")); err != nil {
		t.Fatal(err)
	}
	out, err := s.preview(t, here(t))
	if err == nil || !strings.Contains(out, "docs/policies.md#rds-multi-az") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAPreviewOfABrokenProductionIsStopped(t *testing.T) {
	for rule, broken := range map[string]pulumi.Config{
		"nat-per-zone": {"ragscale:network": map[string]any{"cidr": "10.0.0.0/16", "zones": 3, "natGateways": "one"}},
		"rds-multi-az": {"ragscale:database": map[string]any{"instanceClass": "db.r7g.xlarge", "storageGiB": 400, "multiAz": false}},
	} {
		out, err := open(t, "prod", broken).preview(t, here(t))
		if err == nil || !strings.Contains(out, "docs/policies.md#"+rule) || strings.Count(out, "[mandatory]") != 1 {
			t.Errorf("%s: %v\n%s", rule, err, out)
		}
	}
}

func TestAnExemptionLetsAPreviewPassAndIsReported(t *testing.T) {
	exempt := pulumi.Config{
		"ragscale:database": map[string]any{"instanceClass": "db.r7g.xlarge", "storageGiB": 400, "multiAz": false},
		pack.ExemptionsKey: []any{map[string]any{
			"rule": "rds-multi-az", "resource": "rag-prod", "reason": "moving to another zone", "expires": time.Now().AddDate(0, 0, 7).Format(time.DateOnly),
		}},
	}
	out, err := open(t, "prod", exempt).preview(t, here(t))
	if err != nil || !strings.Contains(out, "findings silenced: 1. Reason: moving to another zone") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAPackConfigurationChangesLevels(t *testing.T) {
	broken := pulumi.Config{"ragscale:database": map[string]any{"instanceClass": "db.r7g.xlarge", "storageGiB": 400, "multiAz": false}}
	out, err := open(t, "prod", broken).previewWith(t, `{"rds-multi-az": "advisory"}`)
	if err != nil || !strings.Contains(out, "[advisory]  rds-multi-az") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAPackConfigurationWithUnknownRulesAndKeysIsRefused(t *testing.T) {
	out, err := open(t, "prod", nil).previewWith(t, `{"rds-multi": "advisory", "tags": {"enforcementLevel": "advisory", "max": 3}}`)
	for _, want := range []string{
		"policy rds-multi is none of this pack, want a rule of docs/policies.md, or all",
		"policy tags.max is no known key, want enforcementLevel: thresholds are in the stack's file, under ragscale:",
	} {
		if err == nil || !strings.Contains(out+err.Error(), want) {
			t.Errorf("%v\n%s\nwant %s", err, out, want)
		}
	}
}

func TestWhatIsExemptIsReportedWhateverTheLevels(t *testing.T) {
	exempt := pulumi.Config{pack.ExemptionsKey: []any{map[string]any{
		"rule": "rds-multi-az", "resource": "none", "reason": "forgotten", "expires": time.Now().AddDate(0, 0, 7).Format(time.DateOnly),
	}}}
	out, err := open(t, "prod", exempt).previewWith(t, `{"all": "disabled"}`)
	if err != nil || !strings.Contains(out, "silences nothing: remove it. Reason: forgotten") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAStackWithoutConfigurationIsRefusedBeforeAnythingIsPlanned(t *testing.T) {
	s := openWith(t, "prod", pulumi.Config{"aws:region": "eu-central-1"}, nil)
	out, err := s.preview(t, here(t))
	if err == nil || !strings.Contains(out+err.Error(), "stack prod says nothing under ragscale:, want the configuration of a ragscale stack") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAnExpiredExemptionIsRefusedBeforeAnythingIsPlanned(t *testing.T) {
	expired := pulumi.Config{pack.ExemptionsKey: []any{map[string]any{"rule": "rds-multi-az", "resource": "*", "reason": "old", "expires": "2026-01-31"}}}
	out, err := open(t, "prod", expired).preview(t, here(t))
	if err == nil || !strings.Contains(out+err.Error(), "policies:exemptions[0].expires was 2026-01-31") {
		t.Errorf("%v\n%s", err, out)
	}
}
