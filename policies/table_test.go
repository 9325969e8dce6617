package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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

func TestTheListSaysEverythingOfEveryRule(t *testing.T) {
	var b strings.Builder
	list := rules.List(declare(t, "prod").settings.Thresholds)
	if err := list.Text(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, r := range rules.All() {
		want := fmt.Sprintf("%s %s %s Fix: %s Origin: %s", r.Name, r.Levels.Production, r.Says, r.Fix, r.Origin)
		if want = strings.Join(strings.Fields(want), " "); !strings.Contains(text, want) {
			t.Errorf("the list lacks %s", want)
		}
	}
}

func TestTheListFitsATerminal(t *testing.T) {
	var b strings.Builder
	if err := rules.List(declare(t, "prod").settings.Thresholds).Text(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if width := utf8.RuneCountInString(line); width > 101 {
			t.Errorf("%d characters: %s", width, line)
		}
	}
}

func TestTheListFollowsTheStack(t *testing.T) {
	for stack, level := range map[string]rules.Level{"prod": rules.Mandatory, "dev": rules.Advisory, "local": rules.Off} {
		thresholds := declare(t, stack).settings.Thresholds
		thresholds.SLO.CPUPercent = 55
		l := rules.List(thresholds)
		at := slices.IndexFunc(l.Rules, func(r rules.ListedRule) bool { return r.Name == "rds-multi-az" })
		if l.Rules[at].Level != level || l.Objectives.CPUPercent != 55 || len(l.Alarms) == 0 {
			t.Errorf("%s: %+v", stack, l.Rules[at])
		}
	}
}
