package stacks

import "fmt"

func (c *Config) checkAlarmTargets(f *faults) {
	if c.Environment == Production && len(c.Observability.AlarmEmails) == 0 {
		f.add(prefix+"observability.alarmEmails", "is empty", "someone who gets production's alarms")
	}
}

// checkWatched refuses an availability so low that the fastest alert could not fire if every request failed.
func (c *Config) checkWatched(f *faults) {
	if FastestBurn*c.ErrorBudget() >= 1 {
		f.add(prefix+"slo.availabilityPercent", show(c.SLO.AvailabilityPercent),
			fmt.Sprintf("more than %.2f, or nothing watches it: with every request failing the error budget burns %.0f times too fast, and the first alert is at %v times",
				100-100/FastestBurn, 1/c.ErrorBudget(), FastestBurn))
	}
}
