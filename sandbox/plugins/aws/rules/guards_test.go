package rules

import (
	"strings"
	"testing"
)

// many is a list of n equal values.
func many(n int, v any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// TestEveryGuardRefuses: what the tables of the other tests do not reach, one case for each guard.
func TestEveryGuardRefuses(t *testing.T) {
	const (
		cdn     = "aws:cloudfront/distribution:Distribution"
		eks     = "aws:eks/cluster:Cluster"
		cache   = "aws:elasticache/replicationGroup:ReplicationGroup"
		group   = "aws:ec2/securityGroup:SecurityGroup"
		ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
		balance = "aws:lb/loadBalancer:LoadBalancer"
		targets = "aws:lb/targetGroup:TargetGroup"
		listen  = "aws:lb/listener:Listener"
		policy  = "aws:iam/policy:Policy"
		key     = "aws:kms/key:Key"
		param   = "aws:rds/parameterGroup:ParameterGroup"
	)
	allow := func(more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"` + more + `}]}`
	}
	for _, c := range []struct {
		token, path string
		value       any
		want        string
	}{
		{cdn, "webAclId", "arn:aws:wafv2:eu-central-1:1:global/webacl/a", "webAclId is arn:aws:wafv2:eu-central-1:1:global/webacl/a, want a web ACL of us-east-1"},
		{cdn, "comment", strings.Repeat("a", 129), "comment has 129 characters, want at most 128"},
		{cdn, "viewerCertificate.sslSupportMethod", nil, "viewerCertificate.sslSupportMethod missing, want sni-only"},
		{cdn, "defaultCacheBehavior.viewerProtocolPolicy", "http", `defaultCacheBehavior.viewerProtocolPolicy is "http"`},
		{cdn, "defaultCacheBehavior.cachePolicyId", nil, "defaultCacheBehavior.cachePolicyId missing, want a cache policy"},
		{"aws:ec2/vpc:Vpc", "cidrBlock", "ten", `cidrBlock is "ten", want a block such as`},
		{group, "name", "sg-api", `name is "sg-api", want a name that does not begin with sg-`},
		{group, "ingress", list(object{"protocol": "tcp", "fromPort": 1, "toPort": 2, "self": false}), "ingress[0] has no peer"},
		{group, "ingress", list(object{"protocol": "gre", "fromPort": 1, "toPort": 2, "self": true}), `ingress[0].protocol is "gre"`},
		{ingress, "cidrIpv4", "10.0.0.1/8", `cidrIpv4 has "10.0.0.1/8", want a block`},
		{ingress, "cidrIpv4", nil, "cidrIpv4 missing, want one of"},
		{"aws:ec2/flowLog:FlowLog", "logDestination", nil, "logDestination missing, want the ARN"},
		{"aws:ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings", list(object{"ebs": object{"volumeType": "gp3", "iops": 100}}),
			"blockDeviceMappings[0].ebs.iops is 100, want 3000"},
		{eks, "name", "-rag", `name is "-rag", want 1 to 100`},
		{eks, "vpcConfig.subnetIds", list("subnet-a"), "vpcConfig.subnetIds has 1 subnet, want at least 2"},
		{tokenNodeGroup, "taints", many(51, object{"key": "a", "effect": "NO_SCHEDULE"}), "taints has 51 entries, want at most 50"},
		{tokenNodeGroup, "scalingConfig", object{"minSize": 5, "desiredSize": 5, "maxSize": 4}, "scalingConfig.minSize is 5, want at most maxSize, 4"},
		{tokenNodeGroup, "instanceTypes", many(21, "m7g.large"), "instanceTypes has 21 types, want at most 20"},
		{"aws:eks/accessEntry:AccessEntry", "principalArn", "admin", `principalArn is "admin", want the ARN`},
		{cache, "kmsKeyId", "k", "kmsKeyId is given, want atRestEncryptionEnabled true with it"},
		{cache, "userGroupIds", list("a", "b"), "userGroupIds has 2 groups, want at most 1"},
		{policy, "policy", allow(`,"Condition":"` + strings.Repeat("a", 6200) + `"`), "characters, want at most 6144"},
		{policy, "policy", `{"Versions":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, `has the key "Versions"`},
		{policy, "policy", `{"Version":"2012-10-17","Statement":["Allow"]}`, "Statement[0] is no object"},
		{policy, "policy", allow(`,"Sid":"a b"`), `has Sid "a b", want letters and digits`},
		{policy, "policy", allow(`,"Condition":"a"`), "has a Condition that is no object"},
		{policy, "policy", allow(`,"Principal":"*"`), "has a Principal, want none in the policy of an identity"},
		{balance, "namePrefix", "ragscale", `namePrefix is "ragscale", 8 characters, want at most 6`},
		{balance, "subnets", nil, "subnets missing, want at least 2"},
		{targets, "slowStart", 20, "slowStart is 20, want 0 or 30 to 900"},
		{targets, "healthCheck.path", "readyz", `healthCheck.path is "readyz", want a path`},
		{listen, "defaultActions", list(object{"type": "fixed-response"}), "defaultActions[0].fixedResponse missing, want it for an action"},
		{tokenDBInstance, "monitoringInterval", 2.5, "monitoringInterval is 2.5, want one of"},
		{"aws:rds/subnetGroup:SubnetGroup", "subnetIds", list("subnet-a"), "subnetIds has 1 subnet"},
		{param, "name", "Rag", `name is "Rag", want small letters`},
		{param, "parameters", list(object{"name": "work_mem", "value": "64", "applyMethod": "later"}), `applyMethod of work_mem is "later"`},
	} {
		if got := judge(t, c.token, set(bases[c.token], c.path, c.value), nil); !strings.Contains(got, c.want) {
			t.Errorf("%s %s = %v:\n got %q\nwant %q", c.token, c.path, c.value, got, c.want)
		}
	}
	rotation := set(set(bases[key], "enableKeyRotation", false), "rotationPeriodInDays", 90)
	slow := set(set(bases[targets], "slowStart", 60), "loadBalancingAlgorithmType", "least_outstanding_requests")
	aliases := set(set(bases[cdn], "viewerCertificate", object{"cloudfrontDefaultCertificate": true}), "aliases", list("a.example"))
	shards := set(set(set(set(bases[cache], "numCacheClusters", nil), "numNodeGroups", 2), "automaticFailoverEnabled", nil), "multiAzEnabled", nil)
	for _, c := range []struct {
		token  string
		inputs object
		want   string
	}{
		{key, rotation, "rotationPeriodInDays is given, want enableKeyRotation true"},
		{targets, slow, "slowStart is 60, want 0 with least_outstanding_requests"},
		{cdn, aliases, "cloudfrontDefaultCertificate is true with aliases"},
		{cache, shards, "automaticFailoverEnabled is not true, want true in cluster mode"},
		{balance, set(set(bases[balance], "loadBalancerType", "network"), "subnets", list("subnet-a")), ""},
		{param, object{"family": "mysql8.0", "parameters": list(object{"name": "max_connections", "value": "1"})}, ""},
	} {
		if got := judge(t, c.token, c.inputs, nil); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s %v:\n got %q\nwant %q", c.token, c.inputs, got, c.want)
		}
	}
}
