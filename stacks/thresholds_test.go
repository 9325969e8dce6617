package stacks_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks"
)

// onCall says who gets production's alarms and whose tokens are good; without it no production stack is sound.
func onCall() map[string]string {
	return withAuth(map[string]string{"ragscale:observability": `{"alarmEmails": ["oncall@example.com"]}`})
}

func TestEveryObjectiveIsWatched(t *testing.T) {
	watched := map[string]bool{}
	for _, row := range mustParse(t, "prod", nil).Thresholds().Rows() {
		watched[row.Objective] = watched[row.Objective] || len(slo.Watched()[row.ID()]) > 0
	}
	for _, objective := range stacks.Objectives() {
		if watched[objective] == slices.Contains(stacks.MeasuredByLoad(), objective) {
			t.Errorf("slo.%s is watched: %v; want what load tests alone measure to be all that is not", objective, watched[objective])
		}
	}
}

// Objectives that no alarm watches are thresholds of load tests.
func TestWhatIsNotWatchedIsMeasuredByLoadTests(t *testing.T) {
	changes := map[string]string{"recallPercent": `{"recallPercent": 90}`, "freshnessSeconds": `{"freshnessSeconds": 45}`}
	for _, objective := range stacks.MeasuredByLoad() {
		before, after := mustParse(t, "prod", nil), mustParse(t, "prod", map[string]string{"ragscale:slo": changes[objective]})
		if before.LoadThresholds() == after.LoadThresholds() {
			t.Errorf("%s changes no threshold of load tests", changes[objective])
		}
	}
}

func TestEveryThresholdSaysWhereItComesFrom(t *testing.T) {
	for _, row := range mustParse(t, "prod", nil).Thresholds().Rows() {
		if row.Reason == "" || row.Unit == "" || len(slo.Watched()[row.ID()]) == 0 || row.Objective != "" && !slices.Contains(stacks.Objectives(), row.Objective) {
			t.Errorf("%+v", row)
		}
	}
}

// Each objective is changed alone: what follows from it changes, and nothing else does.
func TestThresholdsFollowTheirObjective(t *testing.T) {
	changes := map[string]string{
		"responseSeconds": `{"responseSeconds": 1}`, "complexSearchSeconds": `{"complexSearchSeconds": 4}`, "uploadSecondsPerMB": `{"uploadSecondsPerMB": 60}`,
		"throughputRPS": `{"throughputRPS": 3000}`, "cpuPercent": `{"cpuPercent": 75}`, "memoryPercent": `{"memoryPercent": 85}`, "storagePercent": `{"storagePercent": 70}`,
		"availabilityPercent": `{"availabilityPercent": 99.5}`, "hpa.minReplicas": `{"hpa": {"minReplicas": 4}}`, "hpa.maxReplicas": `{"hpa": {"maxReplicas": 10}}`,
		"recallPercent": `{"recallPercent": 90}`, "freshnessSeconds": `{"freshnessSeconds": 45}`, "hpa.cpuPercent": `{"hpa": {"cpuPercent": 60}}`, "hpa.memoryPercent": `{"hpa": {"memoryPercent": 70}}`,
	}
	// Little's law makes pools of the throughput, the time that a request holds a connection, and the number of pods.
	pools := []string{"WaitingClients", "Connections"}
	shared := map[string][]string{"responseSeconds": pools, "hpa.maxReplicas": pools}
	before := mustParse(t, "prod", nil).Thresholds().Rows()
	for _, objective := range stacks.Objectives() {
		after := mustParse(t, "prod", map[string]string{"ragscale:slo": changes[objective]}).Thresholds().Rows()
		for i, row := range before {
			changed := row.Value != after[i].Value
			if row.Objective == objective && !changed {
				t.Errorf("%s: %s.%s stays at %v", changes[objective], row.Tier, row.Name, row.Value)
			}
			if row.Objective != objective && changed && !slices.Contains(shared[objective], row.Name) {
				t.Errorf("%s: %s.%s goes from %v to %v", changes[objective], row.Tier, row.Name, row.Value, after[i].Value)
			}
		}
	}
}

func TestThresholdsOfProductionAreInTheMetricsUnits(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{"ragscale:database": `{"replicaClass": "db.r7g.2xlarge"}`})
	memory := func(name string) float64 {
		class, err := rds.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		return float64(class.MemoryBytes)
	}
	all := c.Thresholds()
	got := map[string]float64{
		"p95, s": all.API.ResponseSeconds.Value, "failed, of all": all.API.ErrorRatio.Value, "edge errors, %": all.Edge.ErrorPercent.Value,
		"primary's free memory, bytes": all.Database.FreeMemoryBytes.Value, "replicas'": all.Database.ReplicaFreeMemoryBytes.Value,
		"free storage, bytes": all.Database.FreeStorageBytes.Value, "lag, s": all.Database.ReplicaLagSeconds.Value,
		"unschedulable, min": all.Scaling.UnschedulableMinutes.Value,
	}
	want := map[string]float64{
		"p95, s": 2, "failed, of all": 0.001, "edge errors, %": 1.44,
		"primary's free memory, bytes": memory("db.r7g.xlarge") / 5, "replicas'": memory("db.r7g.2xlarge") / 5,
		"free storage, bytes": 60 * float64(catalogue.GiB), "lag, s": 3, "unschedulable, min": 6,
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
}

func TestObjectiveThatNothingCanWatchIsAFault(t *testing.T) {
	faultTable(t, []faultCase{
		{"slo", `{"availabilityPercent": 92}`,
			`ragscale:slo.availabilityPercent is 92, want more than 93.06, or nothing watches it: with every request failing the error budget burns 12 times too fast, and the first alert is at 14.4 times`},
		{"slo", `{"recallPercent": 0}`, `ragscale:slo.recallPercent is 0, want a number from 1 to 100`},
		{"slo", `{"freshnessSeconds": 301}`, `ragscale:slo.freshnessSeconds is 301, want a number from 1 to 300`},
		{"slo", `{"complexSearchSeconds": 31}`, `ragscale:slo.complexSearchSeconds is 31, want a number from 0.01 to 30`},
	})
}

func TestAlarmWithoutTargetIsAFault(t *testing.T) {
	_, err := stacks.Parse("prod", withAuth(map[string]string{"aws:region": "eu-central-1"}))
	if want := `ragscale:observability.alarmEmails is empty, want someone who gets production's alarms`; text(err) != want {
		t.Errorf("%v", err)
	}
	faultTable(t, []faultCase{
		{"observability", `{"alarmEmails": ["on call"]}`, `ragscale:observability.alarmEmails[0] is "on call", want an e-mail address`},
		{"observability", `{"metricRetentionDays": 0}`, `ragscale:observability.metricRetentionDays is 0, want a whole number from 1 to 1095`},
		{"observability", `{"grafanaNamespace": "Grafana"}`, `ragscale:observability.grafanaNamespace is "Grafana", want the name of a Kubernetes namespace, or nothing`},
	})
}

func TestEveryImageIsPinned(t *testing.T) {
	images := mustParse(t, "prod", nil).Versions.Images
	for _, name := range []string{"k6", "pause"} {
		if images[name] == "" {
			t.Errorf("no image %s", name)
		}
	}
}
