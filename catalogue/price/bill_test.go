package price_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/catalogue/price"
)

var items = []price.Item{
	{Name: "cluster", Service: price.ControlPlane, Min: 1, Max: 1},
	{Name: "nodes api", Service: price.NodeHours, Type: "m7g.xlarge", Min: 2, Max: 4},
	{Name: "nodes api", Service: price.VolumeStorage, Min: 100, Max: 200},
	{Name: "database", Service: price.DatabaseHours, Type: "db.m8g.large", Min: 1, Max: 1},
}

func TestABillShowsItsArithmeticAndWhatItDoesNotHold(t *testing.T) {
	var b strings.Builder
	if err := price.Estimate("eu-central-1", items).Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `ITEM       WHAT                       COUNT       UNIT PRICE USD        USD A MONTH
cluster    EKS control plane          1           0.1000 per hour       73.00
nodes api  EC2 instance m7g.xlarge    2 to 4      0.1958 per hour       285.93 to 571.85
nodes api  EBS storage                100 to 200  0.0960 per GiB-month  9.60 to 19.20
database   RDS instance db.m8g.large  1           not priced            0.00
total                                                                   368.53 to 664.05
On-demand list prices, 730 hours a month; from the fewest nodes and GiB to the most that autoscaling may reach.
Left out: ` + price.LeftOut + `.
What differs by region costs 1.2 times what it does in us-east-1.
Not priced: RDS instance db.m8g.large.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestARegionWithoutPricesIsPricedAsTheBaseAndSaysSo(t *testing.T) {
	there, here := price.Estimate("mx-central-1", items), price.Estimate("us-east-1", items)
	var b strings.Builder
	if err := there.Write(&b); err != nil {
		t.Fatal(err)
	}
	if there.MinUSD != here.MinUSD || !strings.Contains(b.String(), "there are none of mx-central-1 here") {
		t.Errorf("%v, want %v:\n%s", there.MinUSD, here.MinUSD, b.String())
	}
}

func TestWhatHasNoPriceIsNamedOnceAndCountsNothing(t *testing.T) {
	twice := append(items[3:4:4], items[3], price.Item{Name: "cache", Service: price.CacheHours, Type: "cache.x1.huge", Min: 1, Max: 1})
	bill := price.Estimate("us-east-1", twice)
	if diff := cmp.Diff([]string{"ElastiCache node cache.x1.huge", "RDS instance db.m8g.large"}, bill.NotPriced); diff != "" || bill.MaxUSD != 0 {
		t.Errorf("%v, -want +got:\n%s", bill.MaxUSD, diff)
	}
}
