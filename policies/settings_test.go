package main_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/policies/pack"
	"github.com/ragscale/ragscale/stacks"
)

func read(t *testing.T, more map[string]string) (pack.Settings, error) {
	t.Helper()
	values, err := stacks.ReadFile("../Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, more)
	return pack.Read("prod", values, today)
}

func TestBadSettingsAreRefusedWithEveryFault(t *testing.T) {
	for name, c := range map[string]struct{ key, value, want string }{
		"unknown key":  {"policies:levels", `{}`, `policies:levels is no known key, want policies:exemptions`},
		"no list":      {pack.ExemptionsKey, `{"rule":"tags"}`, `policies:exemptions is no list of objects with texts, want entries with rule, resource, reason, expires`},
		"no list item": {pack.ExemptionsKey, `[1]`, `policies:exemptions is no list of objects with texts, want entries with rule, resource, reason, expires`},
		"unknown rule": {pack.ExemptionsKey, `[{"rule":"tag","resource":"*","reason":"r","expires":"2027-01-31"}]`,
			`policies:exemptions[0].rule is "tag", want a rule of the pack: docs/policies.md lists them`},
		"unknown entry key": {pack.ExemptionsKey, `[{"rule":"tags","resource":"*","reason":"r","expires":"2027-01-31","until":"x"}]`,
			`policies:exemptions[0].until is no known key, want one of rule, resource, reason, expires`},
		"missing reason and day": {pack.ExemptionsKey, `[{"rule":"tags","resource":"*"}]`,
			"policies:exemptions[0].reason is not set, want why the rule need not hold\npolicies:exemptions[0].expires is not set, want the last day, such as 2027-01-31"},
		"bad pattern": {pack.ExemptionsKey, `[{"rule":"tags","resource":"[","reason":"r","expires":"2027-01-31"}]`,
			`policies:exemptions[0].resource is "[", want the name of a resource or a pattern such as "rag-prod-*"`},
		"no day": {pack.ExemptionsKey, `[{"rule":"tags","resource":"*","reason":"r","expires":"soon"}]`,
			`policies:exemptions[0].expires is "soon", want the last day, such as 2027-01-31`},
		"expired": {pack.ExemptionsKey, `[{"rule":"tags","resource":"*","reason":"r","expires":"2026-11-22"}]`,
			`policies:exemptions[0].expires was 2026-11-22, want a day to come: mend the stack or renew the exemption with its reason`},
		"the stack's own": {"ragscale:slo", `{"cpuPercent":0}`, `ragscale:slo.cpuPercent is 0, want a number from 1 to 99`},
	} {
		_, err := read(t, map[string]string{c.key: c.value})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

func TestAPackWithoutTheStacksConfigurationIsRefused(t *testing.T) {
	_, err := pack.Read("prod", map[string]string{"aws:region": "eu-central-1"}, today)
	want := "stack prod says nothing under ragscale:, want the configuration of a ragscale stack: run the pack for one of its stacks"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestAnExemptionHoldsOnItsLastDay(t *testing.T) {
	s, err := read(t, map[string]string{pack.ExemptionsKey: `[{"rule":"tags","resource":"a-*","reason":"r","expires":"2026-11-23"}]`})
	if err != nil {
		t.Fatal(err)
	}
	want := []pack.Exemption{{Rule: "tags", Resource: "a-*", Reason: "r", Expires: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}}
	if diff := cmp.Diff(want, s.Exemptions); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
