package rules

// Constant is a limit that no objective implies: its value, why, and the alerts, recorded series and alarms whose
// expression has it, alone or multiplied with an objective.
type Constant struct {
	Name    string
	Value   float64
	Reason  string
	Watches []string
}

// Constants are those of the rules.
func Constants() []Constant {
	const workbook = "The Site Reliability Workbook, multiwindow, multi-burn-rate alerts"
	fast := []string{"AvailabilityBurnFast", "LatencyBurnFast", "ComplexSearchBurnFast", "UploadBurnFast",
		"availability-burn"}
	slow := []string{"AvailabilityBurnSlow", "LatencyBurnSlow", "ComplexSearchBurnSlow", "UploadBurnSlow"}
	return []Constant{
		{"FastestBurn", FastestBurn, workbook + ": 2 % of the budget in an hour", fast},
		{"SecondBurn", SecondBurn, workbook + ": 5 % in six hours", fast},
		{"thirdBurn", thirdBurn, workbook + ": a tenth in a day", slow},
		{"slowestBurn", slowestBurn, workbook + ": a tenth in three days", slow},
		{"percentileBudget", percentileBudget, "what a 95th percentile leaves", []string{
			"LatencyBurnFast", "ComplexSearchBurnFast", "UploadBurnFast", "LatencyBurnSlow", "ComplexSearchBurnSlow",
			"UploadBurnSlow", "slo:budget:ratio",
			"ReplicasDoNotHelp",
		}},
		{"overProvisioned", overProvisioned, "with half of the pods the rest would still be at the target",
			[]string{"OverProvisioned"}},
		{"growthOfPods", growthOfPods, "enough pods to tell what they bring", []string{"api:growth_yield:ratio"}},
		{"yieldOfGrowth", yieldOfGrowth, "hardly any gain", []string{"ReplicasDoNotHelp"}},
		{"flappingShare", flappingShare, "more than the end of a wave", []string{"HPAFlapping"}},
		{"driftFactor", driftFactor, "as wide as the VPA's own bounds in the first days", []string{"RequestDrift"}},
		{"1/driftFactor", 1.0 / driftFactor, "the same, the other way", []string{"RequestDrift"}},
		{"idleLoop", idleLoop, "sixty turns of the autoscaler's loop", []string{"AutoscalerStalled"}},
		{"databaseShare", databaseShare, "what pools are sized for", []string{"APIPoolWait"}},
		{"goroutinesAtRest", goroutinesAtRest, "far above an idle process", []string{"GoroutineLeak"}},
		{"goroutinesPerRequest", goroutinesPerRequest, "far above what a request holds", []string{"GoroutineLeak"}},
		{"restarts", restarts, "no longer an accident", []string{"PodsRestarting"}},
		{"none", 0, "any at all", []string{
			"AutoscalerErrors", "ScaleUpFailed", "ReplicasLacking", "PodsUnschedulable", "VPAWithoutRecommendation",
			"ReadsDegraded",
		}},
		{"none", 0, "no work at all", []string{"RecommenderStalled"}},
		{"false", 0, "a gauge of a condition", []string{"AutoscalerStalled", "CacheGone"}},
		{"true", 1, "a gauge of a condition",
			[]string{"HPABlind", "AutoscalerStalled", "RecommenderStalled", "APIMetricsMissing", "PgBouncerDown"}},
		{"none", 0, "no series without events", []string{
			"slo:bad:rate5m", "queue:wait:seconds", "hpa:lacking:replicas", "hpa:lacking:bool", "hpa:time_to_scale:seconds",
			"hpa:turning:bool",
			"api:serving:pods",
		}},
		{"second", 3600, "an hour in seconds", []string{"hpa:lacking:seconds_1h"}},
		{"percent", 100, "a share in percent", []string{"VolumeFilling"}},
	}
}
