package tests

import (
	"os"
	"testing"
)

// TestPlatform brings one stack up, checks every claim on it in order, and takes it down: an update costs a minute in
// the sandbox and half an hour on AWS, so the claims share it. Each is a file of its own. One that is run by itself
// brings the stack up before.
func TestPlatform(t *testing.T) {
	if os.Getenv("RAGSCALE_TEST_LIVE") == "" {
		t.Skip("the live suites run with `make test` (RAGSCALE_TEST_LIVE=1)")
	}
	where := newTarget(t)
	const comesUp = "TheStackComesUpAndServesASearch"
	claims := []struct {
		name    string
		sandbox bool // needs what only the sandbox allows: breaking things behind the engine's back
		check   func(*testing.T, target)
	}{
		{"ABadConfigurationCreatesNothing", true, badConfigurationCreatesNothing},
		{"EveryStackPreviewsWithoutAnAccount", true, everyStackPreviews},
		{"AnUpThatWasKilledIsTakenUpByTheNext", true, killedUpConverges},
		{comesUp, false, stackServesASearch},
		{"TheSecondUpIsEmpty", false, secondUpIsEmpty},
		{"StatusTellsWhereEverythingIs", true, statusTellsWhere},
		{"EverySeriesThatIsAskedForIsThere", true, everySeriesIsThere},
		{"AnAlertFiresOnItsFaultAndResolves", true, anAlertFiresAndResolves},
		{"AnEKSTokenLogsIn", true, eksTokenLogsIn},
		{"DriftIsFoundAndHealed", true, driftIsFoundAndHealed},
		{"TheDatabaseRunsUnderItsDeclaredParameters", true, databaseRunsItsParameters},
		{"TheReplicaFollowsItsPrimary", true, replicaFollows},
		{"ReadsGoThroughPgBouncerToTheReplica", true, readsGoToTheReplica},
		{"AnswersComeFromTheCacheUntilTheyChange", true, answersComeFromTheCache},
		{"TheLoadTestScriptsRunAgainstThePlatform", true, loadScriptsRun},
		{"TheAlarmsOfTheFaultResolve", true, alarmsResolve},
		{"LoadGeneratorsRunInPods", true, loadGeneratorsRunInPods},
		{"ARunThatLosesAGeneratorIsPartial", true, lostGeneratorMakesARunPartial},
		{stress, true, objectivesHoldUnderStress},
		{"ChangedParametersReachTheEngines", true, changedParametersReachTheEngines},
		{"TheVerticalAutoscalerRecommends", false, verticalAutoscalerRecommends},
		{"UpkeepAndSnapshotsRun", false, upkeepAndSnapshotsRun},
		{"TheDatabaseReportRunsInTheCluster", false, databaseReportRuns},
		{"TheHPAFollowsTheLoad", false, hpaFollowsLoad},
		{"AKilledEngineComesBack", true, killedEngineComesBack},
		{"AStoppedSandboxComesBackWithItsData", true, stoppedSandboxComesBack},
		{"DestroyLeavesNothing", false, destroyLeavesNothing},
	}
	t.Cleanup(func() { where.cleanUp(t) })
	var needed, stands bool
	for _, c := range claims {
		if _, isSandbox := where.(*sandboxTarget); c.sandbox && !isSandbox || c.name == stress && os.Getenv("RAGSCALE_TEST_STRESS") == "" {
			continue
		}
		holds := t.Run(c.name, func(t *testing.T) {
			if needed && !stands {
				where.up(t)
			}
			stands = stands || needed || c.name == comesUp
			c.check(t, where)
		})
		needed = needed || c.name == comesUp
		if !holds && c.name == comesUp {
			t.Fatal("without a stack nothing else can be said")
		}
	}
}
