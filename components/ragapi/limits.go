package ragapi

import (
	"fmt"
	"regexp"
)

var certificatePattern = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[0-9a-f-]+$`)

// mostRules is AWS's default quota of inbound rules in a security group.
const mostRules = 60

// edgeRules is how many of them the prefix list of CloudFront's origin-facing addresses takes.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html ; read
// 2026-11-23.
const edgeRules = 55

func (f *faults) scaling(prefix string, requests, limits Resources, h HPA) {
	f.Resources(prefix, requests, limits)
	f.AtLeast(prefix+"HPA.Min", h.Min, 1)
	if h.Max < h.Min {
		f.Add("%sHPA.Max is %d with Min %d, want no less", prefix, h.Max, h.Min)
	}
	// At 100 % of requests and above the autoscaler acts when it is too late, and the alarms are above its targets.
	f.Between(prefix+"HPA.CPUPercent", h.CPUPercent, 1, 95)
	if h.MemoryPercent < 0 || h.MemoryPercent > 95 {
		f.Add("%sHPA.MemoryPercent is %d, want 1 to 95, or 0 for CPU alone", prefix, h.MemoryPercent)
	}
	f.Between(prefix+"HPA.ScaleDown.StabilizationSeconds", h.ScaleDown.StabilizationSeconds, 0, mostStabilizationSeconds)
	f.Between(prefix+"HPA.ScaleDown.Percent", h.ScaleDown.Percent, 0, 100)
	f.Between(prefix+"HPA.ScaleDown.PeriodSeconds", h.ScaleDown.PeriodSeconds, 0, mostScaleDownPeriodSeconds)
}

// resources that the autoscaler acts on.
func (h HPA) resources() []string {
	if h.MemoryPercent > 0 {
		return []string{"cpu", "memory"}
	}
	return []string{"cpu"}
}

func (f *faults) pools(a Args) {
	f.AtLeast("PoolSize", a.PoolSize, 1)
	if least := queueConnections + 1; a.Worker.PoolSize < least {
		f.Add("Worker.PoolSize is %d, want %d or more: the queue takes %d", a.Worker.PoolSize, least, queueConnections)
	}
}

func (f *faults) reach(a Args) {
	f.listener(a)
	f.IPv4Range("VPCCIDR", a.VPCCIDR, "10.0.0.0/16")
	if len(a.IngressCIDRs) == 0 && !a.FromEdge {
		f.Add("IngressCIDRs is empty without FromEdge, want who may reach the listener")
	}
	f.Missing(map[string]bool{"EdgePrefixListID": a.FromEdge && a.EdgePrefixListID == nil})
	seen := map[string]bool{}
	for i, cidr := range a.IngressCIDRs {
		f.IPv4Range(fmt.Sprintf("IngressCIDRs[%d]", i), cidr, "203.0.113.0/24")
		if seen[cidr] {
			f.Add("IngressCIDRs has %q twice, want it once", cidr)
		}
		seen[cidr] = true
	}
	ports := 1
	if a.CertificateARN != "" {
		ports = 2
	}
	most := mostRules
	if a.FromEdge {
		most -= edgeRules
	}
	if a.FromNodes {
		most--
	}
	if n := len(a.IngressCIDRs); n*ports > most {
		f.Add("IngressCIDRs has %d for %d listeners, want at most %d: a security group takes %d rules", n, ports,
			most/ports, most)
	}
}

func (f *faults) listener(a Args) {
	f.Between("ListenerPort", a.ListenerPort, 1, mostPort)
	if a.CertificateARN == "" {
		if a.ListenerPort == httpsDefault {
			f.Add("ListenerPort is %d without CertificateARN, want a certificate or another port", httpsDefault)
		}
		return
	}
	if a.ListenerPort == httpDefault {
		f.Add("ListenerPort is %d with CertificateARN, want another: that port redirects to it", httpDefault)
	}
	match := certificatePattern.FindStringSubmatch(a.CertificateARN)
	switch {
	case match == nil:
		f.Add("CertificateARN is %q, want the ARN of an ACM certificate", a.CertificateARN)
	case match[1] != a.Region:
		f.Add("CertificateARN is in %s, want the load balancer's region %s", match[1], a.Region)
	}
}
