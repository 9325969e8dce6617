package tests

import (
	"testing"
	"time"
)

// stress is a claim that two cores may not hold: it is left out unless RAGSCALE_TEST_STRESS is set (`make test-stress`).
const stress = "TheObjectivesHoldUnderStress"

// The users of the stress scenario come within a minute, as it has it, and then stay for one.
const stressed = time.Minute

// objectivesHoldUnderStress: every user of scenario stress at once, and the thresholds that it declares hold.
func objectivesHoldUnderStress(t *testing.T, where target) {
	api := where.apiURL(t)
	scripts, scenarios := declaredLoad(t, where)
	s := scenarios["stress"]
	s.Generators, s.DurationSeconds = 1, s.RampUpSeconds+int(stressed.Seconds())
	got := runScripts(t, api, scripts, s)
	if got.code != 0 || got.result["passed"] != true {
		t.Errorf("exit code %d: %v", got.code, got.result["thresholds"])
	}
}
