package slo_test

import (
	"fmt"

	"github.com/ragscale/ragscale/slo"
)

// A threshold is known by its place, and so are the alarms that compare with it.
func ExampleWatched() {
	stack := slo.Thresholds{Cache: slo.Cache{HitPercent: slo.Threshold{Value: 80, Unit: "%, below"}}}.Named()
	threshold := stack.Cache.HitPercent
	fmt.Println(threshold.ID(), threshold.Value, threshold.Unit, slo.Watched()[threshold.ID()])
	// Output: Cache.HitPercent 80 %, below [cache-hit-rate]
}
