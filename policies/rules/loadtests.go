package rules

import (
	"encoding/json"
	"fmt"
	"slices"
)

// loadtestNotUnattended looks at what runs k6.
func loadtestNotUnattended(r Resource, _ Thresholds, p *Report) {
	generators := slices.DeleteFunc(containers(r), func(c Property) bool { return program(c) != "k6" })
	if len(generators) == 0 {
		return
	}
	p.isTrue(r, r.At("spec", "suspend"))
	for _, c := range generators {
		for _, v := range c.At("env").Each() {
			if v.At("name").Text() == "ALLOW_PRODUCTION" {
				p.isNotTrue(r, v.At("value"))
			}
		}
	}
}

// scenario is the file that a load test reads, as far as the rule does.
type scenario struct {
	Thresholds *struct {
		ResponseMillis, ComplexSearchMillis, UploadSecondsPerMB, FailedRatio, DroppedIterations *float64
		RecallRatio, DegradedRatio, FreshnessSeconds                                            *float64
	}
}

func loadtestThresholds(r Resource, t Thresholds, p *Report) {
	file := r.At("data", "scenario.json")
	if file.Absent() || file.Unknown() {
		return
	}
	var s scenario
	if err := json.Unmarshal([]byte(file.Text()), &s); err != nil || s.Thresholds == nil {
		p.about(r, file.Path, "without thresholds", "those of the objectives")
		return
	}
	const rounding = 1e-9
	for _, limit := range []struct {
		name string
		has  *float64
		most float64
	}{
		{"responseMillis", s.Thresholds.ResponseMillis, float64(t.Load.ResponseMillis)},
		{"complexSearchMillis", s.Thresholds.ComplexSearchMillis, float64(t.Load.ComplexSearchMillis)},
		{"uploadSecondsPerMB", s.Thresholds.UploadSecondsPerMB, t.Load.UploadSecondsPerMB},
		{"failedRatio", s.Thresholds.FailedRatio, t.Load.FailedRatio},
		{"droppedIterations", s.Thresholds.DroppedIterations, float64(t.Load.DroppedIterations)},
		{"degradedRatio", s.Thresholds.DegradedRatio, t.Load.DegradedRatio},
		{"freshnessSeconds", s.Thresholds.FreshnessSeconds, t.Load.FreshnessSeconds},
	} {
		switch {
		case limit.has == nil:
			p.about(r, file.Path+" "+limit.name, "not set", fmt.Sprintf("at most %v", limit.most))
		case *limit.has > limit.most+rounding:
			p.about(r, file.Path+" "+limit.name, fmt.Sprint(*limit.has), fmt.Sprintf("at most %v", limit.most))
		}
	}
	least := fmt.Sprintf("at least %v", t.Load.RecallRatio)
	if recall := s.Thresholds.RecallRatio; recall == nil {
		p.about(r, file.Path+" recallRatio", "not set", least)
	} else if *recall < t.Load.RecallRatio-rounding {
		p.about(r, file.Path+" recallRatio", fmt.Sprint(*recall), least)
	}
}
