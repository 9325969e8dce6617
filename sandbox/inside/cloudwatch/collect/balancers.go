package collect

import (
	"fmt"
	"math"
	"strings"

	"github.com/ragscale/ragscale/sandbox/inside/servicenet"
)

// balancers measures load balancers by the counters of their target groups.
// When each is published: "Reporting criteria" of
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
func (m measurement) balancers() (faults []error) {
	if m.cfg.Groups == nil {
		return nil
	}
	forwards := m.cfg.Forwards()
	for arn, stats := range m.cfg.Groups() {
		r, known := m.owner("aws:lb/targetGroup:TargetGroup", arn)
		balancer := forwards[arn]
		if !known || balancer == "" {
			continue
		}
		whole := []string{"LoadBalancer", afterLast(balancer, ":loadbalancer/")}
		part := append([]string{"TargetGroup", afterLast(arn, ":")}, whole...)
		s := subject{m, r.Region, "AWS/ApplicationELB", [][]string{whole, part}, &faults}
		s.requests(arn, stats)
		s.responseTime(arn, stats.Latency)
		if stats.Connections > 0 && m.firstOfMinute() { // one value a minute: their sum is what is looked at
			s.put("ActiveConnectionCount", float64(stats.Connections))
		}
		if len(stats.Targets) > 0 { // "reported if there are registered targets"
			s.put("HealthyHostCount", float64(stats.Targets["healthy"]))
			s.put("UnHealthyHostCount", float64(stats.Targets["unhealthy"]))
		}
	}
	return faults
}

func afterLast(arn, mark string) string { return arn[strings.LastIndex(arn, mark)+len(mark):] }

// requests counts, where something is to count. Requests that found no target are not the load balancer's requests.
func (s subject) requests(arn string, stats servicenet.GroupStats) {
	counts := map[string]uint64{
		"RequestCount": stats.Requests - min(stats.ELB["503"], stats.Requests), "TargetConnectionErrorCount": stats.Unreached,
	}
	for class, n := range stats.Target {
		counts["HTTPCode_Target_"+strings.ToUpper(class)+"_Count"] = n
	}
	for status, n := range stats.ELB {
		counts["HTTPCode_ELB_"+status+"_Count"] = n
		counts["HTTPCode_ELB_5XX_Count"] += n
	}
	for name, n := range counts {
		if grown, _, ok := s.m.since(arn+" "+name, float64(n)); ok && (grown > 0 || name == "RequestCount" && len(stats.Targets) > 0) {
			s.put(name, grown)
		}
	}
}

// responseTime adds the answers of each bucket with the bucket's middle, of which the bounds are 5 % apart.
func (s subject) responseTime(arn string, h servicenet.Histogram) {
	for i, n := range h.Counts {
		grown, _, ok := s.m.since(fmt.Sprintf("%s took %d", arn, i), float64(n))
		if !ok || grown == 0 {
			continue
		}
		low, high := h.Bounds[0], h.Bounds[len(h.Bounds)-1]
		if i > 0 {
			low = h.Bounds[i-1]
		}
		if i < len(h.Bounds) {
			high = h.Bounds[i]
		}
		s.many("TargetResponseTime", math.Sqrt(low*high), int(grown))
	}
}
