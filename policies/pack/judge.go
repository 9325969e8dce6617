package pack

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"

	"github.com/ragscale/ragscale/policies/rules"
)

// exemptionsPolicy is the name of the policy that reports what is exempt.
const exemptionsPolicy = "exemptions"

// judge holds the rules against one stack during one operation of the engine, which asks concurrently.
type judge struct {
	settings Settings

	mu       sync.Mutex
	inputs   map[string]property.Map // by URN: what the engine showed to resource rules
	silenced map[int]int             // findings by the index of the exemption that covers them
}

func newJudge(s Settings) *judge {
	return &judge{settings: s, inputs: map[string]property.Map{}, silenced: map[int]int{}}
}

func (j *judge) policies() []policyx.Policy {
	var all []policyx.Policy
	for _, m := range rules.Remedies() {
		all = append(all, j.remedy(m))
	}
	for _, r := range rules.All() {
		if r.Check != nil {
			all = append(all, j.resourcePolicy(r))
		} else {
			all = append(all, j.stackPolicy(r))
		}
	}
	return append(all, j.exemptions())
}

func (j *judge) level(r rules.Rule) policyx.EnforcementLevel {
	switch r.Levels.In(j.settings.Thresholds.Environment) {
	case rules.Off:
		return policyx.EnforcementLevelDisabled
	case rules.Advisory:
		return policyx.EnforcementLevelAdvisory
	default:
		return policyx.EnforcementLevelMandatory
	}
}

func (j *judge) resourcePolicy(r rules.Rule) policyx.Policy {
	return policyx.NewResourceValidationPolicy(r.Name, policyx.ResourceValidationPolicyArgs{
		Description:      r.Says,
		EnforcementLevel: j.level(r),
		ValidateResource: func(_ context.Context, a policyx.ResourceValidationArgs) error {
			j.remember(a.Resource)
			j.report(r, r.Find(resourceOf(a.Resource), j.settings.Thresholds), a.Manager)
			return nil
		},
	})
}

func (j *judge) stackPolicy(r rules.Rule) policyx.Policy {
	return policyx.NewStackValidationPolicy(r.Name, policyx.StackValidationPolicyArgs{
		Description:      r.Says,
		EnforcementLevel: j.level(r),
		ValidateStack: func(_ context.Context, a policyx.StackValidationArgs) error {
			j.report(r, r.FindInStack(j.stack(a.Resources), j.settings.Thresholds), a.Manager)
			return nil
		},
	})
}

func (j *judge) remedy(m rules.Remedy) policyx.Policy {
	return policyx.NewResourceRemediationPolicy(m.Name, policyx.ResourceRemediationPolicyArgs{
		Description: m.Says,
		RemediateResource: func(_ context.Context, a policyx.ResourceRemediationArgs) (*property.Map, error) {
			inputs, mended := m.Mend(resourceOf(a.Resource), j.settings.Thresholds)
			if !mended {
				return nil, nil
			}
			return &inputs, nil
		},
	})
}

func (j *judge) remember(a policyx.AnalyzerResource) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.inputs[a.URN] = a.Properties
}

// stack is the resources of the stack with their inputs; of one that was not shown, its outputs.
func (j *judge) stack(all []policyx.AnalyzerResource) rules.Stack {
	j.mu.Lock()
	defer j.mu.Unlock()
	var s rules.Stack
	for _, a := range all {
		r := resourceOf(a)
		if inputs, seen := j.inputs[a.URN]; seen {
			r.Inputs = inputs
		}
		s.Resources = append(s.Resources, r)
	}
	return s
}

func resourceOf(a policyx.AnalyzerResource) rules.Resource {
	return rules.Resource{
		Type: a.Type, Name: a.Name, URN: a.URN, Inputs: a.Properties,
		Protect: a.Options.Protect, IgnoreChanges: a.Options.IgnoreChanges, Sources: a.PropertyDependencies,
	}
}

// report hands findings to the engine, except those that are exempt.
func (j *judge) report(r rules.Rule, findings []rules.Finding, to policyx.PolicyManager) {
	for _, f := range findings {
		if !j.exempt(r, f) {
			to.ReportViolation(violation(r, f), f.URN)
		}
	}
}

func (j *judge) exempt(r rules.Rule, f rules.Finding) bool {
	for i, e := range j.settings.Exemptions {
		if e.covers(r.Name, f) {
			j.mu.Lock()
			j.silenced[i]++
			j.mu.Unlock()
			return true
		}
	}
	return false
}

// violation is what the engine prints under the rule's sentence.
func violation(r rules.Rule, f rules.Finding) string {
	found := f.String()
	if f.Name != "" {
		found = f.Name + ": " + found
	}
	return strings.Join([]string{found, "Fix: " + r.Fix, "More: docs/policies.md#" + r.Name}, "\n")
}

// exemptions reports every exemption at every run, and those that silence nothing so that they go.
func (j *judge) exemptions() policyx.Policy {
	return policyx.NewStackValidationPolicy(exemptionsPolicy, policyx.StackValidationPolicyArgs{
		Description:      "Rules that this stack need not hold to for now.",
		EnforcementLevel: policyx.EnforcementLevelAdvisory,
		ValidateStack: func(_ context.Context, a policyx.StackValidationArgs) error {
			j.mu.Lock()
			defer j.mu.Unlock()
			for i, e := range j.settings.Exemptions {
				a.Manager.ReportViolation(e.report(j.silenced[i]), "")
			}
			return nil
		},
	})
}

func (e Exemption) report(silenced int) string {
	effect := fmt.Sprintf("findings silenced: %d", silenced)
	if silenced == 0 {
		effect = "silences nothing: remove it"
	}
	return fmt.Sprintf("%s for %s until %s, %s. Reason: %s", e.Rule, e.Resource, e.Expires.Format(time.DateOnly),
		effect, e.Reason)
}
