package stacks

import (
	"fmt"

	"github.com/ragscale/ragscale/stacks/settings"
)

func (c *Config) checkAlarmTargets(f *settings.Faults) {
	if c.Environment == Production && len(c.Observability.AlarmEmails) == 0 {
		f.Add(prefix+"observability.alarmEmails", "is empty", "someone who gets production's alarms")
	}
}

// checkWatched refuses an availability so low that the fastest alert could not fire if every request failed.
func (c *Config) checkWatched(f *settings.Faults) {
	if FastestBurn*c.ErrorBudget() >= 1 {
		f.Add(prefix+"slo.availabilityPercent", settings.Show(c.SLO.AvailabilityPercent),
			fmt.Sprintf("more than %.2f, or nothing watches it: with every request failing the error budget burns %.0f times "+
				"too fast, and the first alert is at %v times",
				100-100/FastestBurn, 1/c.ErrorBudget(), FastestBurn))
	}
}
