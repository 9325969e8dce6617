package ragapi

import (
	"net/netip"
	"regexp"

	"k8s.io/apimachinery/pkg/api/resource"
)

var certificatePattern = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[0-9a-f-]+$`)

// mostRules is AWS's default quota of inbound rules in a security group.
const mostRules = 60

func (f *faults) scaling(prefix string, requests, limits Resources, h HPA) {
	f.resources(prefix, requests, limits)
	if h.Min < 1 {
		f.add("%sHPA.Min is %d, want 1 or more", prefix, h.Min)
	}
	if h.Max < h.Min {
		f.add("%sHPA.Max is %d with Min %d, want no less", prefix, h.Max, h.Min)
	}
	// At 100 % of requests and above the autoscaler acts when it is too late, and the alarms are above its targets.
	if h.CPUPercent < 1 || h.CPUPercent > 95 {
		f.add("%sHPA.CPUPercent is %d, want 1 to 95", prefix, h.CPUPercent)
	}
	if h.MemoryPercent < 0 || h.MemoryPercent > 95 {
		f.add("%sHPA.MemoryPercent is %d, want 1 to 95, or 0 for CPU alone", prefix, h.MemoryPercent)
	}
	f.between(prefix+"HPA.ScaleDown.StabilizationSeconds", h.ScaleDown.StabilizationSeconds, mostStabilizationSeconds)
	f.between(prefix+"HPA.ScaleDown.Percent", h.ScaleDown.Percent, 100)
	f.between(prefix+"HPA.ScaleDown.PeriodSeconds", h.ScaleDown.PeriodSeconds, mostScaleDownPeriodSeconds)
}

func (f *faults) pools(a Args) {
	if a.PoolSize < 1 {
		f.add("PoolSize is %d, want 1 or more", a.PoolSize)
	}
	if least := queueConnections + 1; a.Worker.PoolSize < least {
		f.add("Worker.PoolSize is %d, want %d or more: the queue takes %d", a.Worker.PoolSize, least, queueConnections)
	}
}

func (f *faults) between(field string, value, most int) {
	if value < 0 || value > most {
		f.add("%s is %d, want 0 to %d", field, value, most)
	}
}

// resources need both requests, since the autoscalers count in them, and a memory limit, since the Go runtime is told of it.
func (f *faults) resources(prefix string, requests, limits Resources) {
	cpu := f.quantity(prefix+"Requests.CPU", requests.CPU)
	memory := f.quantity(prefix+"Requests.Memory", requests.Memory)
	if limits.CPU != "" {
		if most := f.quantity(prefix+"Limits.CPU", limits.CPU); cpu != nil && most != nil && most.Cmp(*cpu) < 0 {
			f.add("%sLimits.CPU is %s with Requests.CPU %s, want no less", prefix, limits.CPU, requests.CPU)
		}
	}
	if most := f.quantity(prefix+"Limits.Memory", limits.Memory); memory != nil && most != nil && most.Cmp(*memory) < 0 {
		f.add("%sLimits.Memory is %s with Requests.Memory %s, want no less", prefix, limits.Memory, requests.Memory)
	}
}

// quantity is nil, with a fault added, for what Kubernetes does not take or what is not more than nothing.
func (f *faults) quantity(field, value string) *resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		f.add("%s is %q, want a quantity above 0 such as 250m or 512Mi", field, value)
		return nil
	}
	return &q
}

func (f *faults) reach(a Args) {
	f.listener(a)
	f.ipv4Prefix("VPCCIDR", a.VPCCIDR)
	if len(a.IngressCIDRs) == 0 {
		f.add("IngressCIDRs is empty, want who may reach the listener")
	}
	seen := map[string]bool{}
	for _, cidr := range a.IngressCIDRs {
		f.ipv4Prefix("IngressCIDRs", cidr)
		if seen[cidr] {
			f.add("IngressCIDRs has %q twice, want it once", cidr)
		}
		seen[cidr] = true
	}
	ports := 1
	if a.CertificateARN != "" {
		ports = 2
	}
	if n := len(a.IngressCIDRs); n*ports > mostRules {
		f.add("IngressCIDRs has %d for %d listeners, want at most %d: a security group takes %d rules", n, ports, mostRules/ports, mostRules)
	}
}

func (f *faults) listener(a Args) {
	if a.ListenerPort < 1 || a.ListenerPort > mostPort {
		f.add("ListenerPort is %d, want 1 to %d", a.ListenerPort, mostPort)
	}
	if a.CertificateARN == "" {
		if a.ListenerPort == httpsDefault {
			f.add("ListenerPort is %d without CertificateARN, want a certificate or another port", httpsDefault)
		}
		return
	}
	if a.ListenerPort == httpDefault {
		f.add("ListenerPort is %d with CertificateARN, want another: that port redirects to it", httpDefault)
	}
	match := certificatePattern.FindStringSubmatch(a.CertificateARN)
	switch {
	case match == nil:
		f.add("CertificateARN is %q, want the ARN of an ACM certificate", a.CertificateARN)
	case match[1] != a.Region:
		f.add("CertificateARN is in %s, want the load balancer's region %s", match[1], a.Region)
	}
}

func (f *faults) ipv4Prefix(field, cidr string) {
	prefix, err := netip.ParsePrefix(cidr)
	switch {
	case err != nil || !prefix.Addr().Is4():
		f.add("%s is %q, want an IPv4 prefix such as 10.0.0.0/16", field, cidr)
	case prefix != prefix.Masked():
		f.add("%s is %q, want %q: the address has bits behind the prefix", field, cidr, prefix.Masked())
	}
}
