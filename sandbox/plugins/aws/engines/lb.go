package engines

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func applyLoadBalancer(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	in := control.LoadBalancer{Name: props.Str(r.State, "name"), Scheme: "internet-facing", Hostname: props.Str(r.State, "dnsName")}
	if props.Bool(r.State, "internal", false) {
		in.Scheme = "internal"
	}
	return nil, e.Sandbox.Put(ctx, control.KindLoadBalancer, props.Str(r.State, "arn"), in, nil)
}

// Health check defaults of a target group with HTTP targets.
// Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html ; read 2026-11-23.
const (
	defaultHealthInterval     = 30 // s
	defaultHealthTimeout      = 5  // s
	defaultHealthyThreshold   = 5
	defaultUnhealthyThreshold = 2
	defaultDeregistration     = 300 // s
)

func applyTargetGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	seconds := func(path string, def int) time.Duration {
		return time.Duration(props.Int(r.State, path, def)) * time.Second
	}
	path := props.Str(r.State, "healthCheck.path")
	if path == "" {
		path = "/"
	}
	in := control.TargetGroup{
		Name: props.Str(r.State, "name"), Port: props.Int(r.State, "port", 0),
		Algorithm:           props.Str(r.State, "loadBalancingAlgorithmType"),
		DeregistrationDelay: seconds("deregistrationDelay", defaultDeregistration),
		HealthPath:          path,
		HealthInterval:      seconds("healthCheck.interval", defaultHealthInterval),
		HealthTimeout:       seconds("healthCheck.timeout", defaultHealthTimeout),
		HealthyThreshold:    props.Int(r.State, "healthCheck.healthyThreshold", defaultHealthyThreshold),
		UnhealthyThreshold:  props.Int(r.State, "healthCheck.unhealthyThreshold", defaultUnhealthyThreshold),
	}
	return nil, e.Sandbox.Put(ctx, control.KindTargetGroup, props.Str(r.State, "arn"), in, nil)
}

// applyListener opens the port of a listener that forwards. One that redirects or answers by itself is a record only.
func applyListener(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	target := forwardTarget(r.State)
	if target == "" {
		return nil, nil
	}
	in := control.Listener{
		LoadBalancerARN: props.Str(r.State, "loadBalancerArn"), Port: props.Int(r.State, "port", 0),
		Protocol: props.Str(r.State, "protocol"), TargetGroupARN: target,
	}
	return nil, e.Sandbox.Put(ctx, control.KindListener, props.Str(r.State, "arn"), in, nil)
}

// forwardTarget is the ARN of the target group that a listener forwards to, "" when it does not forward.
func forwardTarget(state resource.PropertyMap) string {
	for _, action := range props.Objects(state, "defaultActions") {
		if props.Str(action, "type") != "forward" {
			continue
		}
		if arn := props.Str(action, "targetGroupArn"); arn != "" {
			return arn
		}
		return props.Str(action, "forward.targetGroups.0.arn")
	}
	return ""
}
