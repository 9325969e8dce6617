package pack

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/stacks"
)

// serving is a server that an engine has told of a stack of the project.
func serving(t *testing.T, stack string) *server {
	t.Helper()
	values, err := stacks.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	if _, err := s.ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{Stack: stack, Config: values}); err != nil {
		t.Fatal(err)
	}
	return s
}

func configure(t *testing.T, s *server, config map[string]*pulumirpc.PolicyConfig) error {
	t.Helper()
	_, err := s.Configure(t.Context(), &pulumirpc.ConfigureAnalyzerRequest{PolicyConfig: config})
	return err
}

func disabled() *pulumirpc.PolicyConfig {
	return &pulumirpc.PolicyConfig{EnforcementLevel: pulumirpc.EnforcementLevel_DISABLED}
}

func TestAnEngineThatNamesNoStackIsRefused(t *testing.T) {
	if _, err := (&server{}).GetAnalyzerInfo(t.Context(), nil); !errors.Is(err, errNoStack) {
		t.Errorf("GetAnalyzerInfo: %v", err)
	}
	if err := configure(t, &server{}, nil); !errors.Is(err, errNoStack) {
		t.Errorf("Configure: %v", err)
	}
}

func TestUnknownPoliciesAndKeysAreRefusedWithEveryFault(t *testing.T) {
	config := map[string]*pulumirpc.PolicyConfig{
		"all": disabled(), "rds-multi-az": disabled(), "mend-tags": disabled(), "exemptions": disabled(),
		"rds-multi": disabled(),
		"tags":      {Properties: &structpb.Struct{Fields: map[string]*structpb.Value{"max": structpb.NewNumberValue(3), "least": structpb.NewNumberValue(1)}}},
	}
	err := configure(t, serving(t, "prod"), config)
	want := "policy rds-multi is none of this pack, want a rule of docs/policies.md, or all\n" +
		"policy tags.least is no known key, want enforcementLevel: thresholds are in the stack's file, under ragscale:\n" +
		"policy tags.max is no known key, want enforcementLevel: thresholds are in the stack's file, under ragscale:"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestADisabledPolicyIsNotAsked(t *testing.T) {
	s := serving(t, "prod")
	if err := configure(t, s, map[string]*pulumirpc.PolicyConfig{"rds-multi-az": disabled()}); err != nil {
		t.Fatal(err)
	}
	if names := namesOf(s.agenda.of("aws:rds/instance:Instance").policies); slices.Contains(names, "rds-multi-az") || len(names) == 0 {
		t.Errorf("%v", names)
	}
}

func TestWhatIsExemptIsReportedEvenWhenAllIsDisabled(t *testing.T) {
	s := serving(t, "prod")
	config := map[string]*pulumirpc.PolicyConfig{}
	for _, p := range s.pack.Policies() {
		config[p.Name()] = disabled()
	}
	if err := configure(t, s, config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{exemptionsPolicy}, namesOf(s.agenda.stack)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPolicyIsAskedOrDoesNotApply(t *testing.T) {
	s := serving(t, "prod")
	var every []string
	for _, p := range s.pack.Policies() {
		if _, ofStack := p.(policyx.StackValidationPolicy); !ofStack {
			every = append(every, p.Name())
		}
	}
	slices.Sort(every)
	for _, typ := range []string{"aws:rds/instance:Instance", "kubernetes:apps/v1:Deployment"} {
		q := s.agenda.of(typ)
		names := namesOf(q.policies)
		for _, other := range q.others {
			names = append(names, other.GetPolicyName())
		}
		slices.Sort(names)
		if diff := cmp.Diff(every, names); diff != "" {
			t.Errorf("%s: -want +got:\n%s", typ, diff)
		}
	}
}

func TestRulesAreAskedAboutWhatTheyLookAt(t *testing.T) {
	for _, p := range serving(t, "prod").agenda.of("aws:rds/instance:Instance").policies {
		if r, _ := rules.Named(p.Name()); !r.LooksAt("aws:rds/instance:Instance") {
			t.Errorf("%s is asked", p.Name())
		}
	}
}

func TestStackRulesJudgeTheInputsOfWhatNoResourceRuleLooksAt(t *testing.T) {
	s := serving(t, "prod")
	config := map[string]*pulumirpc.PolicyConfig{}
	for _, r := range rules.All() {
		if len(r.Types) == 0 && r.Check != nil { // looks at every type
			config[r.Name] = disabled()
		}
	}
	if err := configure(t, s, config); err != nil {
		t.Fatal(err)
	}
	const urn = "urn:pulumi:local::ragscale::kubernetes:core/v1:Endpoints::rag"
	request := &pulumirpc.AnalyzeRequest{Urn: urn, Type: "kubernetes:core/v1:Endpoints", Name: "rag"}
	if _, err := s.Analyze(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if _, judged := s.judged.Load(urn); !judged {
		t.Error("no rule was shown the resource")
	}
}

func TestTheEngineIsToldWhichPoliciesAreOfTheStack(t *testing.T) {
	info, err := serving(t, "prod").GetAnalyzerInfo(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range info.GetPolicies() {
		rule, isRule := rules.Named(p.GetName())
		ofStack := isRule && rule.CheckStack != nil || p.GetName() == exemptionsPolicy
		if ofStack != (p.GetPolicyType() == pulumirpc.PolicyType_POLICY_TYPE_STACK) {
			t.Errorf("%s is told as %s", p.GetName(), p.GetPolicyType())
		}
	}
}

func TestTheEngineIsRefusedAnExpiredExemption(t *testing.T) {
	values, err := stacks.ReadFile("../../Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	values[ExemptionsKey] = `[{"rule":"tags","resource":"*","reason":"r","expires":"` + yesterday + `"}]`
	_, err = (&server{}).ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{Stack: "prod", Config: values})
	want := "policies:exemptions[0].expires was " + yesterday + ", want a day to come: mend the stack or renew the exemption with its reason"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func namesOf[P policyx.Policy](all []P) []string {
	var names []string
	for _, p := range all {
		names = append(names, p.Name())
	}
	return names
}
