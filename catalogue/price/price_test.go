package price_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/price"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
)

// The list prices are those of the sources that price.go names.
func TestAPriceFollowsFromTheFamilysAndTheMemory(t *testing.T) {
	for _, c := range []struct {
		service price.Service
		typ     string
		usd     float64
		within  float64 // share: AWS rounds
	}{
		{price.NodeHours, "m7g.xlarge", 0.1632, 0}, {price.NodeHours, "c7g.8xlarge", 1.16, 0}, {price.NodeHours, "t4g.small", 0.0168, 0},
		{price.NodeHours, "t3.2xlarge", 0.3328, 0}, {price.NodeHours, "r8g.4xlarge", 0.94256, 0}, {price.NodeHours, "m6i.2xlarge", 0.384, 0},
		{price.DatabaseHours, "db.t4g.micro", 0.016, 0.01}, {price.DatabaseHours, "db.t4g.medium", 0.065, 0.01},
		{price.DatabaseHours, "db.r7g.2xlarge", 0.956, 0.01}, {price.DatabaseHours, "db.m7g.xlarge", 0.337, 0.01},
		{price.CacheHours, "cache.r7g.xlarge", 0.437, 0},
	} {
		unit, ok := price.In("us-east-1", c.service, c.typ)
		if !ok || math.Abs(unit.USD-c.usd) > c.usd*c.within+1e-9 || unit.Per != "hour" {
			t.Errorf("%s %s: %+v, %t, want %v", c.service, c.typ, unit, ok, c.usd)
		}
	}
}

func TestEveryNodeAndCacheTypeHasAPrice(t *testing.T) {
	for service, names := range map[price.Service][]string{price.NodeHours: ec2.Names(), price.CacheHours: redis.NodeTypes()} {
		for _, name := range names {
			if unit, ok := price.In("eu-west-1", service, name); !ok || unit.USD <= 0 {
				t.Errorf("%s has no price", name)
			}
		}
	}
}

func TestADatabaseClassWithoutAPriceIsOneOfThoseThatWereNotFound(t *testing.T) {
	for _, name := range rds.Names() {
		_, ok := price.In("us-east-1", price.DatabaseHours, name)
		family, _, _ := strings.Cut(strings.TrimPrefix(name, "db."), ".")
		if missing := family == "m7i" || family == "m8g" || family == "r7i"; ok == missing {
			t.Errorf("%s: has a price = %t", name, ok)
		}
	}
}

func TestARegionsMarkupIsForWhatDiffersByRegion(t *testing.T) {
	gateway, _ := price.In("eu-central-1", price.NATGateway, "")
	control, _ := price.In("eu-central-1", price.ControlPlane, "")
	if math.Abs(gateway.USD-0.054) > 1e-9 || control.USD != 0.10 {
		t.Errorf("%v, %v", gateway.USD, control.USD)
	}
}
