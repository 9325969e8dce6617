package main

import (
	"encoding/json"
	"os"
	"path/filepath"
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

func TestPlanCostTakesPricesOfAFile(t *testing.T) {
	enterProject(t)
	file := filepath.Join(t.TempDir(), "nodes.json")
	text := `{"offerCode": "AmazonEC2", "publicationDate": "2026-01-02T00:00:00Z", "products": {"A": {"productFamily": "Compute Instance",
		"attributes": {"instanceType": "m7g.xlarge", "regionCode": "eu-central-1", "operatingSystem": "Linux", "tenancy": "Shared",
		"preInstalledSw": "NA", "capacitystatus": "Used"}}}, "terms": {"OnDemand": {"A": {"A.1": {"priceDimensions": {"A.1.1":
		{"unit": "Hrs", "pricePerUnit": {"USD": "0.3141"}}}}}}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := ragscaleHere("plan", "cost", "--stack", "prod", "--prices", file)
	if code != 0 || !strings.Contains(out, "0.3141 per hour") {
		t.Errorf("exit code %d, %s%s", code, errs, out)
	}
	if out, errs, code = ragscaleHere("plan", "cost", "--stack", "prod", "--prices", file+"x"); code != exitFailed || !strings.Contains(errs, "nodes.jsonx") {
		t.Errorf("exit code %d, %s%s", code, errs, out)
	}
}
