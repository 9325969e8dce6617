package awsapi

import (
	"net/http"
	"strconv"
)

const (
	loadBalancer = "aws:lb/loadBalancer:LoadBalancer"
	targetGroup  = "aws:lb/targetGroup:TargetGroup"
	listener     = "aws:lb/listener:Listener"
)

func (s *Server) elbQuery() query {
	return query{namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", actions: map[string]func(call) ([]element, error){
		"DescribeLoadBalancers": describeLoadBalancers,
		"DescribeTargetGroups":  describeTargetGroups,
		"DescribeTargetHealth":  s.describeTargetHealth,
	}}
}

// find lists what a call names by ARN or by name; what it names and is not there gives the error code.
func (c call) find(token, arns, names, code string) ([]Resource, error) {
	byARN, wantedARNs := c.among("arn", arns)
	byName, wantedNames := c.among("name", names)
	all, err := c.list(token, "name", func(r Resource) bool { return byARN(r) && byName(r) })
	if err != nil {
		return nil, err
	}
	for property, wanted := range map[string][]string{"arn": wantedARNs, "name": wantedNames} {
		if missing := absent(wanted, all, property); missing != "" {
			return nil, refused(http.StatusBadRequest, code, "'%s' not found", missing)
		}
	}
	return all, nil
}

func describeLoadBalancers(c call) ([]element, error) {
	all, err := c.find(loadBalancer, "LoadBalancerArns", "Names", "LoadBalancerNotFound")
	if err != nil {
		return nil, err
	}
	subnets, err := c.subnets()
	if err != nil {
		return nil, err
	}
	part, next, err := page(c, all, "PageSize", "Marker")
	out := element{name: "LoadBalancers"}
	for _, r := range part {
		vpc, scheme, state := "", "internet-facing", "active"
		if r.flag("internal") {
			scheme = "internal"
		}
		if !r.Ready {
			state = "provisioning"
		}
		zones := element{name: "AvailabilityZones"}
		for _, id := range r.strings("subnets") {
			zones.children = append(zones.children, el("member", el("SubnetId", id), el("ZoneName", subnets[id].str("availabilityZone"))))
			vpc = subnets[id].str("vpcId")
		}
		out.children = append(out.children, el("member", el("Scheme", scheme), el("State", el("Code", state)), zones,
			r.elements(`LoadBalancerArn=arn LoadBalancerName=name DNSName=dnsName CanonicalHostedZoneId=zoneId Type=loadBalancerType
				IpAddressType=ipAddressType`), el("VpcId", vpc), members("SecurityGroups", "member", r.strings("securityGroups"))))
	}
	return append(renamed(next, "NextMarker"), out), err
}

// subnets are the account's, by id.
func (c call) subnets() (map[string]Resource, error) {
	all, err := c.account.List("aws:ec2/subnet:Subnet")
	out := map[string]Resource{}
	for _, r := range all {
		out[r.ID] = r
	}
	return out, err
}

func describeTargetGroups(c call) ([]element, error) {
	all, err := c.find(targetGroup, "TargetGroupArns", "Names", "TargetGroupNotFound")
	if err != nil {
		return nil, err
	}
	forwards, err := c.forwards()
	if err != nil {
		return nil, err
	}
	part, next, err := page(c, all, "PageSize", "Marker")
	out := element{name: "TargetGroups"}
	for _, r := range part {
		balancers := forwards[r.str("arn")]
		if arn := c.form.Get("LoadBalancerArn"); arn != "" && (len(balancers) == 0 || balancers[0] != arn) {
			continue
		}
		out.children = append(out.children, el("member", r.elements(`TargetGroupArn=arn TargetGroupName=name Protocol=protocol Port=port VpcId=vpcId
			HealthCheckProtocol=healthCheck.protocol HealthCheckPort=healthCheck.port HealthCheckEnabled=healthCheck.enabled
			HealthCheckIntervalSeconds=healthCheck.interval HealthCheckTimeoutSeconds=healthCheck.timeout
			HealthyThresholdCount=healthCheck.healthyThreshold UnhealthyThresholdCount=healthCheck.unhealthyThreshold
			HealthCheckPath=healthCheck.path TargetType=targetType ProtocolVersion=protocolVersion IpAddressType=ipAddressType`),
			el("Matcher", r.elements("HttpCode=healthCheck.matcher")), members("LoadBalancerArns", "member", balancers)))
	}
	return append(renamed(next, "NextMarker"), out), err
}

// forwards are the load balancers whose listeners forward to a target group, by the group's ARN.
func (c call) forwards() (map[string][]string, error) {
	all, err := c.account.List(listener)
	out := map[string][]string{}
	for _, r := range all {
		for i := range 100 { // more default actions than a listener can have
			action := "defaultActions." + strconv.Itoa(i) + "."
			if r.str(action+"type") == "" {
				break
			}
			for _, arn := range []string{r.str(action + "targetGroupArn"), r.str(action + "forward.targetGroups.0.arn")} {
				if arn != "" && len(out[arn]) == 0 { // a target group has one load balancer
					out[arn] = []string{r.str("loadBalancerArn")}
				}
			}
		}
	}
	return out, err
}

func (s *Server) describeTargetHealth(c call) ([]element, error) {
	arn := c.form.Get("TargetGroupArn")
	found, err := c.list(targetGroup, "name", named("arn", arn))
	if err != nil {
		return nil, err
	}
	if arn == "" || len(found) == 0 {
		return nil, refused(http.StatusBadRequest, "TargetGroupNotFound", "Target groups '%s' not found", arn)
	}
	out := element{name: "TargetHealthDescriptions"}
	for _, t := range s.cfg.Targets(arn) {
		health := el("TargetHealth", el("State", t.State))
		if reason := targetReasons[t.State]; reason != "" {
			health.children = append(health.children, el("Reason", reason))
		}
		target := el("Target", el("Id", t.IP), el("Port", t.Port))
		out.children = append(out.children, el("member", target, el("HealthCheckPort", t.Port), health))
	}
	return []element{out}, nil
}

var targetReasons = map[string]string{
	"initial": "Elb.InitialHealthChecking", "unhealthy": "Target.FailedHealthChecks", "draining": "Target.DeregistrationInProgress",
}

// renamed gives the marker of the next page the name that it has in the answer.
func renamed(next []element, name string) []element {
	for i := range next {
		next[i].name = name
	}
	return next
}
