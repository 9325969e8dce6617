package observability

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// edgeAlarms watch the CDN. The hit rate is there only with the distribution's monitoring subscription.
func (a Args) edgeAlarms() []alarm {
	if a.DistributionID == nil {
		return nil
	}
	const space = "AWS/CloudFront"
	distribution := map[string]pulumi.StringInput{"DistributionId": a.DistributionID, "Region": pulumi.String("Global")}
	global := a.Region != globalRegion
	return []alarm{
		{
			tier: edgeTier, key: "edge-errors", title: "Answers with 5xx at the edge", global: global,
			meaning:   "The CDN answers too many requests with a 5xx.",
			metrics:   []metric{{"errors", space, "5xxErrorRate", "Average", distribution}},
			threshold: a.Thresholds.Edge.ErrorPercent,
			unit:      "%", when: late, whenMissing: quiet,
		},
		{
			tier: edgeTier, key: "edge-hit-rate", title: "Cache hits at the edge", global: global,
			meaning: "The CDN passes on requests that it should answer from its cache.",
			metrics: []metric{{"hits", space, "CacheHitRate", "Average", distribution}}, below: true,
			threshold: a.Thresholds.Edge.HitPercent,
			unit:      "%", when: late, whenMissing: quiet,
		},
	}
}
