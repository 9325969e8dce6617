package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue/price"
)

func TestPlanCostShowsItemsTotalAndBudget(t *testing.T) {
	out, errs, code := ragscale(t, "plan", "cost", "--stack", "prod")
	for _, want := range []string{"nodes api ", "RDS instance db.r7g.xlarge", "\ntotal ", "Left out: ", "Budget: 4000 USD a month, of which "} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %s, output\n%s\nwant in it %q", code, errs, out, want)
		}
	}
}

func TestPlanCostAsJSONIsTheBill(t *testing.T) {
	out, errs, code := ragscale(t, "plan", "cost", "--stack", "dev", "--json")
	var bill price.Bill
	if err := json.Unmarshal([]byte(out), &bill); err != nil || code != 0 {
		t.Fatalf("exit code %d, %s: %v", code, errs, err)
	}
	var sum float64
	for _, line := range bill.Lines {
		sum += line.MinUSD
	}
	if bill.MinUSD < 100 || sum-bill.MinUSD > 0.01 || bill.MinUSD-sum > 0.01 || bill.Region != "eu-central-1" {
		t.Errorf("%+v", bill)
	}
}

func TestPlanCostOfAFaultyStackNamesTheKey(t *testing.T) {
	_, errs, code := ragscale(t, "plan", "cost", "--stack", "staging")
	if code != exitFailed || !strings.Contains(errs, `stack is "staging", want one of: dev, local, prod`) {
		t.Errorf("exit code %d, message %q", code, errs)
	}
}
