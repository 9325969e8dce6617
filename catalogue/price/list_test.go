package price_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/catalogue/price"
)

// nodes has the form of AWS' own file, with made-up figures.
const nodes = `{"formatVersion": "v1.0", "offerCode": "AmazonEC2", "version": "20261101000000", "publicationDate": "2026-11-01T00:00:00Z",
"products": {
 "A": {"sku": "A", "productFamily": "Compute Instance", "attributes": {"instanceType": "m7g.xlarge", "regionCode": "eu-central-1",
  "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}},
 "B": {"sku": "B", "productFamily": "Compute Instance", "attributes": {"instanceType": "m7g.xlarge", "regionCode": "eu-central-1",
  "operatingSystem": "Windows", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}},
 "C": {"sku": "C", "productFamily": "Storage", "attributes": {"regionCode": "eu-central-1"}}},
"terms": {"OnDemand": {
 "A": {"A.1": {"offerTermCode": "1", "priceDimensions": {"A.1.1": {"unit": "Hrs", "pricePerUnit": {"USD": "0.2000000000"}}}}},
 "B": {"B.1": {"offerTermCode": "1", "priceDimensions": {"B.1.1": {"unit": "Hrs", "pricePerUnit": {"USD": "9"}}}}}}}}`

func TestPricesOfAFileStandBeforeThoseHere(t *testing.T) {
	var l price.List
	if err := l.Add("nodes.json", strings.NewReader(nodes)); err != nil {
		t.Fatal(err)
	}
	if p, ok := l.In("eu-central-1", price.NodeHours, "m7g.xlarge"); !ok || p.USD != 0.2 {
		t.Errorf("%+v", p)
	}
	for _, region := range []string{"us-east-1", "mx-central-1"} {
		got, _ := l.In(region, price.NodeHours, "m7g.xlarge")
		if want, _ := price.In(region, price.NodeHours, "m7g.xlarge"); got != want {
			t.Errorf("%s: %+v, want %+v", region, got, want)
		}
	}
	bill := l.Estimate("eu-central-1", items)
	if got := bill.Lines[1].MaxUSD; got != 4*0.2*730 {
		t.Errorf("four nodes cost %v", got)
	}
	if got, want := bill.Lines[2], price.Estimate("eu-central-1", items).Lines[2]; got != want {
		t.Errorf("storage costs %+v, want %+v", got, want)
	}
	now := l.Published.AddDate(0, 0, 181)
	if said := price.Stale(l.Published, now); !strings.HasPrefix(said, "the prices are of 2026-11-01, 181 days old") {
		t.Errorf("%q", said)
	}
	if said := price.Stale(l.Published, l.Published.Add(180*24*time.Hour)); said != "" {
		t.Errorf("%q", said)
	}
}

func TestAPriceFileOfAnotherFormIsNamed(t *testing.T) {
	for want, text := range map[string]string{
		`p.json: offerCode is "AmazonS3"`:                         `{"offerCode": "AmazonS3", "publicationDate": "2026-11-01T00:00:00Z"}`,
		`p.json: offerCode is ""`:                                 `{}`,
		"want a price list of AWS' bulk API, as JSON":             "SKU,OfferTermCode",
		"no product is a Cache Instance":                          `{"offerCode": "AmazonElastiCache", "publicationDate": "2026-11-01T00:00:00Z"}`,
		`A m7g.xlarge: price is "" USD per "Hrs", want one above`: strings.Replace(nodes, `"USD": "0.2000000000"`, `"CNY": "1"`, 1),
		"A m7g.xlarge: no price on demand, want one":              strings.Replace(nodes, `"A": {"A.1": {"offerTermCode"`, `"D": {"A.1": {"offerTermCode"`, 1),
	} {
		var l price.List
		if err := l.Add("p.json", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTheSameFileGivesTheSamePrices: of several products of one instance the cheapest counts, whatever order they have, and
// faults are named in one order, the first of them.
func TestTheSameFileGivesTheSamePrices(t *testing.T) {
	var products, terms []string
	for i := range 40 {
		products = append(products, fmt.Sprintf(`"S%02d": {"productFamily": "Compute Instance", "attributes": {"instanceType": "m7g.xlarge",
 "regionCode": "eu-central-1", "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}}`, i))
		terms = append(terms, fmt.Sprintf(`"S%02d": {"T": {"priceDimensions": {"D": {"unit": "Hrs", "pricePerUnit": {"USD": "%d"}}}}}`, i, 1+(i+7)%40))
	}
	file := func(terms []string) string {
		return `{"offerCode": "AmazonEC2", "publicationDate": "2026-11-01T00:00:00Z", "products": {` + strings.Join(products, ",") +
			`}, "terms": {"OnDemand": {` + strings.Join(terms, ",") + `}}}`
	}
	for range 5 {
		var l price.List
		if err := l.Add("f", strings.NewReader(file(terms))); err != nil {
			t.Fatal(err)
		}
		if p, _ := l.In("eu-central-1", price.NodeHours, "m7g.xlarge"); p.USD != 1 {
			t.Fatalf("%v USD, want the least", p.USD)
		}
	}
	err := (&price.List{}).Add("f", strings.NewReader(file(nil)))
	if err == nil || !strings.HasPrefix(err.Error(), "f: S00 m7g.xlarge") || !strings.Contains(err.Error(), "and 20 more") {
		t.Errorf("%v, want twenty faults from the first on", err)
	}
}
