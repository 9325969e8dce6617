package pack

import (
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/ragscale/ragscale/policies/rules"
)

// agenda is who is asked about what: the policies that are not disabled, by kind.
//
// The engine reports for every resource, twice, which policies it passed, unless it is told that they do not apply.
// With some hundred policies those reports outweigh all else that passes between engine and pack.
type agenda struct {
	resource []policyx.ResourceValidationPolicy
	remedies []policyx.ResourceRemediationPolicy
	stack    []policyx.StackValidationPolicy

	notRemedies []*pulumirpc.PolicyNotApplicable
	rules       map[string]rules.Rule // by name
	byType      *sync.Map             // resource type → asked
}

// asked is who is asked about resources of one type, and who is not.
type asked struct {
	policies []policyx.ResourceValidationPolicy
	others   []*pulumirpc.PolicyNotApplicable
}

func agendaOf(p policyx.PolicyPack, level func(policyx.Policy) policyx.EnforcementLevel) agenda {
	a := agenda{rules: map[string]rules.Rule{}, byType: &sync.Map{}}
	for _, r := range rules.All() {
		a.rules[r.Name] = r
	}
	for _, p := range p.Policies() {
		if level(p) == policyx.EnforcementLevelDisabled {
			continue
		}
		switch p := p.(type) {
		case policyx.ResourceValidationPolicy:
			a.resource = append(a.resource, p)
			a.notRemedies = append(a.notRemedies, notApplicable(p))
		case policyx.ResourceRemediationPolicy:
			a.remedies = append(a.remedies, p)
		case policyx.StackValidationPolicy:
			a.stack = append(a.stack, p)
		}
	}
	return a
}

// of is who is asked about resources of a type.
func (a agenda) of(typ string) asked {
	if known, ok := a.byType.Load(typ); ok {
		return known.(asked)
	}
	var q asked
	for _, p := range a.resource {
		if a.rules[p.Name()].LooksAt(typ) {
			q.policies = append(q.policies, p)
		} else {
			q.others = append(q.others, notApplicable(p))
		}
	}
	if len(q.policies) == 0 && len(a.resource) > 0 {
		q.policies = a.resource[:1] // finds nothing, but stack policies judge what some resource policy was shown
	}
	for _, p := range a.remedies {
		q.others = append(q.others, notApplicable(p))
	}
	a.byType.Store(typ, q)
	return q
}

func notApplicable(p policyx.Policy) *pulumirpc.PolicyNotApplicable {
	return &pulumirpc.PolicyNotApplicable{PolicyName: p.Name()}
}

func typeOf(p policyx.Policy) pulumirpc.PolicyType {
	if _, is := p.(policyx.StackValidationPolicy); is {
		return pulumirpc.PolicyType_POLICY_TYPE_STACK
	}
	return pulumirpc.PolicyType_POLICY_TYPE_RESOURCE
}
