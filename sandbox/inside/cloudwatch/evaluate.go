package cloudwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// evaluate judges every alarm at the end of a minute: those on metrics, then the composite ones until nothing changes.
func (s *Service) evaluate(at time.Time) error {
	all, err := s.alarms("")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(all)
	changed := false
	var composites []alarm
	for _, a := range all {
		if a.composite {
			composites = append(composites, a)
			continue
		}
		v, err := s.judge(a, at, s.standing(a, at).State)
		changed = s.settle(a, v, err, at) || changed
	}
	for range len(composites) { // each round settles one level of those that stand on others
		again := false
		for _, a := range composites {
			v, err := s.combine(a, all)
			again = s.settle(a, v, err, at) || again
		}
		changed = changed || again
		if !again {
			break
		}
	}
	if !changed {
		return nil
	}
	return s.kept.write()
}

// forget drops what is known of alarms that are no more.
func (s *Service) forget(all []alarm) {
	there := map[string]bool{}
	for _, a := range all {
		there[a.arn] = true
	}
	maps.DeleteFunc(s.kept.Standings, func(arn string, _ standing) bool { return !there[arn] })
}

// standing is what is known of an alarm; a new one lacks data.
func (s *Service) standing(a alarm, at time.Time) standing {
	if known, ok := s.kept.Standings[a.arn]; ok {
		return known
	}
	return standing{State: Insufficient, Reason: "Unchecked: Initial alarm creation", Updated: at, Since: at, Configured: at}
}

// judge looks at an alarm's metric at a time.
func (s *Service) judge(a alarm, at time.Time, before State) (verdict, error) {
	asked, compared, err := a.question()
	if err != nil {
		return verdict{}, err
	}
	period, err := asked.periodOf(compared)
	if err != nil {
		return verdict{}, err
	}
	n := a.EvaluationPeriods + extraPeriods
	length := time.Duration(max(period, 60)) * time.Second
	g := grid{at.Add(-time.Duration(n) * length), length, n}
	values, err := asked.points(s.cfg.Store, compared, g)
	if err != nil {
		return verdict{}, err
	}
	if a.EvaluateLowSampleCountPercentiles == ignore && s.few(asked[compared], g, values) {
		return verdict{state: before}, nil // and why stays
	}
	return a.verdict(values, before)
}

// few says whether the newest percentile is one of too few values.
func (s *Service) few(line query, g grid, values []float64) bool {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return !line.stat.Enough(line.set(s.cfg.Store, g, i).Count)
		}
	}
	return false
}

// combine evaluates the rule of a composite alarm.
func (s *Service) combine(a alarm, all []alarm) (verdict, error) {
	met, err := holds(a.AlarmRule, func(name string) (State, bool) {
		i := slices.IndexFunc(all, func(b alarm) bool { return b.region == a.region && (b.name == name || b.arn == name) })
		if i < 0 {
			return "", false
		}
		return s.kept.Standings[all[i].arn].State, true
	})
	v := verdict{state: OK, reason: a.arn + " is OK: its rule " + a.AlarmRule + " does not hold"}
	if met {
		v = verdict{state: Alarm, reason: a.arn + " is in ALARM: its rule " + a.AlarmRule + " holds"}
	}
	return v, err
}

// settle notes what was found of an alarm, and says whether its state changed. An alarm that cannot be evaluated lacks
// data, which is logged once.
func (s *Service) settle(a alarm, v verdict, fault error, at time.Time) (changed bool) {
	if fault != nil {
		if s.wrong[a.arn] != fault.Error() {
			s.wrong[a.arn] = fault.Error()
			s.cfg.Log.Warn("an alarm cannot be evaluated", "alarm", a.name, "error", fault)
		}
		v = verdict{state: Insufficient, reason: "Unchecked: the sandbox cannot evaluate it: " + fault.Error()}
	}
	before := s.standing(a, at)
	now := before
	now.State, now.Updated = v.state, at
	if v.reason != "" {
		now.Reason, now.ReasonData = v.reason, a.reasonData(v, at)
	}
	if before.State == v.state {
		s.kept.Standings[a.arn] = now
		return false
	}
	now.Since = at
	s.kept.Standings[a.arn] = now
	s.kept.note(a, at, "StateUpdate", fmt.Sprintf("Alarm updated from %s to %s", before.State, now.State), map[string]any{
		"version": "1.0", "oldState": stateData(before), "newState": stateData(now),
	})
	s.act(a, before, now, at)
	return true
}

func stateData(st standing) map[string]any {
	return map[string]any{"stateValue": st.State, "stateReason": st.Reason, "stateReasonData": json.RawMessage(orNull(st.ReasonData))}
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

// reasonData is the machine's form of a reason, as CloudWatch's of version 1.0.
func (a alarm) reasonData(v verdict, at time.Time) string {
	if a.composite || len(v.recent) == 0 {
		return ""
	}
	raw, _ := json.Marshal(map[string]any{ // numbers and texts always can be
		"version": "1.0", "queryDate": at.Format("2006-01-02T15:04:05.000-0700"), "statistic": a.stat(), "period": a.Period,
		"recentDatapoints": v.recent, "threshold": a.Threshold,
	})
	return string(raw)
}

// act does what an alarm says for its new state.
func (s *Service) act(a alarm, before, now standing, at time.Time) {
	if !a.acts() {
		return
	}
	for _, action := range a.actions(now.State) {
		err := s.publish(a, action, before, now, at)
		summary, result := "Successfully executed action "+action, "Succeeded"
		if err != nil {
			summary, result = fmt.Sprintf("Failed to execute action %s. Received error: \"%v\"", action, err), "Failed"
			s.cfg.Log.Warn("an alarm's action", "alarm", a.name, "action", action, "error", err)
		}
		s.kept.note(a, at, "Action", summary, map[string]string{"actionState": result, "stateUpdateTimestamp": at.Format(time.RFC3339), "notificationResource": action})
	}
}

var errNoTopic = errors.New("the topic does not exist")
