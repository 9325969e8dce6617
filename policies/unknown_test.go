package main_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"github.com/ragscale/ragscale/policies/rules"
)

// variant is a value in which the part at a path is another. The elements of a list have one path.
type variant struct {
	path  string
	value property.Value
}

// variants replaces each part of a value, and the value itself, in turn.
func variants(path string, v, by property.Value) []variant {
	all := []variant{{path, by}}
	switch {
	case v.IsMap():
		for name, e := range v.AsMap().All {
			for _, part := range variants(path+"."+name, e, by) {
				all = append(all, variant{part.path, property.New(v.AsMap().Set(name, part.value)).WithSecret(v.Secret())})
			}
		}
	case v.IsArray():
		for i, e := range v.AsArray().All {
			for _, part := range variants(path+"[]", e, by) {
				list := v.AsArray().AsSlice()
				list[i] = part.value
				all = append(all, variant{part.path, property.New(list).WithSecret(v.Secret())})
			}
		}
	}
	return all
}

// eachVariant calls use with production, in which one part of one resource's inputs is replaced. once = true tries each path
// on one resource of a type alone.
func eachVariant(t *testing.T, by property.Value, once bool, use func(subject, rules.Resource)) {
	t.Helper()
	s, tried := declare(t, "prod"), map[string]bool{}
	for i, r := range s.Resources {
		for _, changed := range variants(r.Type, property.New(r.Inputs), by)[1:] {
			if once && tried[changed.path] {
				continue
			}
			tried[changed.path] = true
			s.Resources[i].Inputs = changed.value.AsMap()
			use(s, s.Resources[i])
		}
		s.Resources[i] = r
	}
}

// stackTypes are those that some stack rule looks at: only with them is a whole stack worth measuring.
var stackTypes = map[string]bool{
	"kubernetes:apps/v1:Deployment": true, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": true,
	"kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler": true, "kubernetes:policy/v1:PodDisruptionBudget": true,
	"kubernetes:networking.k8s.io/v1:NetworkPolicy": true, "kubernetes:core/v1:Namespace": true,
	"aws:rds/parameterGroup:ParameterGroup": true, "aws:lb/listener:Listener": true, "aws:lb/loadBalancer:LoadBalancer": true,
	"aws:ec2/subnet:Subnet": true, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": true,
	"kubernetes:apps/v1:StatefulSet": true, "kubernetes:core/v1:ConfigMap": true, "kubernetes:batch/v1:CronJob": true,
	"aws:rds/instance:Instance": true, "aws:elasticache/replicationGroup:ReplicationGroup": true,
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": true, "aws:s3/bucketVersioningV2:BucketVersioningV2": true,
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": true, "aws:s3/bucketPolicy:BucketPolicy": true,
	"aws:cloudwatch/compositeAlarm:CompositeAlarm": true, "aws:amp/ruleGroupNamespace:RuleGroupNamespace": true,
	"aws:sns/topicSubscription:TopicSubscription": true, "aws:eks/nodeGroup:NodeGroup": true, "aws:eks/cluster:Cluster": true,
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": true, "kubernetes:core/v1:PersistentVolumeClaim": true,
}

// oneAlarm stands for all: alarms are many and alike.
const oneAlarm = "rag-prod-node-cpu"

func measure(s subject, r rules.Resource) map[string][]rules.Finding {
	found := map[string][]rules.Finding{}
	for _, rule := range rules.All() {
		findings := rule.Find(r, s.settings.Thresholds)
		if stackTypes[r.Type] || r.Name == oneAlarm {
			findings = append(findings, rule.FindInStack(s.Stack, s.settings.Thresholds)...)
		}
		if len(findings) > 0 {
			found[rule.Name] = findings
		}
	}
	return found
}

func TestNoUnknownValueAnywhereIsAFault(t *testing.T) {
	eachVariant(t, property.New(property.Computed), false, func(s subject, r rules.Resource) {
		for name, findings := range measure(s, r) {
			t.Errorf("%s %s: %s finds %v", r.Type, r.Name, name, findings)
		}
	})
}

// Whether a rule takes a value of another type depends on where it reads it, not on the resource that has it.
func TestNoIllTypedValueAnywhereIsACrash(t *testing.T) {
	for _, by := range []property.Value{
		property.New("?"), property.New(1.0), property.New(true), property.New(property.Null),
		property.New([]property.Value{{}}), property.New(map[string]property.Value{}),
	} {
		eachVariant(t, by, true, func(s subject, r rules.Resource) { measure(s, r) })
	}
}
