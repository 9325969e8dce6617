package catalogue_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/stacks/catalogue"
)

// The list prices are those of the sources that price.go names.
func TestAPriceFollowsFromTheFamilysAndTheMemory(t *testing.T) {
	for _, c := range []struct {
		service catalogue.Service
		typ     string
		usd     float64
		within  float64 // share: AWS rounds
	}{
		{catalogue.NodeHours, "m7g.xlarge", 0.1632, 0}, {catalogue.NodeHours, "c7g.8xlarge", 1.16, 0}, {catalogue.NodeHours, "t4g.small", 0.0168, 0},
		{catalogue.NodeHours, "t3.2xlarge", 0.3328, 0}, {catalogue.NodeHours, "r8g.4xlarge", 0.94256, 0}, {catalogue.NodeHours, "m6i.2xlarge", 0.384, 0},
		{catalogue.DatabaseHours, "db.t4g.micro", 0.016, 0.01}, {catalogue.DatabaseHours, "db.t4g.medium", 0.065, 0.01},
		{catalogue.DatabaseHours, "db.r7g.2xlarge", 0.956, 0.01}, {catalogue.DatabaseHours, "db.m7g.xlarge", 0.337, 0.01},
		{catalogue.CacheHours, "cache.r7g.xlarge", 0.437, 0},
	} {
		price, ok := catalogue.PriceIn("us-east-1", c.service, c.typ)
		if !ok || math.Abs(price.USD-c.usd) > c.usd*c.within+1e-9 || price.Per != "hour" {
			t.Errorf("%s %s: %+v, %t, want %v", c.service, c.typ, price, ok, c.usd)
		}
	}
}

func TestEveryNodeAndCacheTypeHasAPrice(t *testing.T) {
	for service, names := range map[catalogue.Service][]string{catalogue.NodeHours: catalogue.EC2Names(), catalogue.CacheHours: catalogue.CacheNames()} {
		for _, name := range names {
			if price, ok := catalogue.PriceIn("eu-west-1", service, name); !ok || price.USD <= 0 {
				t.Errorf("%s has no price", name)
			}
		}
	}
}

func TestADatabaseClassWithoutAPriceIsOneOfThoseThatWereNotFound(t *testing.T) {
	for _, name := range catalogue.RDSNames() {
		_, ok := catalogue.PriceIn("us-east-1", catalogue.DatabaseHours, name)
		family, _, _ := strings.Cut(strings.TrimPrefix(name, "db."), ".")
		if missing := family == "m7i" || family == "m8g" || family == "r7i"; ok == missing {
			t.Errorf("%s: has a price = %t", name, ok)
		}
	}
}

func TestARegionsMarkupIsForWhatDiffersByRegion(t *testing.T) {
	gateway, _ := catalogue.PriceIn("eu-central-1", catalogue.NATGateway, "")
	control, _ := catalogue.PriceIn("eu-central-1", catalogue.ControlPlane, "")
	if math.Abs(gateway.USD-0.054) > 1e-9 || control.USD != 0.10 {
		t.Errorf("%v, %v", gateway.USD, control.USD)
	}
}
