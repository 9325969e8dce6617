package cloudwatch

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// State of an alarm.
type State string

// States.
const (
	OK           State = "OK"
	Alarm        State = "ALARM"
	Insufficient State = "INSUFFICIENT_DATA"
)

// What missing data mean.
const (
	missing      = "missing"
	ignore       = "ignore"
	breaching    = "breaching"
	notBreaching = "notBreaching"
)

// extraPeriods are looked at beyond the evaluation periods: as many as in the tables of the page below, whose alarms of
// three periods see five. How many there are for others AWS does not say.
const extraPeriods = 2

// rule is by what an alarm on a metric is decided.
type rule struct {
	periods, toAlarm int
	missing          string
}

// judge decides a state from the last periods, oldest first: extraPeriods more than the rule's. A nil is missing.
// Source: "How alarm state is evaluated when data is missing" and "Avoiding premature transitions to alarm state" of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func (r rule) judge(points []*bool, before State) State {
	var there []bool
	for _, p := range points {
		if p != nil {
			there = append(there, *p)
		}
	}
	if len(there) >= r.periods { // the newest that there are, whatever lacks between them
		return r.reached(count(there[len(there)-r.periods:]))
	}
	bad := count(there)
	switch cmp.Or(r.missing, missing) {
	case breaching:
		return r.reached(bad + r.periods - len(there))
	case notBreaching:
		return r.reached(bad)
	case ignore:
		if len(there) == 0 || r.premature(points, there) {
			return before
		}
		return r.reached(bad)
	}
	switch {
	case len(there) == 0:
		return Insufficient
	case r.premature(points, there):
		return Alarm
	}
	return r.reached(bad)
}

func (r rule) reached(bad int) State {
	if bad >= r.toAlarm {
		return Alarm
	}
	return OK
}

func count(points []bool) (bad int) {
	for _, b := range points {
		if b {
			bad++
		}
	}
	return bad
}

// premature says whether everything there is breaches, and has done so for as long as it takes.
func (r rule) premature(points []*bool, there []bool) bool {
	if count(there) != len(there) {
		return false
	}
	for age := r.periods; age >= 1; age-- {
		if points[len(points)-age] != nil {
			return age >= r.toAlarm
		}
	}
	return false
}

// verdict is a state and why.
type verdict struct {
	state  State
	reason string
	recent []float64 // the values that were there, newest first
}

// verdict holds the alarm against the values of its periods, oldest first.
func (a alarm) verdict(values []float64, before State) (verdict, error) {
	points := make([]*bool, len(values))
	var recent []float64
	for i := len(values) - 1; i >= 0; i-- {
		if math.IsNaN(values[i]) {
			continue
		}
		bad, err := a.breaches(values[i])
		if err != nil {
			return verdict{}, err
		}
		points[i], recent = &bad, append(recent, values[i])
	}
	r := rule{a.EvaluationPeriods, a.DatapointsToAlarm, a.TreatMissingData}
	out := verdict{state: r.judge(points, before), recent: recent}
	out.reason = a.reason(out)
	return out, nil
}

// reason words a verdict as CloudWatch does.
func (a alarm) reason(v verdict) string {
	recent := v.recent[:min(len(v.recent), a.EvaluationPeriods)]
	if len(recent) == 0 {
		lack := fmt.Sprintf("no datapoints were received for %d %s", a.EvaluationPeriods, plural(a.EvaluationPeriods, "period"))
		if v.state == Insufficient {
			return "Insufficient Data: " + lack + "."
		}
		return fmt.Sprintf("Threshold Crossed: %s and %d missing %s treated as [%s].", lack, a.EvaluationPeriods,
			plural(a.EvaluationPeriods, "datapoint")+were(a.EvaluationPeriods), treated(a.TreatMissingData))
	}
	var bad int
	var texts []string
	for _, x := range recent {
		if wrong, err := a.breaches(x); err == nil && wrong {
			bad++
		}
		texts = append(texts, strconv.FormatFloat(x, 'g', -1, 64))
	}
	n, said := bad, ""
	if v.state != Alarm {
		n, said = len(recent)-bad, " not"
	}
	if filled := a.EvaluationPeriods - len(recent); filled > 0 && a.TreatMissingData == breaching {
		return fmt.Sprintf("Threshold Crossed: %d %s [%s] and %d missing %s treated as [Breaching]: %d of %d breach, %d are enough.", len(recent),
			plural(len(recent), "datapoint"), strings.Join(texts, ", "), filled, plural(filled, "datapoint")+were(filled), bad+filled,
			a.EvaluationPeriods, a.DatapointsToAlarm)
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s%s %s the threshold (%v) (minimum %d %s for %s transition).",
		n, len(recent), strings.Join(texts, ", "), strings.TrimSpace(were(n)), said, a.comparisonText(), *a.Threshold,
		a.DatapointsToAlarm, plural(a.DatapointsToAlarm, "datapoint"), transition(v.state))
}

func transition(to State) string {
	if to == Alarm {
		return "OK -> ALARM"
	}
	return "ALARM -> OK"
}

// treated is the word of a reason for what missing data mean.
func treated(how string) string {
	words := map[string]string{breaching: "Breaching", notBreaching: "NonBreaching", ignore: "Ignore"}
	return cmp.Or(words[how], "Missing")
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func were(n int) string {
	if n == 1 {
		return " was"
	}
	return " were"
}
