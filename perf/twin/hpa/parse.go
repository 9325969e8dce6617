package hpa

import (
	"encoding/json"
	"errors"
	"fmt"
)

// form is a spec of autoscaling/v2 in JSON, as far as it is read here.
type form struct {
	MinReplicas *int `json:"minReplicas"`
	MaxReplicas int  `json:"maxReplicas"`
	Metrics     []struct {
		Type     string `json:"type"`
		Resource struct {
			Name   string `json:"name"`
			Target struct {
				Type               string `json:"type"`
				AverageUtilization int    `json:"averageUtilization"`
			} `json:"target"`
		} `json:"resource"`
	} `json:"metrics"`
	Behavior struct {
		ScaleUp   *rulesForm `json:"scaleUp"`
		ScaleDown *rulesForm `json:"scaleDown"`
	} `json:"behavior"`
}

type rulesForm struct {
	StabilizationWindowSeconds *float64     `json:"stabilizationWindowSeconds"`
	SelectPolicy               string       `json:"selectPolicy"`
	Policies                   []policyForm `json:"policies"`
}

type policyForm struct {
	Type          string  `json:"type"`
	Value         int     `json:"value"`
	PeriodSeconds float64 `json:"periodSeconds"`
}

// Parse reads a HorizontalPodAutoscaler's spec in JSON, with Kubernetes' defaults for what it leaves out. All that is
// not understood is named: only resource metrics with a utilization are.
func Parse(spec []byte, settings Settings) (Spec, error) {
	var f form
	if err := json.Unmarshal(spec, &f); err != nil {
		return Spec{}, fmt.Errorf("spec of the autoscaler: %w", err)
	}
	s := Spec{Min: 1, Max: f.MaxReplicas}
	if f.MinReplicas != nil {
		s.Min = *f.MinReplicas
	}
	var faults []error
	for i, m := range f.Metrics {
		t := m.Resource.Target
		if m.Type != "Resource" || t.Type != "Utilization" || m.Resource.Name != CPU && m.Resource.Name != Memory {
			faults = append(faults, fmt.Errorf("spec.metrics[%d] is of type %q on %q, want a Resource, cpu or memory, "+
				"with a Utilization", i, m.Type, m.Resource.Name))
			continue
		}
		s.Metrics = append(s.Metrics, Target{m.Resource.Name, t.AverageUtilization})
	}
	s.Up = f.Behavior.ScaleUp.rules(0, Policy{Pods, 4, 15}, Policy{Percent, 100, 15})
	s.Down = f.Behavior.ScaleDown.rules(settings.DownscaleStabilizationSeconds, Policy{Percent, 100, 15})
	return s, errors.Join(append(faults, s.Check())...)
}

// rules are those that are said, and Kubernetes' own for what is not.
func (f *rulesForm) rules(stabilization float64, policies ...Policy) Rules {
	r := Rules{StabilizationSeconds: stabilization, Select: SelectMax, Policies: policies, Tolerance: -1}
	if f == nil {
		return r
	}
	if f.StabilizationWindowSeconds != nil {
		r.StabilizationSeconds = *f.StabilizationWindowSeconds
	}
	if f.SelectPolicy != "" {
		r.Select = f.SelectPolicy
	}
	if len(f.Policies) > 0 {
		r.Policies = nil
		for _, p := range f.Policies {
			r.Policies = append(r.Policies, Policy(p))
		}
	}
	return r
}

// Check names all that Kubernetes would refuse of a spec, or the twin cannot run.
func (s Spec) Check() error {
	var faults []error
	if s.Min < 1 || s.Max < s.Min {
		faults = append(faults, fmt.Errorf("replicas are %d to %d, want 1 or more, and no fewer at most than at least",
			s.Min, s.Max))
	}
	if len(s.Metrics) == 0 {
		faults = append(faults, errors.New("there is no metric, want CPU or memory"))
	}
	for _, t := range s.Metrics {
		if t.Percent < 1 {
			faults = append(faults, fmt.Errorf("the target of %s is %d %%, want 1 or more", t.Resource, t.Percent))
		}
	}
	return errors.Join(append(faults, s.Up.check("scaleUp"), s.Down.check("scaleDown"))...)
}

func (p Policy) valid() bool {
	return (p.Type == Pods || p.Type == Percent) && p.Value >= 1 && p.PeriodSeconds >= 1 && p.PeriodSeconds <= 1800
}

// check holds rules to what Kubernetes takes: windows up to an hour, periods of 1 to 1,800 s.
func (r Rules) check(name string) error {
	var faults []error
	if r.StabilizationSeconds < 0 || r.StabilizationSeconds > 3600 {
		faults = append(faults, fmt.Errorf("%s.stabilizationWindowSeconds is %v, want 0 to 3600", name,
			r.StabilizationSeconds))
	}
	if r.Select != SelectMax && r.Select != SelectMin && r.Select != SelectDisabled {
		faults = append(faults, fmt.Errorf("%s.selectPolicy is %q, want Max, Min or Disabled", name, r.Select))
	}
	for i, p := range r.Policies {
		if !p.valid() {
			faults = append(faults, fmt.Errorf("%s.policies[%d] is %+v, want Pods or Percent, 1 or more, "+
				"in 1 to 1800 s", name, i, p))
		}
	}
	return errors.Join(faults...)
}
