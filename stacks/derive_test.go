package stacks_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/stacks"
)

func parameters(c *stacks.Config) map[string]stacks.Parameter {
	byName := map[string]stacks.Parameter{}
	for _, p := range c.DatabaseParameters() {
		byName[p.Name] = p
	}
	return byName
}

func TestMaxConnectionsIsTheConnectionBudget(t *testing.T) {
	c := mustParse(t, "prod", nil)
	if got := parameters(c)["max_connections"].Value; got != strconv.Itoa(c.Connections().Total()) {
		t.Errorf("max_connections is %s, the budget %d", got, c.Connections().Total())
	}
}

// Static by AWS's documentation: a change takes effect at a restart only, and "immediate" is refused.
func TestStaticParametersWaitForAReboot(t *testing.T) {
	static := []string{
		"shared_buffers", "max_connections", "shared_preload_libraries", "pg_stat_statements.max", "max_worker_processes", "max_wal_senders",
		"max_replication_slots", "autovacuum_max_workers", "track_activity_query_size",
	}
	for _, p := range mustParse(t, "prod", nil).DatabaseParameters() {
		want := stacks.Immediate
		if slices.Contains(static, p.Name) {
			want = stacks.PendingReboot
		}
		if p.ApplyMethod != want {
			t.Errorf("%s is applied %s, want %s", p.Name, p.ApplyMethod, want)
		}
	}
}

func TestParametersHaveNoUnitSuffixAndNoWordBooleans(t *testing.T) {
	for _, p := range mustParse(t, "prod", nil).DatabaseParameters() {
		for _, suffix := range []string{"kB", "MB", "GB", "ms", "on", "off", "true", "false"} {
			if p.Name != "shared_preload_libraries" && strings.HasSuffix(p.Value, suffix) {
				t.Errorf("%s is %s", p.Name, p.Value)
			}
		}
		if p.Value == "" || p.Reason == "" {
			t.Errorf("%+v", p)
		}
	}
}

func TestEachParameterIsSetOnce(t *testing.T) {
	c := mustParse(t, "prod", nil)
	if len(parameters(c)) != len(c.DatabaseParameters()) {
		t.Error("a parameter is set twice")
	}
}

func TestLocalDatabaseSuitsALaptop(t *testing.T) {
	class, err := rds.Lookup(mustParse(t, "local", nil).Database.InstanceClass)
	if err != nil {
		t.Fatal(err)
	}
	if shared := class.ParameterMemory() / 4; shared > 512*catalogue.MiB {
		t.Errorf("shared_buffers take %d MiB", shared/catalogue.MiB)
	}
}

func TestTimeoutsFollowTheObjectives(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:slo": `{"responseSeconds": 1, "complexSearchSeconds": 10}`})
	got := map[string]string{}
	for _, name := range []string{"log_min_duration_statement", "auto_explain.log_min_duration", "statement_timeout", "idle_in_transaction_session_timeout"} {
		got[name] = parameters(c)[name].Value
	}
	want := map[string]string{
		"log_min_duration_statement": "250", "auto_explain.log_min_duration": "10000",
		"statement_timeout": "60000", "idle_in_transaction_session_timeout": "120000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestZonesAreTheRegionsFirstLettersUnlessNamed(t *testing.T) {
	if diff := cmp.Diff([]string{"eu-central-1a", "eu-central-1b", "eu-central-1c"}, mustParse(t, "prod", nil).ZoneNames()); diff != "" {
		t.Error(diff)
	}
	named := mustParse(t, "dev", map[string]string{"ragscale:network": `{"zoneNames": ["eu-central-1a", "eu-central-1c"]}`})
	if diff := cmp.Diff([]string{"eu-central-1a", "eu-central-1c"}, named.ZoneNames()); diff != "" {
		t.Error(diff)
	}
}

func TestResourceTagsAddThePlatformsOwn(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:tags": `{"team": "search"}`, "ragscale:costCentre": "4711"})
	want := map[string]string{
		"team": "search", "project": "ragscale", "stack": "prod", "environment": "production", "cost-centre": "4711", "managed-by": "pulumi",
	}
	if diff := cmp.Diff(want, c.ResourceTags()); diff != "" {
		t.Error(diff)
	}
}

func TestWorkerScalesOnTheSameTargetsWithItsOwnBounds(t *testing.T) {
	if diff := cmp.Diff(stacks.HPA{MinReplicas: 2, MaxReplicas: 6, CPUPercent: 70, MemoryPercent: 80}, mustParse(t, "prod", nil).WorkerHPA()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryPinnedReleaseHasTheSameAddons(t *testing.T) {
	required := []string{
		"amazon-cloudwatch-observability", "aws-ebs-csi-driver", "coredns", "eks-pod-identity-agent", "kube-proxy",
		"metrics-server", "vpc-cni",
	}
	for _, minor := range kubernetes.Minors() {
		v := mustParse(t, "prod", map[string]string{"ragscale:cluster": `{"version": "` + minor + `"}`}).Versions
		for _, name := range required {
			if v.Addons[name] == "" {
				t.Errorf("%s: no version of %s", minor, name)
			}
		}
		if v.Kubernetes != minor || v.Charts["aws-load-balancer-controller"] == "" || !strings.HasPrefix(v.Autoscaler, "v"+minor+".") {
			t.Errorf("%+v", v)
		}
	}
}
