package ragapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	httpDefault  = 80
	httpsDefault = 443

	// tlsPolicy takes TLS 1.3, and of TLS 1.2 only forward-secret authenticated ciphers. From AWS's documentation as
	// remembered; to settle: `aws elbv2 describe-ssl-policies --names ELBSecurityPolicy-TLS13-1-2-Res-2021-06`.
	tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

	// idleSeconds is the load balancer's idle timeout. The API keeps its connections open for longer than that, or the
	// load balancer would answer 502 for requests sent into a closing one.
	idleSeconds = 60
)

// front is the way in.
type front struct {
	balancer *lb.LoadBalancer
	targets  *lb.TargetGroup
	firewall *ec2.SecurityGroup
	// listeners give the target group its health checks: without one, targets stay unused and pods never become ready.
	listeners []pulumi.Resource
	url       pulumi.StringOutput
}

func (d *declaration) loadBalancer() (front, error) {
	firewall, err := d.firewall()
	if err != nil {
		return front{}, err
	}
	balancer, err := lb.NewLoadBalancer(d.ctx, d.name, &lb.LoadBalancerArgs{
		LoadBalancerType:         pulumi.String("application"),
		Internal:                 pulumi.Bool(d.args.Internal),
		Subnets:                  d.args.Subnets,
		SecurityGroups:           pulumi.StringArray{firewall.ID()},
		IdleTimeout:              pulumi.Int(idleSeconds),
		DropInvalidHeaderFields:  pulumi.Bool(true),
		EnableDeletionProtection: pulumi.Bool(d.args.DeletionProtection),
		Tags:                     d.tags(""),
	}, d.parent, pulumi.Protect(d.args.DeletionProtection))
	if err != nil {
		return front{}, fmt.Errorf("load balancer: %w", err)
	}
	targets, err := d.targetGroup()
	if err != nil {
		return front{}, err
	}
	listeners, err := d.listeners(balancer, targets)
	if err != nil {
		return front{}, err
	}
	return front{
		balancer: balancer, targets: targets, firewall: firewall, listeners: listeners,
		url: pulumi.Sprintf(urlFormat(d.args.CertificateARN != "", d.args.ListenerPort), balancer.DnsName),
	}, nil
}

// urlFormat leaves out the port that the scheme implies.
func urlFormat(tls bool, port int) string {
	switch {
	case tls && port == httpsDefault:
		return "https://%s"
	case tls:
		return "https://%s:" + strconv.Itoa(port)
	case port == httpDefault:
		return "http://%s"
	default:
		return "http://%s:" + strconv.Itoa(port)
	}
}

// targetGroup has pods as targets. Requests go to the pod with the fewest in flight: searches differ a hundredfold in
// cost, and round robin would queue cheap ones behind expensive ones. (No slow start: that algorithm excludes it.)
func (d *declaration) targetGroup() (*lb.TargetGroup, error) {
	targets, err := lb.NewTargetGroup(d.ctx, d.name, &lb.TargetGroupArgs{
		VpcId:                      d.args.VPCID.ToStringOutput(),
		TargetType:                 pulumi.String("ip"),
		Protocol:                   pulumi.String("HTTP"),
		Port:                       pulumi.Int(d.args.Port),
		LoadBalancingAlgorithmType: pulumi.String("least_outstanding_requests"),
		DeregistrationDelay:        pulumi.Int(planDrain(d.args.DrainSeconds).deregistration),
		HealthCheck: &lb.TargetGroupHealthCheckArgs{
			Path:               pulumi.String("/readyz"),
			Matcher:            pulumi.String("200"),
			Interval:           pulumi.Int(5),
			Timeout:            pulumi.Int(2),
			HealthyThreshold:   pulumi.Int(2),
			UnhealthyThreshold: pulumi.Int(2),
		},
		Tags: d.tags(""),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("target group: %w", err)
	}
	return targets, nil
}

// listeners are the one that serves and, when that is HTTPS, one on port 80 that redirects to it.
func (d *declaration) listeners(balancer *lb.LoadBalancer, targets *lb.TargetGroup) ([]pulumi.Resource, error) {
	args := &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn,
		Port:            pulumi.Int(d.args.ListenerPort),
		Protocol:        pulumi.String("HTTP"),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("forward"), TargetGroupArn: targets.Arn,
		}},
		Tags: d.tags(""),
	}
	if d.args.CertificateARN != "" {
		args.Protocol = pulumi.String("HTTPS")
		args.CertificateArn = pulumi.String(d.args.CertificateARN)
		args.SslPolicy = pulumi.String(tlsPolicy)
	}
	serving, err := lb.NewListener(d.ctx, d.name, args, d.parent)
	if err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	if d.args.CertificateARN == "" {
		return []pulumi.Resource{serving}, nil
	}
	redirecting, err := d.redirect(balancer)
	if err != nil {
		return nil, err
	}
	return []pulumi.Resource{serving, redirecting}, nil
}

