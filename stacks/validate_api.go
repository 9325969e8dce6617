package stacks

import (
	"fmt"
	"strings"

	"github.com/ragscale/ragscale/stacks/settings"
)

// Of a security group's 60 rules CloudFront's prefix list takes 55, and the load generators one; a range takes one for
// each listener.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html ; read
// 2026-11-23.
const besideEdge = 60 - 55 - 1

// checkIngress: the distribution reaches an internal load balancer by itself.
func (c *Config) checkIngress(f *settings.Faults) {
	api, path := c.API, prefix+"api.ingressCidrs"
	edge, listeners := api.Internal && c.CDN.Enabled, 1
	if api.CertificateARN != "" {
		listeners = 2 // port 80 redirects
	}
	switch most := besideEdge / listeners; {
	case len(api.IngressCIDRs) == 0 && !edge:
		f.Add(path, "is empty", "who may reach the load balancer: no distribution reaches it by itself")
	case len(api.IngressCIDRs) > most && edge:
		f.Add(path, fmt.Sprintf("has %d entries", len(api.IngressCIDRs)),
			fmt.Sprintf("at most %d beside the distribution's addresses and the load generators", most))
	}
}

func (c *Config) checkListener(f *settings.Faults) {
	api := c.API
	if api.Port == MetricsPort {
		f.Add(prefix+"api.port", settings.Show(api.Port), "another port: 9090 serves metrics and profiles")
	}
	if api.ListenerPort == 443 && api.CertificateARN == "" {
		f.Add(prefix+"api.certificateArn", "is not set", "a certificate for listenerPort 443")
	}
	if api.ListenerPort == 80 && api.CertificateARN != "" {
		f.Add(prefix+"api.listenerPort", "is 80 with a certificate", "443: port 80 then redirects to it")
	}
	if region := arnRegion(api.CertificateARN); region != "" && region != c.Region {
		f.Add(prefix+"api.certificateArn", "is of region "+region, "one of "+c.Region+", where the load balancer is")
	}
	c.checkIngress(f)
	if c.Environment == Production && !api.Internal && api.CertificateARN == "" {
		f.Add(prefix+"api.internal", "is false without certificateArn",
			"true, or a certificate: production is not public over plain HTTP")
	}
}

// arnRegion is the fourth part of an ARN, "" if there is none.
func arnRegion(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}

func (c *Config) checkPods(f *settings.Faults) {
	worker := c.API.Worker
	if worker.Max < worker.Min {
		f.Add(prefix+"api.worker.max", settings.Show(worker.Max), fmt.Sprintf("at least min, %d", worker.Min))
	}
	checkLimits(prefix+"api", c.API.Requests, c.API.Limits, f)
	checkLimits(prefix+"api.worker", worker.Requests, worker.Limits, f)
}

func checkLimits(path string, requests Requests, limits Limits, f *settings.Faults) {
	if limits.Memory < requests.Memory {
		f.Add(path+".limits.memory", "is "+limits.Memory.String(), "at least requests.memory, "+requests.Memory.String())
	}
	if limits.CPU != 0 && limits.CPU < requests.CPU {
		f.Add(path+".limits.cpu", "is "+limits.CPU.String(), "at least requests.cpu, "+requests.CPU.String())
	}
}
