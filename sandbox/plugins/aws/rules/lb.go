package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

var balancerName = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9])*$`)

// lbName checks the name of a load balancer or target group: at most 32 characters.
func (c *check) lbName() {
	name, ok := props.String(c.Inputs, "name")
	if ok && (!balancerName.MatchString(name) || strings.HasPrefix(name, "internal-")) {
		c.fail("name", "is %q, want letters, digits and single hyphens, no hyphen at an end, not internal- at the front", name)
	}
	if prefix, ok := props.String(c.Inputs, "namePrefix"); ok && len(prefix) > 6 {
		c.fail("namePrefix", "is %q, %d characters, want at most 6", prefix, len(prefix))
	}
}

// Source: CreateLoadBalancer of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2@v1.63.9
// and its types.LoadBalancerAttribute; read 2026-11-23.
func loadBalancer(c *check) {
	c.lbName()
	c.oneOf("loadBalancerType", "application", "network", "gateway")
	c.oneOf("ipAddressType", "ipv4", "dualstack", "dualstack-without-public-ipv4")
	c.within("idleTimeout", 1, 4000)
	kind := c.str("loadBalancerType")
	if kind != "" && kind != "application" || c.unknown("loadBalancerType") {
		return
	}
	if n := len(c.list("subnets")); n == 1 {
		c.fail("subnets", "has 1 subnet, want at least 2 in different zones for an application load balancer")
	} else {
		c.zones("subnets", 2)
	}
	if !c.has("subnets") && !c.has("subnetMappings") {
		c.fail("subnets", "missing, want at least 2 subnets in different zones")
	}
}

// Source: CreateTargetGroup of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2@v1.63.9
// and its types.TargetGroupAttribute; read 2026-11-23. That slow start wants round robin is as remembered.
func targetGroup(c *check) {
	c.lbName()
	c.oneOf("targetType", "instance", "ip", "lambda", "alb")
	c.oneOf("protocol", "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE")
	c.oneOf("protocolVersion", "HTTP1", "HTTP2", "GRPC")
	c.oneOf("loadBalancingAlgorithmType", "round_robin", "least_outstanding_requests", "weighted_random")
	if c.str("targetType") != "lambda" && !c.unknown("targetType") {
		for _, path := range []string{"port", "protocol", "vpcId"} {
			if !c.has(path) {
				c.fail(path, "missing, want it for every target type but lambda")
			}
		}
	}
	c.within("port", 1, 65535)
	c.within("deregistrationDelay", 0, 3600)
	c.slowStart()
	c.healthCheck()
}

func (c *check) slowStart() {
	n, ok := c.num("slowStart")
	if !ok || n == 0 {
		return
	}
	if n < 30 || n > 900 {
		c.fail("slowStart", "is %v, want 0 or 30 to 900", n)
	}
	if algorithm, ok := props.String(c.Inputs, "loadBalancingAlgorithmType"); ok && algorithm != "round_robin" {
		c.fail("slowStart", "is %v, want 0 with %s", n, algorithm)
	}
}

func (c *check) healthCheck() {
	c.within("healthCheck.interval", 5, 300)
	c.within("healthCheck.timeout", 2, 120)
	c.within("healthCheck.healthyThreshold", 2, 10)
	c.within("healthCheck.unhealthyThreshold", 2, 10)
	interval, ok := c.num("healthCheck.interval")
	timeout, ok2 := c.num("healthCheck.timeout")
	if ok && ok2 && timeout >= interval {
		c.fail("healthCheck.timeout", "is %v, want less than healthCheck.interval, %v", timeout, interval)
	}
	if path, ok := props.String(c.Inputs, "healthCheck.path"); ok && !strings.HasPrefix(path, "/") {
		c.fail("healthCheck.path", "is %q, want a path that begins with /", path)
	}
}

// Source: CreateListener of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2@v1.63.9 ;
// read 2026-11-23.
func listener(c *check) {
	c.oneOf("protocol", "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE")
	c.within("port", 1, 65535)
	switch protocol := c.str("protocol"); protocol {
	case "HTTPS", "TLS":
		if !c.has("certificateArn") {
			c.fail("certificateArn", "missing, want a certificate for protocol %s", protocol)
		}
	case "HTTP", "":
		for _, path := range []string{"certificateArn", "sslPolicy"} {
			if c.has(path) && !c.unknown("protocol") {
				c.fail(path, "is given, want none with protocol HTTP")
			}
		}
	}
	for i := range c.list("defaultActions") {
		c.action(fmt.Sprintf("defaultActions.%d", i))
	}
}

func (c *check) action(path string) {
	c.oneOf(path+".type", "forward", "redirect", "fixed-response", "authenticate-cognito", "authenticate-oidc")
	switch kind := c.str(path + ".type"); kind {
	case "forward":
		if !c.has(path+".targetGroupArn") && !c.has(path+".forward") {
			c.fail(path+".targetGroupArn", "missing, want a target group for an action that forwards")
		}
	case "redirect":
		c.want(path+".redirect", kind)
		c.oneOf(path+".redirect.statusCode", "HTTP_301", "HTTP_302")
	case "fixed-response":
		c.want(path+".fixedResponse", kind)
	}
}

func (c *check) want(path, kind string) {
	if !c.has(path) {
		c.fail(path, "missing, want it for an action of type %s", kind)
	}
}
