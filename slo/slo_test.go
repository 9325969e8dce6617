package slo_test

import (
	"reflect"
	"testing"

	"github.com/ragscale/ragscale/slo"
)

// places is how many thresholds the types have.
func places() (n int) {
	tiers := reflect.TypeFor[slo.Thresholds]()
	for i := range tiers.NumField() {
		n += tiers.Field(i).Type.NumField()
	}
	return n
}

func TestEveryThresholdIsListedOnceUnderTheNameOfItsPlace(t *testing.T) {
	var all slo.Thresholds
	all.Database.Connections.Value = 7
	seen := map[string]float64{}
	for _, row := range all.Rows() {
		if _, twice := seen[row.ID()]; twice || row.Tier == "" || row.Name == "" {
			t.Errorf("%+v", row)
		}
		seen[row.ID()] = row.Value
	}
	if len(seen) != places() || seen["Database.Connections"] != 7 {
		t.Errorf("%d thresholds, %v", len(seen), seen)
	}
	if named := all.Named(); named.Cache.HitPercent.ID() != "Cache.HitPercent" || all.Cache.HitPercent.Name != "" {
		t.Errorf("%+v, %+v", named.Cache.HitPercent, all.Cache.HitPercent)
	}
}
