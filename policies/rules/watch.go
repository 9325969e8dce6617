package rules

import (
	"fmt"
	"slices"
	"strings"
)

// alarmThreshold compares every alarm with the thresholds that it watches. One of several alarms of a name, for
// instances of their own, has to keep to one threshold of that name.
func alarmThreshold(s Stack, t Thresholds, p *Report) {
	for _, alarm := range s.OfType(metricAlarm) {
		threshold := alarm.At("threshold")
		v, known := threshold.Number()
		rows := watchedBy(alarm, t.Watched)
		if !known || len(rows) == 0 || slices.ContainsFunc(rows, func(row Watch) bool { return inTime(row, v) }) {
			continue
		}
		p.fault(alarm, threshold, fmt.Sprintf("%s (%s.%s)", bound(rows[0]), rows[0].Tier, rows[0].Name))
	}
}

// watchedBy is the thresholds that name an alarm among their watches.
func watchedBy(alarm Resource, rows []Watch) []Watch {
	return slices.DeleteFunc(slices.Clone(rows), func(row Watch) bool {
		return !slices.ContainsFunc(row.Watches,
			func(name string) bool { return strings.Contains(alarm.Name+"-", "-"+name+"-") })
	})
}

// below tells whether less than a threshold is what is wrong.
func below(row Watch) bool { return strings.HasSuffix(row.Unit, "below") }

// burns tells whether a threshold is an error budget, which alarms multiply by how fast it goes.
func burns(row Watch) bool { return row.Name == "ErrorRatio" }

// inTime tells whether an alarm at v rings no later than at the threshold.
func inTime(row Watch, v float64) bool {
	const rounding = 1e-9
	switch {
	case below(row):
		return v >= row.Value*(1-rounding)
	case burns(row):
		return v <= row.Value*mostBurnRate*(1+rounding)
	default:
		return v <= row.Value*(1+rounding)
	}
}

func bound(row Watch) string {
	switch {
	case below(row):
		return fmt.Sprintf("at least %v", row.Value)
	case burns(row):
		return fmt.Sprintf("at most %v times %v", mostBurnRate, row.Value)
	default:
		return fmt.Sprintf("at most %v", row.Value)
	}
}
