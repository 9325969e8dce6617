package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"

	"github.com/ragscale/ragscale/policies/pack"
	"github.com/ragscale/ragscale/policies/rules"
)

// engineReport stands for the engine: it keeps the violations of the policies whose level is mandatory or advisory.
type engineReport struct{ messages []string }

func (e *engineReport) ReportViolation(message, _ string) { e.messages = append(e.messages, message) }

// run asks a pack about a stack as the engine does in a first preview: stack policies see no outputs of any resource.
func run(t *testing.T, s subject) map[string][]string {
	t.Helper()
	p, err := pack.New(s.settings)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	var outputs []policyx.AnalyzerResource
	for _, r := range s.Resources {
		a := policyx.AnalyzerResource{
			Type: r.Type, Name: r.Name, URN: r.URN, Properties: r.Inputs, PropertyDependencies: r.Sources,
			Options: pulumi.ResourceOptions{Protect: r.Protect, IgnoreChanges: r.IgnoreChanges},
		}
		for _, policy := range p.Policies() {
			validate(t, policy, a, said)
		}
		a.Properties = property.Map{}
		outputs = append(outputs, a)
	}
	for _, policy := range p.Policies() {
		if policy, is := policy.(policyx.StackValidationPolicy); is && policy.EnforcementLevel() != policyx.EnforcementLevelDisabled {
			var report engineReport
			if err := policy.Validate(t.Context(), policyx.StackValidationArgs{Manager: &report, Resources: outputs}); err != nil {
				t.Fatal(err)
			}
			said[policy.Name()] = append(said[policy.Name()], report.messages...)
		}
	}
	return said
}

func validate(t *testing.T, policy policyx.Policy, a policyx.AnalyzerResource, said map[string][]string) {
	t.Helper()
	p, is := policy.(policyx.ResourceValidationPolicy)
	if !is || p.EnforcementLevel() == policyx.EnforcementLevelDisabled {
		return
	}
	var report engineReport
	if err := p.Validate(t.Context(), policyx.ResourceValidationArgs{Manager: &report, Resource: a}); err != nil {
		t.Fatal(err)
	}
	said[p.Name()] = append(said[p.Name()], report.messages...)
}

func TestAViolationSaysWhatWhereAndHowToMendIt(t *testing.T) {
	s := declare(t, "prod")
	s.set(db, "multiAz", false)
	want := []string{"rag-prod: multiAz is false, want true\nFix: Set ragscale:database.multiAz to true.\nMore: docs/policies.md#rds-multi-az"}
	if diff := cmp.Diff(want, run(t, s)["rds-multi-az"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestStackRulesJudgeInputsWhileOutputsAreNotThere(t *testing.T) {
	s := declare(t, "prod")
	s.set(apiDeployment, "spec.replicas", 3.0)
	if got := run(t, s)["hpa-owns-replicas"]; len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestAnExemptionSilencesItsRuleAndIsReported(t *testing.T) {
	s := declare(t, "prod")
	s.set(db, "multiAz", false)
	s.settings.Exemptions = []pack.Exemption{
		{Rule: "rds-multi-az", Resource: "rag-*", Reason: "moving", Expires: today},
		{Rule: "tags", Resource: "none", Reason: "forgotten", Expires: today.AddDate(0, 0, 1)},
	}
	said := run(t, s)
	if len(said["rds-multi-az"]) > 0 {
		t.Errorf("%q", said["rds-multi-az"])
	}
	want := []string{
		"rds-multi-az for rag-* until 2026-11-23, findings silenced: 1. Reason: moving",
		"tags for none until 2026-11-24, silences nothing: remove it. Reason: forgotten",
	}
	if diff := cmp.Diff(want, said["exemptions"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEveryPolicyHasItsRulesLevel(t *testing.T) {
	want := map[rules.Level]policyx.EnforcementLevel{
		rules.Mandatory: policyx.EnforcementLevelMandatory, rules.Advisory: policyx.EnforcementLevelAdvisory, rules.Off: policyx.EnforcementLevelDisabled,
	}
	for _, stack := range []string{"prod", "dev", "local"} {
		s := declare(t, stack)
		p, err := pack.New(s.settings)
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range p.Policies() {
			r, isRule := rules.Named(policy.Name())
			if isRule && policy.EnforcementLevel() != want[r.Levels.In(s.settings.Thresholds.Environment)] {
				t.Errorf("%s: %s is %v", stack, r.Name, policy.EnforcementLevel())
			}
		}
	}
}

func TestARemedyMendsWhatIsMissingAndNothingElse(t *testing.T) {
	s := declare(t, "prod")
	before := s.resource("LogGroup rag-prod-flow-logs").Inputs
	s.set("LogGroup rag-prod-flow-logs", "retentionInDays", nil)
	s.set("LogGroup rag-prod-flow-logs", `tags["cost-centre"]`, nil)
	r := *s.resource("LogGroup rag-prod-flow-logs")
	for _, m := range rules.Remedies() {
		inputs, mended := m.Mend(r, s.settings.Thresholds)
		if !mended {
			t.Errorf("%s mends nothing", m.Name)
		}
		r.Inputs = inputs
	}
	if !r.Inputs.Equals(before) {
		t.Errorf("%#v\nwant %#v", r.Inputs, before)
	}
	for _, r := range declare(t, "prod").Resources {
		for _, m := range rules.Remedies() {
			if _, mended := m.Mend(r, s.settings.Thresholds); mended {
				t.Errorf("%s mends %s %s, which has no fault", m.Name, r.Type, r.Name)
			}
		}
	}
}
