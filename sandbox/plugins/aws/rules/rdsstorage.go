package rules

import (
	"math"
	"strings"

	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func dbStorage(c *check) {
	c.oneOf("storageType", rds.StorageTypes...)
	size, known := c.num("allocatedStorage")
	if !known {
		return
	}
	c.within("allocatedStorage", rds.LeastGiB, rds.MostGiB)
	if top, ok := c.num("maxAllocatedStorage"); ok && top != 0 && (top < float64(rds.LeastMaxGiB(int(size))) || top > rds.MostGiB) {
		c.fail("maxAllocatedStorage", "is %v, want a tenth more than allocatedStorage, %d to %d, or 0", top, rds.LeastMaxGiB(int(size)), rds.MostGiB)
	}
	old := float64(props.Int(c.Olds, "allocatedStorage", 0))
	if top, growing := c.num("maxAllocatedStorage"); size < old && (!growing || top <= size) {
		c.fail("allocatedStorage", "is %v after %v, want no less: RDS storage does not shrink", size, old)
	}
	c.dbThroughput(size)
	c.dbStripes(old, size)
}

// dbStripes: RDS provides the higher baseline of large volumes on creation only; on growth the provider sends the IOPS that
// the volume has, and RDS refuses 3000.
// Source: https://github.com/hashicorp/terraform-provider-aws/issues/28382 , still open on 2026-11-30; read then. That
// throughput must be said too is the stricter reading: ModifyDBInstance would settle it.
func (c *check) dbStripes(old, size float64) {
	if c.str("storageType") != "gp3" || old == 0 || old >= rds.StripedGiB || size < rds.StripedGiB {
		return
	}
	for path, least := range map[string]int{"iops": rds.LeastIOPS, "storageThroughput": rds.LeastMBps} {
		if !c.has(path) {
			c.fail(path, "missing, want %d or more when gp3 grows from %v to %v GiB (InvalidParameterCombination)", least, old, size)
		}
	}
}

// dbThroughput checks IOPS and MB/s for a size in GiB.
func (c *check) dbThroughput(size float64) {
	switch kind := c.str("storageType"); {
	case kind == "gp3" && size < rds.StripedGiB:
		for _, path := range []string{"iops", "storageThroughput"} {
			if c.has(path) {
				c.fail(path, "is given with %v GiB of gp3, want none below %d GiB: the baseline is fixed there", size, rds.StripedGiB)
			}
		}
	case kind == "gp3":
		c.dbStriped(int(size))
	case strings.HasPrefix(kind, "io") && !c.has("iops"):
		c.fail("iops", "missing, want a number for storageType %s", kind)
	}
}

// dbStriped checks gp3 of a size at which more than the baseline can be had.
func (c *check) dbStriped(gib int) {
	iops, _ := c.num("iops")
	limits, _ := rds.GP3Of(gib, int(iops))
	c.within("iops", float64(limits.LeastIOPS), float64(limits.MostIOPS))
	mbps, ok := c.num("storageThroughput")
	switch {
	case !ok:
	case mbps < float64(limits.LeastMBps) || mbps > rds.MostMBps:
		c.fail("storageThroughput", "is %v, want %d to %d", mbps, limits.LeastMBps, rds.MostMBps)
	case mbps > float64(limits.MostMBps) && !c.unknown("iops"):
		c.fail("storageThroughput", "is %v with %v IOPS, want at most %d: a quarter", mbps, max(iops, rds.LeastIOPS), limits.MostMBps)
	}
}

// dbInsights: Performance Insights' own retentions beyond 7 days ended on 2026-06-30; what is longer is Database Insights'
// advanced mode, of 465 days at least. What the API answers to 31 days since then is not known: CreateDBInstance would
// settle it.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.html and
// USER_DatabaseInsights.Considerations.html ; read 2026-11-30.
func dbInsights(c *check) {
	const period = "performanceInsightsRetentionPeriod"
	c.oneOf("databaseInsightsMode", rds.InsightsStandard, rds.InsightsAdvanced)
	enabled := c.is("performanceInsightsEnabled", false) || c.unknown("performanceInsightsEnabled")
	advanced := c.str("databaseInsightsMode") == rds.InsightsAdvanced
	days, given := c.num(period)
	if given {
		c.insightsDays(days, enabled, advanced || c.unknown("databaseInsightsMode"))
	}
	switch {
	case advanced && !enabled:
		c.fail("databaseInsightsMode", "is advanced, want performanceInsightsEnabled true with it")
	case advanced && days < rds.AdvancedInsightsDays && !c.unknown(period):
		c.fail(period, "is %v with databaseInsightsMode advanced, want %d or more", days, rds.AdvancedInsightsDays)
	}
	c.monitoring()
}

// insightsDays judges a retention that is given.
func (c *check) insightsDays(days float64, enabled, longer bool) {
	switch {
	case !enabled:
		c.fail("performanceInsightsRetentionPeriod", "is given, want performanceInsightsEnabled true with it")
	case days != math.Trunc(days) || !rds.IsInsightsPeriod(int(days)):
		c.fail("performanceInsightsRetentionPeriod", "is %v, want 7, 731 or a multiple of 31 up to 713", days)
	case days != rds.StandardInsightsDays && !longer:
		c.fail("performanceInsightsRetentionPeriod", "is %v, want 7, or databaseInsightsMode advanced", days)
	}
}
