package stacks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

func TestAnInspectionJudgesByTheObjectives(t *testing.T) {
	c := mustParse(t, "prod", map[string]string{
		"ragscale:slo":      `{"responseSeconds": 1, "complexSearchSeconds": 10, "uploadSecondsPerMB": 20}`,
		"ragscale:database": `{"replicas": 1}`,
	})
	want := stacks.DatabaseLimits{SlowStatementMillis: 250, LongTransactionMillis: 120_000, ReplicaLagMillis: 2000, Replicas: 1}
	if diff := cmp.Diff(want, c.DatabaseLimits()); diff != "" {
		t.Error(diff)
	}
}
