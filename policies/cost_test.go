package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/policies/rules"
)

// billed is a stack of one node group and a database with a standby.
func billed(instanceClass any) rules.Stack {
	return rules.Stack{Resources: []rules.Resource{
		resourceFrom("aws:eks/nodeGroup:NodeGroup", "api", map[string]any{
			"labels": map[string]any{"ragscale.io/pool": "api"}, "instanceTypes": []any{"m7g.large"},
			"scalingConfig": map[string]any{"minSize": 2.0, "maxSize": 4.0},
		}),
		resourceFrom("aws:rds/instance:Instance", "db", map[string]any{
			"instanceClass": instanceClass, "multiAz": true, "allocatedStorage": 100.0, "maxAllocatedStorage": 200.0,
		}),
	}}
}

// 2 × 0.0816 × 730 + 2 × 20 × 0.08 of nodes, 2 × 0.239 × 730 + 2 × 100 × 0.115 of the database; at most twice the nodes and
// storage.
func TestTheBillIsTheFewestOfEverythingAndTheMost(t *testing.T) {
	bill, decided := rules.BillOf(billed("db.r7g.large"), "us-east-1")
	got := fmt.Sprintf("%.2f %.2f %t", bill.MinUSD, bill.MaxUSD, decided)
	if want := "494.28 639.61 true"; got != want {
		t.Errorf("%s, want %s: %+v", got, want, bill.Lines)
	}
}

func TestMonthlyCostIsHeldAgainstTheBudget(t *testing.T) {
	rule, _ := rules.Named("monthly-cost")
	unknownClass := resource.NewComputedProperty(unknown)
	for name, c := range map[string]struct {
		class  any
		budget float64
		says   string // "" = no finding
	}{
		"within":                        {class: "db.r7g.large", budget: 500},
		"at it":                         {class: "db.r7g.large", budget: 494.28001},
		"above":                         {class: "db.r7g.large", budget: 494, says: "monthly cost in USD is 494, and 640 with everything at its maximum, want at most 494"},
		"no budget stated":              {class: "db.r7g.4xlarge", budget: 0},
		"a class without a price":       {class: "db.m8g.large", budget: 5000, says: "not priced: RDS instance db.m8g.large, want at most 5000 (ragscale:budget.monthlyUSD) with a price"},
		"a class that is not known yet": {class: unknownClass, budget: 200},
		"above without what is unknown": {class: unknownClass, budget: 100, says: "want at most 100"},
		"no class":                      {class: nil, budget: 200},
	} {
		found := fmt.Sprint(rule.FindInStack(billed(c.class), rules.Thresholds{Region: "us-east-1", BudgetUSD: c.budget}))
		if c.says == "" && found != "[]" || !strings.Contains(found, c.says) {
			t.Errorf("%s: %s, want %q", name, found, c.says)
		}
	}
}

func TestAReplicaCostsAsItsSourceUnlessItSaysOtherwise(t *testing.T) {
	s := billed("db.r7g.large")
	s.Resources[1].URN = "db"
	replica := resourceFrom("aws:rds/instance:Instance", "db-replica", map[string]any{"replicateSourceDb": "db"})
	replica.Sources = map[string][]string{"replicateSourceDb": {"db"}}
	before, _ := rules.BillOf(s, "us-east-1")
	s.Resources = append(s.Resources, replica)
	after, decided := rules.BillOf(s, "us-east-1")
	if got, want := fmt.Sprintf("%.2f", after.MinUSD-before.MinUSD), "185.97"; got != want || !decided { // 0.239 × 730 + 100 × 0.115
		t.Errorf("%s, want %s", got, want)
	}
}

func TestEveryBilledTypeOfTheProjectHasAPrice(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		s := declare(t, stack)
		if bill, decided := rules.BillOf(s.Stack, "eu-central-1"); !decided || len(bill.NotPriced) > 0 {
			t.Errorf("%s: decided = %t, not priced: %v", stack, decided, bill.NotPriced)
		}
	}
}
