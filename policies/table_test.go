package main_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/components/graph"
	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/stacks"
)

func TestThePageIsTheTable(t *testing.T) {
	graph.Golden(t, "../docs/policies.md", rules.Page())
}

func TestEveryRuleSaysEverything(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, r := range rules.All() {
		if !name.MatchString(r.Name) || seen[r.Name] {
			t.Errorf("%q is no name, or that of another rule too", r.Name)
		}
		seen[r.Name] = true
		if !strings.HasSuffix(r.Says, ".") || r.Fix == "" || r.Origin == "" || r.Area == "" {
			t.Errorf("%s does not say everything: %+v", r.Name, r)
		}
		if (r.Check == nil) == (r.CheckStack == nil) {
			t.Errorf("%s has no check, or two", r.Name)
		}
	}
}

func TestEveryRuleIsMandatoryInProduction(t *testing.T) {
	for _, r := range rules.All() {
		if r.Levels.In(stacks.Production) != rules.Mandatory || r.Levels.Development == "" || r.Levels.Local == "" {
			t.Errorf("%s: %+v", r.Name, r.Levels)
		}
	}
}

func TestTheListHasALinePerRule(t *testing.T) {
	var b strings.Builder
	if err := rules.List(&b, stacks.Production); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "\n"); got != len(rules.All())+1 {
		t.Errorf("%d lines for %d rules", got, len(rules.All()))
	}
}