func (d *declaration) redirect(balancer *lb.LoadBalancer) (*lb.Listener, error) {
	listener, err := lb.NewListener(d.ctx, d.name+"-redirect", &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn,
		Port:            pulumi.Int(httpDefault),
		Protocol:        pulumi.String("HTTP"),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("redirect"),
			Redirect: &lb.ListenerDefaultActionRedirectArgs{
				Protocol:   pulumi.String("HTTPS"),
				Port:       pulumi.String(strconv.Itoa(d.args.ListenerPort)),
				StatusCode: pulumi.String("HTTP_301"),
			},
		}},
		Tags: d.tags("-redirect"),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("redirecting listener: %w", err)
	}
	return listener, nil
}

// firewall lets clients reach the listeners, and the load balancer reach the pods' API port: nothing else.
func (d *declaration) firewall() (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(d.ctx, d.name, &ec2.SecurityGroupArgs{
		// A changed description replaces the group: keep it.
		Description: pulumi.String("Load balancer of the RAG API"),
		VpcId:       d.args.VPCID.ToStringOutput(),
		Tags:        d.tags(""),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("security group: %w", err)
	}
	for _, port := range d.listenerPorts() {
		for _, cidr := range d.args.IngressCIDRs {
			if err := d.clientRule(group, port, cidr); err != nil {
				return nil, err
			}
		}
	}
	if d.args.FromEdge {
		if err := d.edgeRule(group); err != nil {
			return nil, err
		}
	}
	if d.args.FromNodes {
		if err := d.nodeRule(group); err != nil {
			return nil, err
		}
	}
	return group, d.podRules(group)
}

// nodeRule lets the cluster's pods reach the listener that serves.
func (d *declaration) nodeRule(group *ec2.SecurityGroup) error {
	err := d.servingRule(group, "-from-nodes", &vpc.SecurityGroupIngressRuleArgs{
		Description:               pulumi.String("Load generators"),
		ReferencedSecurityGroupId: d.args.NodeSecurityGroupID.ToStringOutput(),
	})
	if err != nil {
		return fmt.Errorf("rule for the cluster's pods: %w", err)
	}
	return nil
}

// edgeRule lets CloudFront reach the one listener that its VPC origin uses.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html ; read
// 2026-11-29.
func (d *declaration) edgeRule(group *ec2.SecurityGroup) error {
	err := d.servingRule(group, "-from-edge", &vpc.SecurityGroupIngressRuleArgs{
		Description:  pulumi.String("CloudFront"),
		PrefixListId: d.args.EdgePrefixListID.ToStringOutput(),
	})
	if err != nil {
		return fmt.Errorf("rule for CloudFront: %w", err)
	}
	return nil
}

// servingRule lets those whom a rule names reach the listener that serves.
func (d *declaration) servingRule(
	group *ec2.SecurityGroup, suffix string, from *vpc.SecurityGroupIngressRuleArgs,
) error {
	from.SecurityGroupId = group.ID()
	from.IpProtocol = pulumi.String("tcp")
	from.FromPort, from.ToPort = pulumi.Int(d.args.ListenerPort), pulumi.Int(d.args.ListenerPort)
	from.Tags = d.tags(suffix)
	_, err := vpc.NewSecurityGroupIngressRule(d.ctx, d.name+suffix, from, d.parent)
	return err
}

func (d *declaration) listenerPorts() []int {
	if d.args.CertificateARN != "" {
		return []int{httpDefault, d.args.ListenerPort}
	}
	return []int{d.args.ListenerPort}
}

func (d *declaration) clientRule(group *ec2.SecurityGroup, port int, cidr string) error {
	suffix := fmt.Sprintf("-%d-from-%s", port, strings.ReplaceAll(cidr, "/", "-"))
	_, err := vpc.NewSecurityGroupIngressRule(d.ctx, d.name+suffix, &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("Clients"),
		CidrIpv4:        pulumi.String(cidr),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(port),
		ToPort:          pulumi.Int(port),
		Tags:            d.tags(suffix),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("rule for clients from %s: %w", cidr, err)
	}
	return nil
}

// podRules are the two ends of one connection: out of the load balancer's group, into the nodes' group.
func (d *declaration) podRules(group *ec2.SecurityGroup) error {
	nodes, port := d.args.NodeSecurityGroupID.ToStringOutput(), pulumi.Int(d.args.Port)
	_, err := vpc.NewSecurityGroupEgressRule(d.ctx, d.name+"-to-pods", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String("API pods"),
		ReferencedSecurityGroupId: nodes,
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  port,
		ToPort:                    port,
		Tags:                      d.tags("-to-pods"),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("rule to the pods: %w", err)
	}
	_, err = vpc.NewSecurityGroupIngressRule(d.ctx, d.name+"-pods", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           nodes,
		Description:               pulumi.String("API pods from their load balancer"),
		ReferencedSecurityGroupId: group.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  port,
		ToPort:                    port,
		Tags:                      d.tags("-pods"),
	}, d.parent)
	if err != nil {
		return fmt.Errorf("rule into the pods: %w", err)
	}
	return nil
}
