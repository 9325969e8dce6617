package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/policies/rules"
)

func TestPoliciesAreListedAsTheStackHasThem(t *testing.T) {
	for stack, want := range map[string]string{"prod": "\n  rds-multi-az  mandatory\n", "dev": "\n  rds-multi-az  advisory\n", "local": "\n  rds-multi-az  off\n"} {
		t.Run(stack, func(t *testing.T) {
			out, errs, code := ragscale(t, "policies", "list", "--stack", stack)
			if code != 0 || !strings.Contains(out, want) || !strings.Contains(out, "slo.responseSeconds") {
				t.Errorf("exit code %d, %s\n%s", code, errs, out)
			}
		})
	}
}

func TestPoliciesAreListedAsJSON(t *testing.T) {
	out, errs, code := ragscale(t, "policies", "list", "--stack", "prod", "--json")
	var list rules.Listing
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v, %s", code, err, errs)
	}
	if len(list.Rules) != len(rules.All()) || list.Stack != "prod" || list.Objectives.ResponseSeconds == 0 || list.Replicas == 0 {
		t.Errorf("%+v", list)
	}
}
