package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
)

type account []inventory.Resource

func (a account) List(token string) ([]inventory.Resource, error) {
	var out []inventory.Resource
	for _, r := range a {
		if r.Type == token {
			out = append(out, r)
		}
	}
	return out, nil
}

type object = map[string]any

const (
	originPolicy = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"
	keyOf        = "parametersInCacheKeyAndForwardedToOrigin."
)

func list(items ...any) []any { return items }

func existing(token, id string, state object) inventory.Resource {
	m := resource.NewPropertyMapFromMap(state)
	return inventory.Resource{Type: token, ID: id, URN: "urn:" + id, Region: "eu-central-1", Status: inventory.Ready, Inputs: m, State: m}
}

// world is the account that the cases below live in.
var world = account{
	existing(tokenVPC, "vpc-1", object{"cidrBlock": "10.0.0.0/16"}),
	existing(tokenSubnet, "subnet-a", object{"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20", "availabilityZone": "eu-central-1a"}),
	existing(tokenSubnet, "subnet-a2", object{"vpcId": "vpc-1", "cidrBlock": "10.0.16.0/20", "availabilityZone": "eu-central-1a"}),
	existing(tokenSubnet, "subnet-b", object{"vpcId": "vpc-1", "cidrBlock": "10.0.32.0/20", "availabilityZone": "eu-central-1b"}),
	existing(tokenDBParams, "pg16", object{"name": "pg16", "family": "postgres16"}),
	existing(tokenDBParams, "pg17", object{"name": "pg17", "family": "postgres17"}),
	existing(tokenDBInstance, "db-0", object{"identifier": "unsaved", "backupRetentionPeriod": 0}),
	existing(tokenCluster, "c", object{"name": "c"}),
	existing(tokenCacheParams, "plain", object{"name": "plain"}),
	existing(tokenCacheParams, "valkey8", object{"name": "valkey8", "family": "valkey8"}),
	existing(tokenCacheUser, "rag-default", object{"userId": "rag-default", "userName": "default"}),
	existing(tokenCacheUser, "rag-app", object{"userId": "rag-app", "userName": "app"}),
	existing(tokenCacheUser, "rag-app-2", object{"userId": "rag-app-2", "userName": "app"}),
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// bases are valid inputs; each case changes one of them.
var bases = map[string]object{
	"aws:ec2/vpc:Vpc":       {"cidrBlock": "10.0.0.0/16"},
	"aws:ec2/subnet:Subnet": {"vpcId": "vpc-1", "cidrBlock": "10.0.48.0/20", "availabilityZone": "eu-central-1a"},
	"aws:ec2/securityGroup:SecurityGroup": {"description": "api", "ingress": list(
		object{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": list("0.0.0.0/0")},
		object{"protocol": "tcp", "fromPort": 0, "toPort": 65535, "self": true})},
	"aws:ec2/securityGroupRule:SecurityGroupRule": {
		"type": "ingress", "protocol": "tcp", "fromPort": 5432, "toPort": 5432, "securityGroupId": "sg-1", "sourceSecurityGroupId": "sg-2"},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"ipProtocol": "-1", "securityGroupId": "sg-1", "cidrIpv4": "10.0.0.0/8"},
	"aws:ec2/route:Route":     {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"},
	"aws:ec2/flowLog:FlowLog": {"vpcId": "vpc-1", "trafficType": "ALL", "logDestination": "arn:x", "iamRoleArn": "arn:y"},
	"aws:ec2/vpcEndpoint:VpcEndpoint": {
		"vpcId": "vpc-1", "serviceName": "com.amazonaws.eu-central-1.ec2", "vpcEndpointType": "Interface", "subnetIds": list("subnet-a"), "privateDnsEnabled": true},
	"aws:ec2/launchTemplate:LaunchTemplate": {
		"metadataOptions":     object{"httpTokens": "required", "httpPutResponseHopLimit": 2},
		"blockDeviceMappings": list(object{"deviceName": "/dev/xvda", "ebs": object{"volumeType": "gp3", "encrypted": "true", "iops": 3000}})},
	"aws:eks/cluster:Cluster": {"name": "rag", "version": "1.36", "roleArn": "arn:x", "vpcConfig": object{"subnetIds": list("subnet-a", "subnet-b")},
		"accessConfig": object{"authenticationMode": "API"}, "encryptionConfig": object{"resources": list("secrets"), "provider": object{"keyArn": "arn:k"}}},
	"aws:eks/addon:Addon": {"clusterName": "c", "addonName": "vpc-cni", "addonVersion": "v1.20.0-eksbuild.1", "resolveConflictsOnCreate": "OVERWRITE",
		"configurationValues": `{"enableNetworkPolicy":"true","env":{"WARM_PREFIX_TARGET":"1"},"resources":{"limits":{"cpu":"1"}}}`},
	"aws:eks/nodeGroup:NodeGroup": {"clusterName": "c", "nodeRoleArn": "arn:x", "subnetIds": list("subnet-a"), "amiType": "AL2023_ARM_64_STANDARD",
		"instanceTypes": list("m7g.large"), "scalingConfig": object{"minSize": 1, "desiredSize": 2, "maxSize": 4},
		"taints": list(object{"key": "a", "effect": "NO_SCHEDULE"})},
	"aws:eks/accessEntry:AccessEntry": {"clusterName": "c", "principalArn": "arn:aws:iam::123456789012:role/admin"},
	"aws:rds/instance:Instance": {"identifier": "rag", "engine": "postgres", "engineVersion": "17.6", "instanceClass": "db.t4g.medium", "allocatedStorage": 100,
		"storageType": "gp3", "username": "rag", "password": "longenough", "skipFinalSnapshot": true, "parameterGroupName": "pg17",
		"backupWindow": "03:00-04:00", "maintenanceWindow": "Sun:04:30-Sun:05:30"},
	"aws:rds/parameterGroup:ParameterGroup": {"family": "postgres17", "parameters": list(
		object{"name": "shared_buffers", "value": "{DBInstanceClassMemory/32768}", "applyMethod": "pending-reboot"},
		object{"name": "shared_preload_libraries", "value": "pg_stat_statements,auto_explain", "applyMethod": "pending-reboot"},
		object{"name": "auto_explain.log_min_duration", "value": "500"})},
	"aws:rds/subnetGroup:SubnetGroup":  {"subnetIds": list("subnet-a", "subnet-b")},
	"aws:lb/loadBalancer:LoadBalancer": {"name": "api", "subnets": list("subnet-a", "subnet-b")},
	"aws:lb/targetGroup:TargetGroup": {"name": "api", "targetType": "ip", "port": 8080, "protocol": "HTTP", "vpcId": "vpc-1",
		"healthCheck": object{"path": "/readyz", "interval": 10, "timeout": 5}},
	"aws:lb/listener:Listener": {"loadBalancerArn": "arn:x", "port": 443, "protocol": "HTTPS", "certificateArn": "arn:c",
		"defaultActions": list(object{"type": "forward", "targetGroupArn": "arn:t"})},
	"aws:iam/role:Role":             {"assumeRolePolicy": trust},
	"aws:iam/policy:Policy":         {"policy": `{"Version":"2012-10-17","Statement":{"Sid":"One","Effect":"Allow","Action":["ec2:Describe*"],"Resource":"*"}}`},
	"aws:kms/key:Key":               {"deletionWindowInDays": 7, "enableKeyRotation": true},
	"aws:kms/alias:Alias":           {"name": "alias/rag", "targetKeyId": "k"},
	"aws:ecr/repository:Repository": {"name": "team/api", "imageTagMutability": "IMMUTABLE"},
	"aws:ecr/lifecyclePolicy:LifecyclePolicy": {"repository": "x",
		"policy": `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged"},"action":{"type":"expire"}}]}`},
	"aws:cloudwatch/logGroup:LogGroup": {"retentionInDays": 30},
	"aws:cloudwatch/metricAlarm:MetricAlarm": {"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 3, "metricName": "x", "namespace": "y",
		"period": 60, "extendedStatistic": "p95", "threshold": 2},
	"aws:elasticache/replicationGroup:ReplicationGroup": {"replicationGroupId": "rag", "description": "d", "engine": "redis", "engineVersion": "7.1",
		"nodeType": "cache.t4g.micro", "numCacheClusters": 2, "automaticFailoverEnabled": true, "multiAzEnabled": true, "transitEncryptionEnabled": true,
		"transitEncryptionMode": "required", "snapshotRetentionLimit": 3, "snapshotWindow": "02:00-03:00", "maintenanceWindow": "sun:04:00-sun:05:00"},
	tokenCacheUser: {"userId": "rag-new", "userName": "new", "engine": "redis", "accessString": "on ~rag:* -@all +@read",
		"authenticationMode": object{"type": "password", "passwords": list("0123456789abcdef")}},
	tokenCacheUsers: {"userGroupId": "rag", "engine": "redis", "userIds": list("rag-default", "rag-app")},
	"aws:elasticache/parameterGroup:ParameterGroup": {"family": "redis7", "parameters": list(
		object{"name": "maxmemory-policy", "value": "allkeys-lfu"}, object{"name": "timeout", "value": "300"})},
	"aws:cloudfront/distribution:Distribution": {"enabled": true, "origins": list(object{"originId": "alb", "domainName": "x"}),
		"defaultCacheBehavior": object{"targetOriginId": "alb", "viewerProtocolPolicy": "redirect-to-https", "cachePolicyId": "p",
			"allowedMethods": list("GET", "HEAD"), "cachedMethods": list("GET", "HEAD")},
		"viewerCertificate": object{"acmCertificateArn": "arn:aws:acm:us-east-1:1:certificate/x", "sslSupportMethod": "sni-only"}},
	"aws:cloudfront/cachePolicy:CachePolicy": {"minTtl": 0, "defaultTtl": 60, "maxTtl": 300, "parametersInCacheKeyAndForwardedToOrigin": object{
		"headersConfig": object{"headerBehavior": "whitelist", "headers": object{"items": list("Authorization")}},
		"cookiesConfig": object{"cookieBehavior": "none"}, "queryStringsConfig": object{"queryStringBehavior": "all"}}},
	"aws:cloudfront/originRequestPolicy:OriginRequestPolicy": {
		"headersConfig": object{"headerBehavior": "whitelist", "headers": object{"items": list("X-Request-Id")}},
		"cookiesConfig": object{"cookieBehavior": "none"}, "queryStringsConfig": object{"queryStringBehavior": "all"}},
	"aws:s3/bucketV2:BucketV2": {"bucket": "rag-assets"},
}

func judge(t *testing.T, token string, inputs, olds object) string {
	t.Helper()
	r := Request{Type: token, URN: "urn:new", Region: "eu-central-1", Inputs: resource.NewPropertyMapFromMap(inputs), Inventory: world}
	if olds != nil {
		r.Olds = resource.NewPropertyMapFromMap(olds)
	}
	failures, err := Check(r)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range failures {
		lines = append(lines, f.Path+" "+f.Reason)
	}
	return strings.Join(lines, "\n")
}

func TestValidInputsPass(t *testing.T) {
	for token, inputs := range bases {
		if got := judge(t, token, inputs, nil); got != "" {
			t.Errorf("%s: %s", token, got)
		}
	}
}

func TestEveryRuledTypeHasAValidCase(t *testing.T) {
	same := map[string]bool{ // judged by the function of a type that has one
		"aws:s3/bucket:Bucket": true, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": true, "aws:iam/rolePolicy:RolePolicy": true,
	}
	for token := range byType {
		if bases[token] == nil && !same[token] {
			t.Errorf("%s has rules and no case", token)
		}
	}
}

// set returns a copy of m with value at path; nil removes. Steps are keys only.
func set(m object, path string, value any) object {
	out := object{}
	for k, v := range m {
		out[k] = v
	}
	head, rest, deep := strings.Cut(path, ".")
	switch {
	case deep:
		inner, _ := out[head].(object)
		out[head] = set(inner, rest, value)
	case value == nil:
		delete(out, head)
	default:
		out[head] = value
	}
	return out
}

func TestEachBrokenRuleIsNamed(t *testing.T) {
	const (
		sg, sgr = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"
		eks     = "aws:eks/cluster:Cluster"
		cache   = "aws:elasticache/replicationGroup:ReplicationGroup"
		cdn     = "aws:cloudfront/distribution:Distribution"
		alarm   = "aws:cloudwatch/metricAlarm:MetricAlarm"
	)
	param := func(name, value, method string) []any {
		return list(object{"name": name, "value": value, "applyMethod": method})
	}
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	for _, c := range []struct {
		token, path string
		value       any
		want        string
	}{
		{tokenVPC, "cidrBlock", "10.0.0.0/8", `cidrBlock is "10.0.0.0/8", want a prefix length of 16 to 28`},
		{tokenVPC, "cidrBlock", "10.0.0.1/16", `want the block's first address: 10.0.0.0/16`},
		{tokenSubnet, "cidrBlock", "10.1.0.0/20", "cidrBlock is 10.1.0.0/20, want a part of the VPC's 10.0.0.0/16 (InvalidSubnet.Range)"},
		{tokenSubnet, "cidrBlock", "10.0.0.0/24", "cidrBlock is 10.0.0.0/24, which overlaps 10.0.0.0/20 of subnet-a (InvalidSubnet.Conflict)"},
		{tokenSubnet, "availabilityZone", "us-east-1a", `availabilityZone is "us-east-1a", want a zone of eu-central-1`},
		{sg, "ingress", list(object{"protocol": "tcp", "fromPort": 443, "toPort": 80, "self": true}), "ingress[0].fromPort to toPort is 443 to 80"},
		{sg, "ingress", list(object{"protocol": "-1", "fromPort": 0, "toPort": 65535, "self": true}), "with protocol -1, want no ports"},
		{sg, "ingress", list(object{"protocol": "tcp", "fromPort": 1, "toPort": 1}), "ingress[0] has no peer"},
		{sg, "ingress", list(object{"protocol": "tcp", "fromPort": 1, "toPort": 1, "prefixListIds": list("pl-1", "pl-2")}), "ingress counts 110 rules, want at most 60"},
		{sg, "description", "für", "description is"},
		{sgr, "sourceSecurityGroupId", nil, "cidrBlocks missing, want one of"},
		{sgr, "cidrBlocks", list("10.0.0.0/8"), "cidrBlocks conflicts with sourceSecurityGroupId"},
		{sgr, "toPort", nil, "fromPort missing with protocol tcp"},
		{sgr, "type", "in", `type is "in", want one of ["ingress" "egress"]`},
		{tokenIngress, "cidrIpv6", "::/0", "cidrIpv6 conflicts with cidrIpv4"},
		{"aws:ec2/route:Route", "natGatewayId", "nat-1", "natGatewayId conflicts with gatewayId"},
		{"aws:ec2/flowLog:FlowLog", "iamRoleArn", nil, "iamRoleArn missing"},
		{"aws:ec2/flowLog:FlowLog", "subnetId", "subnet-a", "subnetId conflicts with vpcId"},
		{"aws:ec2/flowLog:FlowLog", "maxAggregationInterval", 120, "maxAggregationInterval is 120, want 60 or 600"},
		{tokenEndpoint, "routeTableIds", list("rtb-1"), "routeTableIds is given, want none for an endpoint of type Interface"},
		{tokenEndpoint, "vpcEndpointType", "Gateway", "subnetIds is given, want none for an endpoint of type Gateway"},
		{"aws:ec2/launchTemplate:LaunchTemplate", "metadataOptions.httpTokens", "must", `metadataOptions.httpTokens is "must"`},
		{"aws:ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings", list(object{"ebs": object{"volumeType": "gp2", "throughput": 200}}), "blockDeviceMappings[0].ebs.throughput is given for gp2"},
		{eks, "version", "1.36.2", `version is "1.36.2", want a minor version such as 1.36`},
		{eks, "vpcConfig.subnetIds", list("subnet-a", "subnet-a2"), "vpcConfig.subnetIds lies in 1 availability zone, want at least 2"},
		{eks, "vpcConfig.subnetIds", list(), "vpcConfig.subnetIds missing, want at least one"},
		{eks, "vpcConfig.endpointPublicAccess", false, "vpcConfig.endpointPrivateAccess is false as endpointPublicAccess is"},
		{eks, "accessConfig.authenticationMode", "APIS", `want one of ["API" "API_AND_CONFIG_MAP" "CONFIG_MAP"] (did you mean "API"?)`},
		{eks, "enabledClusterLogTypes", list("api", "audits"), `enabledClusterLogTypes[1] is "audits"`},
		{eks, "encryptionConfig.resources", list("pods"), `encryptionConfig.resources is ["pods"], want ["secrets"]`},
		{"aws:eks/addon:Addon", "resolveConflictsOnCreate", "PRESERVE", `resolveConflictsOnCreate is "PRESERVE", want one of ["NONE" "OVERWRITE"]`},
		{"aws:eks/addon:Addon", "addonName", "cluster-autoscaler", `addonName is "cluster-autoscaler", which EKS does not offer`},
		{"aws:eks/addon:Addon", "addonVersion", "1.20", "want a version such as v1.12.2-eksbuild.4"},
		{"aws:eks/addon:Addon", "configurationValues", "{a:", "configurationValues is neither a JSON nor a YAML object"},
		{"aws:eks/addon:Addon", "configurationValues", `[1]`, "configurationValues is neither a JSON nor a YAML object"},
		{"aws:eks/addon:Addon", "configurationValues", `{"env":{},"env":{}}`, "configurationValues is neither a JSON nor a YAML object"},
		{"aws:eks/addon:Addon", "configurationValues", `{"enableNetworkPolicies":"true"}`,
			`configurationValues has enableNetworkPolicies, which the add-on's schema does not define (did you mean "enableNetworkPolicy"?)`},
		{"aws:eks/addon:Addon", "configurationValues", "enableNetworkPolicy: true", "has true at enableNetworkPolicy, want a value of type boolean-string"},
		{"aws:eks/addon:Addon", "configurationValues", `{"env":{"WARM_PREFIX_TARGET":1}}`, "has 1 at env.WARM_PREFIX_TARGET, want a value of type string"},
		{"aws:eks/addon:Addon", "configurationValues", `{"env":"WARM_PREFIX_TARGET=1"}`, "has WARM_PREFIX_TARGET=1 at env, want an object"},
		{"aws:eks/addon:Addon", "configurationValues", `{"eniConfig":{"subnet":{}}}`,
			`configurationValues has eniConfig.subnet, which the add-on's schema does not define (did you mean "subnets"?)`},
		{tokenNodeGroup, "scalingConfig.minSize", 3, "scalingConfig.desiredSize is 2, want at least minSize, 3"},
		{tokenNodeGroup, "scalingConfig.desiredSize", 5, "scalingConfig.desiredSize is 5, want at most maxSize, 4"},
		{tokenNodeGroup, "instanceTypes", list("m7g.lrage"), `instanceTypes[0] "m7g.lrage" is no EC2 instance type`},
		{tokenNodeGroup, "instanceTypes", list("m7i.large"), "want one that fits amiType AL2023_ARM_64_STANDARD"},
		{tokenNodeGroup, "taints", list(object{"key": "a", "effect": "NoSchedule"}), `taints[0].effect is "NoSchedule"`},
		{tokenNodeGroup, "launchTemplate", object{"id": "lt-1"}, "launchTemplate.version missing"},
		{tokenNodeGroup, "updateConfig", object{"maxUnavailable": 1, "maxUnavailablePercentage": 10}, "updateConfig.maxUnavailable conflicts with"},
		{"aws:eks/accessEntry:AccessEntry", "principalArn", "arn:aws:iam::123456789012:user/sandbox", "principalArn is the cluster's creator"},
		{"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "fromPort", 0, "fromPort is 0 with protocol -1, want none"},
		{"aws:eks/accessEntry:AccessEntry", "userName", "iam:ops", `userName is "iam:ops", want a name that does not begin with iam:`},
		{"aws:eks/accessEntry:AccessEntry", "kubernetesGroups", list("system:masters"), "kubernetesGroups[0] is \"system:masters\""},
		{tokenDBInstance, "dbName", "_rag", `dbName is "_rag", want a letter`},
		{tokenDBInstance, "identifier", "Rag--db", "identifier is \"Rag--db\""},
		{tokenDBInstance, "instanceClass", "db.t4g.medum", `instanceClass "db.t4g.medum" is no RDS instance class`},
		{tokenDBInstance, "iops", 3000, "iops is given with 100 GiB of gp3, want none below 400 GiB"},
		{tokenDBInstance, "allocatedStorage", nil, "allocatedStorage missing"},
		{tokenDBInstance, "maxAllocatedStorage", 100, "maxAllocatedStorage is 100, want a tenth more than allocatedStorage, 110 to 65536, or 0"},
		{tokenDBInstance, "performanceInsightsRetentionPeriod", 30, "performanceInsightsRetentionPeriod is given, want performanceInsightsEnabled true with it"},
		{tokenDBInstance, "databaseInsightsMode", "deluxe", `databaseInsightsMode is "deluxe", want one of`},
		{tokenDBInstance, "databaseInsightsMode", "advanced", "databaseInsightsMode is advanced, want performanceInsightsEnabled true with it"},
		{tokenDBInstance, "username", "postgres-1", `username is "postgres-1", want a letter`},
		{tokenDBInstance, "skipFinalSnapshot", false, "finalSnapshotIdentifier missing"},
		{tokenDBInstance, "monitoringInterval", 60, "monitoringRoleArn missing"},
		{tokenDBInstance, "monitoringInterval", 7, "monitoringInterval is 7"},
		{tokenDBInstance, "backupRetentionPeriod", 36, "backupRetentionPeriod is 36, want 0 to 35"},
		{tokenDBInstance, "backupWindow", "04:00-05:00", "backupWindow is 04:00-05:00, which overlaps maintenanceWindow"},
		{tokenDBInstance, "backupWindow", "3am", "want hours in UTC such as 02:00-03:00"},
		{tokenDBInstance, "username", "admin", "which RDS for PostgreSQL reserves"},
		{tokenDBInstance, "dbName", "template1", `dbName is "template1", which RDS for PostgreSQL reserves`},
		{tokenDBInstance, "password", "pässwörter", "password has a character that RDS refuses"},
		{tokenDBInstance, "backupWindow", "03:00-03:29", "backupWindow lasts 29 minutes, want at least 30"},
		{tokenDBInstance, "maintenanceWindow", "sun:06:00-mon:06:00", "maintenanceWindow lasts 1440 minutes, want less than 1440"},
		{tokenDBInstance, "password", "short", "password has 5 characters"},
		{tokenDBInstance, "manageMasterUserPassword", true, "password conflicts with manageMasterUserPassword"},
		{tokenDBInstance, "parameterGroupName", "pg16", "parameterGroupName is pg16 of family postgres16, want family postgres17"},
		{tokenDBInstance, "storageType", "io2", "iops missing"},
		{tokenDBInstance, "replicateSourceDb", "unsaved", "username is given, want none on a replica"},
		{tokenDBInstance, "replicateSourceDb", "unsaved", "replicateSourceDb is unsaved without backups"},
		{tokenDBParams, "parameters", param("share_buffers", "1", "immediate"), `parameters[0].name is "share_buffers", which RDS for PostgreSQL does not let be changed (did you mean "shared_buffers"?)`},
		{tokenDBParams, "parameters", param("shared_buffers", "128MB", "pending-reboot"), `parameters[0].value of shared_buffers is "128MB"`},
		{tokenDBParams, "parameters", param("shared_buffers", "16384", "immediate"), "parameters[0].applyMethod of shared_buffers is immediate, want pending-reboot"},
		{tokenDBParams, "parameters", list(object{"name": "max_connections", "value": "100"}), "applyMethod of max_connections is immediate"},
		{tokenDBParams, "parameters", param("old_snapshot_threshold", "60", "pending-reboot"), `parameters[0].name is "old_snapshot_threshold", which family postgres17 does not have`},
		{tokenDBParams, "parameters", param("track_io_timing", "on", "immediate"), `is "on", want one of 0, 1`},
		{tokenDBParams, "parameters", param("auto_explain.log_analyze", "1", "immediate"), "auto_explain.log_analyze needs auto_explain in shared_preload_libraries"},
		{tokenDBParams, "parameters", append(param("work_mem", "4096", "immediate"), param("work_mem", "8192", "immediate")...), "parameters[1] work_mem is there twice"},
		{tokenDBSubnets, "subnetIds", list("subnet-a", "subnet-a2"), "subnetIds lies in 1 availability zone"},
		{tokenBalancer, "name", "-api", `name is "-api"`},
		{tokenBalancer, "subnets", list("subnet-a"), "subnets has 1 subnet"},
		{tokenTargetGroup, "healthCheck.timeout", 10, "healthCheck.timeout is 10, want less than healthCheck.interval, 10"},
		{tokenTargetGroup, "vpcId", nil, "vpcId missing"},
		{tokenTargetGroup, "deregistrationDelay", 4000, "deregistrationDelay is 4000"},
		{tokenListener, "certificateArn", nil, "certificateArn missing, want a certificate for protocol HTTPS"},
		{tokenListener, "protocol", "HTTP", "certificateArn is given, want none with protocol HTTP"},
		{tokenListener, "defaultActions", list(object{"type": "forward"}), "defaultActions[0].targetGroupArn missing"},
		{tokenListener, "defaultActions", list(object{"type": "redirect", "redirect": object{"statusCode": "301"}}), "defaultActions[0].redirect.statusCode"},
		{tokenRole, "assumeRolePolicy", "{", "assumeRolePolicy is no JSON object (MalformedPolicyDocument)"},
		{tokenRole, "assumeRolePolicy", statement(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "wants exactly one of Principal and NotPrincipal"},
		{tokenRole, "assumeRolePolicy", statement(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}`), "has a Resource, want none in a role's trust policy"},
		{tokenRole, "maxSessionDuration", 60, "maxSessionDuration is 60"},
		{tokenPolicy, "policy", `{"Version":"2012-10-18","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, "has Version 2012-10-18, want 2012-10-17"},
		{tokenPolicy, "policy", statement(""), "has no Statement"},
		{tokenPolicy, "policy", statement(`{"Effect":"allow","Action":"*","Resource":"*"}`), "has Effect allow, want Allow or Deny"},
		{tokenPolicy, "policy", statement(`{"Effect":"Allow","Action":"ec2Describe","Resource":"*"}`), "has the action ec2Describe"},
		{tokenPolicy, "policy", statement(`{"Effect":"Allow","Action":"*","Resource":"bucket"}`), "has the resource bucket, want an ARN or *"},
		{tokenPolicy, "policy", statement(`{"Effect":"Allow","Action":"*","Resource":"*","Conditon":{}}`), `has the key "Conditon"`},
		{tokenPolicy, "policy", object{"Version": "2012-10-17", "Statement": list(object{"Effect": "Maybe", "Action": "*", "Resource": "*"})}, "has Effect Maybe"},
		{"aws:kms/key:Key", "deletionWindowInDays", 3, "deletionWindowInDays is 3, want 7 to 30"},
		{"aws:kms/alias:Alias", "name", "rag", `name is "rag", want alias/`},
		{"aws:ecr/repository:Repository", "name", "Team/API", `name is "Team/API"`},
		{"aws:ecr/lifecyclePolicy:LifecyclePolicy", "policy", `{"rules":[{"rulePriority":0,"selection":{},"action":{"type":"drop"}}]}`, `rules[0].action.type is "drop", want expire or transition`},
		{"aws:cloudwatch/logGroup:LogGroup", "retentionInDays", 10, "retentionInDays is 10, want one of"},
		{alarm, "statistic", "Average", "statistic conflicts with extendedStatistic"},
		{alarm, "extendedStatistic", "95", `extendedStatistic is "95", want a percentile such as p95`},
		{alarm, "extendedStatistic", nil, "statistic missing"},
		{alarm, "period", 45, "period is 45"},
		{alarm, "evaluationPeriods", 2000, "evaluationPeriods times period is 120000 s, want at most 86400"},
		{alarm, "datapointsToAlarm", 4, "datapointsToAlarm is 4, want at most evaluationPeriods, 3"},
		{alarm, "treatMissingData", "notbreaching", `(did you mean "notBreaching"?)`},
		{cache, "engineVersion", "7", `engineVersion is "7", want a version such as 7.1`},
		{cache, "engineVersion", "7.1.0", `engineVersion is "7.1.0"`},
		{cache, "numNodeGroups", 2, "numCacheClusters conflicts with numNodeGroups"},
		{cache, "numCacheClusters", 1, "automaticFailoverEnabled is true with 1 node"},
		{cache, "automaticFailoverEnabled", false, "multiAzEnabled is true, want automaticFailoverEnabled true"},
		{cache, "authTokenUpdateStrategy", "ROTATE", "authTokenUpdateStrategy is given, want authToken with it"},
		{cache, "replicationGroupId", "rag-", "replicationGroupId is \"rag-\""},
		{cache, "logDeliveryConfigurations", list(object{"logType": "slow-log"}, object{"logType": "slow-log"}), "logDeliveryConfigurations[1].logType is slow-log a second time"},
		{cache, "nodeType", "cache.r6gd.xlarge", "dataTieringEnabled is not true"},
		{cache, "nodeType", "cache.r7g", "nodeType"},
		{cache, "engineVersion", "7", `engineVersion is "7", want a version such as 7.1`},
		{cache, "engineVersion", "7.1.0", `engineVersion is "7.1.0", want a version such as 7.1`},
		{cache, "engineVersion", "7.2", `engineVersion is "7.2" with engine redis, want 7.1 or earlier`},
		{cache, "parameterGroupName", "valkey8", "parameterGroupName is valkey8 of family valkey8, want family redis7"},
		{cache, "dataTieringEnabled", true, "dataTieringEnabled is true with cache.t4g.micro, want a node type of family r6gd"},
		{cache, "numCacheClusters", 7, "numCacheClusters is 7, want 1 to 6"},
		{cache, "transitEncryptionMode", "optional", `transitEncryptionMode is "optional"`},
		{cache, "snapshotRetentionLimit", 36, "snapshotRetentionLimit is 36, want 0 to 35"},
		{cache, "finalSnapshotIdentifier", "rag--final", `finalSnapshotIdentifier is "rag--final"`},
		{cache, "snapshotWindow", "3:00-4:00", `snapshotWindow is "3:00-4:00", want hours in UTC such as 02:00-03:00`},
		{cache, "snapshotWindow", "23:30-00:15", "snapshotWindow lasts 45 minutes, want at least 60"},
		{cache, "snapshotWindow", "03:30-04:30", "snapshotWindow is 03:30-04:30, which overlaps maintenanceWindow sun:04:00-sun:05:00"},
		{cache, "maintenanceWindow", "Sun:23:45-Mon:00:15", "maintenanceWindow lasts 30 minutes, want at least 60"},
		{tokenCacheUser, "userId", "rag--app", `userId is "rag--app", want 1 to 40 letters`},
		{tokenCacheUser, "engine", "memcached", `engine is "memcached", want redis or valkey`},
		{tokenCacheUser, "accessString", " ", "accessString is empty"},
		{tokenCacheUser, "accessString", "on >secret ~*", "accessString has a rule about passwords"},
		{tokenCacheUser, "accessString", "reset on ~*", "accessString has a rule about passwords"},
		{tokenCacheUser, "passwords", list("0123456789abcdef"), "passwords conflicts with authenticationMode"},
		{tokenCacheUser, "authenticationMode.type", "token", `authenticationMode.type is "token"`},
		{tokenCacheUser, "authenticationMode.type", "iam", `userName is "new" with userId "rag-new", want the same for IAM`},
		{tokenCacheUser, "authenticationMode.type", "iam", "authenticationMode.passwords is given with type iam, want none"},
		{tokenCacheUser, "authenticationMode.passwords", nil, "authenticationMode.passwords missing, want 1 or 2 with type password"},
		{tokenCacheUser, "authenticationMode.passwords", list("short"), "authenticationMode.passwords[0] has 5 characters, want 16 to 128"},
		{tokenCacheUser, "authenticationMode.passwords", list("0123456789abcdef", "1123456789abcdef", "2123456789abcdef"), "authenticationMode.passwords has 3, want 1 or 2"},
		{tokenCacheUsers, "userGroupId", "1rag", `userGroupId is "1rag"`},
		{tokenCacheUsers, "userIds", list("rag-app"), `userIds has no user with the name "default", want one (DefaultUserRequired)`},
		{tokenCacheUsers, "userIds", list("rag-default", "rag-app", "rag-app-2"), "userIds has rag-app and rag-app-2, both with user name app, want one of each name"},
		{tokenCacheUsers, "userIds", list("default", "rag-default"), "userIds has default and rag-default, both with user name default"},
		{tokenCacheParams, "parameters", list(object{"name": "maxmemory", "value": "1"}), `parameters[0].name is "maxmemory", which ElastiCache does not let be changed`},
		{tokenCacheParams, "parameters", list(object{"name": "hash-max-ziplist-entries", "value": "512"}), `is "hash-max-ziplist-entries", which ElastiCache does not let be changed`},
		{tokenCacheParams, "parameters", list(object{"name": "timeout", "value": "5"}), `parameters[0].value of timeout is 5, want 0 or a whole number of at least 20`},
		{tokenCacheParams, "parameters", list(object{"name": "maxmemory-policy", "value": "lru"}), `parameters[0].value of maxmemory-policy is "lru"`},
		{cdn, "defaultCacheBehavior.minTtl", 1, "defaultCacheBehavior.minTtl is given with cachePolicyId"},
		{cdn, "defaultCacheBehavior.targetOriginId", "s3", `defaultCacheBehavior.targetOriginId is "s3", which is no origin`},
		{cdn, "defaultCacheBehavior.allowedMethods", list("GET", "POST"), "defaultCacheBehavior.allowedMethods is"},
		{cdn, "defaultCacheBehavior.cachedMethods", list(), "defaultCacheBehavior.cachedMethods missing"},
		{cdn, "viewerCertificate.acmCertificateArn", "arn:aws:acm:eu-central-1:1:certificate/x", "want a certificate of us-east-1"},
		{originPolicy, "headersConfig.headers", object{"items": list("authorization")}, "headersConfig.headers.items names Authorization, which only a cache policy may"},
		{originPolicy, "headersConfig.headers", object{"items": list("X-A", "Accept-Encoding")}, "headersConfig.headers.items names Accept-Encoding"},
		{originPolicy, "headersConfig.headers", nil, "headersConfig.headers.items missing, want names with headerBehavior whitelist"},
		{originPolicy, "headersConfig.headerBehavior", "allViewer", "headersConfig.headers.items is given with headerBehavior allViewer, want none"},
		{originPolicy, "headersConfig.headerBehavior", "all", `headersConfig.headerBehavior is "all", want one of`},
		{originPolicy, "headersConfig.headers", object{"items": list("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")}, "headersConfig.headers.items has 11 names, want at most 10"},
		{originPolicy, "queryStringsConfig.queryStringBehavior", "sometimes", `queryStringsConfig.queryStringBehavior is "sometimes"`},
		{originPolicy, "cookiesConfig.cookieBehavior", "whitelist", "cookiesConfig.cookies.items missing"},
		{"aws:cloudfront/cachePolicy:CachePolicy", keyOf + "headersConfig.headerBehavior", "allViewer", `headerBehavior is "allViewer", want one of ["none" "whitelist"]`},
		{"aws:cloudfront/cachePolicy:CachePolicy", "parametersInCacheKeyAndForwardedToOrigin", object{"enableAcceptEncodingGzip": true,
			"headersConfig": object{"headerBehavior": "whitelist", "headers": object{"items": list("accept-encoding")}}}, "names Accept-Encoding beside enableAcceptEncodingGzip"},
		{"aws:cloudfront/cachePolicy:CachePolicy", "defaultTtl", 400, "want minTtl <= defaultTtl <= maxTtl"},
		{"aws:s3/bucketV2:BucketV2", "bucket", "Rag_Assets", `bucket is "Rag_Assets"`},
	} {
		if got := judge(t, c.token, set(bases[c.token], c.path, c.value), nil); !strings.Contains(got, c.want) {
			t.Errorf("%s %s = %v:\n got %q\nwant %q", c.token, c.path, c.value, got, c.want)
		}
	}
}

func TestConditionalRules(t *testing.T) {
	const cache = "aws:elasticache/replicationGroup:ReplicationGroup"
	big := set(bases[tokenDBInstance], "allocatedStorage", 500)
	insights := set(bases[tokenDBInstance], "performanceInsightsEnabled", true)
	ttl0 := set(set(set(bases["aws:cloudfront/cachePolicy:CachePolicy"], "defaultTtl", 0), "maxTtl", 0), "parametersInCacheKeyAndForwardedToOrigin", nil)
	noTLS := set(set(bases[cache], "transitEncryptionEnabled", nil), "authToken", "0123456789abcdef")
	users := set(set(bases[cache], "authToken", "0123456789abcdef"), "userGroupIds", list("g"))
	alone := set(set(set(bases[cache], "numCacheClusters", 1), "automaticFailoverEnabled", false), "multiAzEnabled", false)
	shards := set(set(set(bases[cache], "numCacheClusters", nil), "numNodeGroups", 2), "parameterGroupName", "plain")
	replica := object{"identifier": "ro", "instanceClass": "db.t4g.medium", "replicateSourceDb": "main", "skipFinalSnapshot": true}
	for _, c := range []struct {
		token        string
		inputs, olds object
		want         string
	}{
		{tokenDBInstance, set(replica, "skipFinalSnapshot", false), nil, "skipFinalSnapshot is false, want true on a replica"},
		{tokenDBInstance, set(replica, "finalSnapshotIdentifier", "last"), nil, "finalSnapshotIdentifier is given, want none on a replica"},
		{tokenDBInstance, set(replica, "kmsKeyId", "k"), nil, "kmsKeyId is given, want none on a replica in the source's region"},
		{tokenDBInstance, set(replica, "dbSubnetGroupName", "g"), nil, "dbSubnetGroupName is given, want none on a replica in the source's region"},
		{tokenDBInstance, replica, set(replica, "replicateSourceDb", "unsaved"), `replicateSourceDb is "main" after "unsaved", want no change`},
		{tokenDBInstance, replica, bases[tokenDBInstance], `replicateSourceDb is "main" after "", want no change`},
		{tokenDBInstance, set(big, "iops", 3000), nil, "iops is 3000, want 12000 to 64000"},
		{tokenDBInstance, set(big, "storageThroughput", 125), nil, "storageThroughput is 125, want 500 to 4000"},
		{tokenDBInstance, bases[tokenDBInstance], big, "allocatedStorage is 100 after 500, want no less"},
		{tokenDBInstance, set(bases[tokenDBInstance], "maxAllocatedStorage", 0), big, "allocatedStorage is 100 after 500, want no less"},
		{tokenDBInstance, big, bases[tokenDBInstance], "iops missing, want 12000 or more when gp3 grows from 100 to 500 GiB"},
		{tokenDBInstance, set(big, "iops", 12000), bases[tokenDBInstance], "storageThroughput missing, want 500 or more"},
		{tokenDBInstance, set(big, "storageThroughput", 4000), nil, "storageThroughput is 4000 with 12000 IOPS, want at most 3000: a quarter"},
		{tokenDBInstance, set(insights, "performanceInsightsRetentionPeriod", 30), nil, "performanceInsightsRetentionPeriod is 30, want 7, 731 or a multiple of 31"},
		{tokenDBInstance, set(insights, "performanceInsightsRetentionPeriod", 62), nil, "performanceInsightsRetentionPeriod is 62, want 7, or databaseInsightsMode advanced"},
		{tokenDBInstance, set(set(insights, "databaseInsightsMode", "advanced"), "performanceInsightsRetentionPeriod", 7), nil,
			"performanceInsightsRetentionPeriod is 7 with databaseInsightsMode advanced, want 465 or more"},
		{tokenCluster, set(bases[tokenCluster], "version", "1.35"), bases[tokenCluster], "version is 1.35 after 1.36"},
		{tokenCluster, set(bases[tokenCluster], "version", "1.38"), bases[tokenCluster], "version is 1.38 after 1.36"},
		{tokenNodeGroup, set(bases[tokenNodeGroup], "scalingConfig.minSize", 3), bases[tokenNodeGroup], "scalingConfig.minSize is raised to 3 above the live desired size 2"},
		{"aws:cloudfront/cachePolicy:CachePolicy", set(ttl0, "parametersInCacheKeyAndForwardedToOrigin", object{"enableAcceptEncodingGzip": true}), nil, "want the managed policy CachingDisabled"},
		{cache, alone, set(alone, "automaticFailoverEnabled", true), "applyImmediately is false while failover is turned off"},
		{cache, noTLS, nil, "authToken is given, want transitEncryptionEnabled true"},
		{cache, noTLS, nil, "transitEncryptionMode is given, want transitEncryptionEnabled true"},
		{tokenCacheUser, set(set(set(bases[tokenCacheUser], "engine", "valkey"), "authenticationMode", nil), "noPasswordRequired", true), nil,
			"noPasswordRequired is true with engine valkey"},
		{tokenCacheUser, set(set(bases[tokenCacheUser], "engine", "valkey"), "authenticationMode", object{"type": "no-password-required"}), nil,
			"authenticationMode.type is no-password-required with engine valkey"},
		{cache, users, nil, "authToken conflicts with userGroupIds"},
		{cache, shards, nil, "parameterGroupName is plain without cluster-enabled=yes"},
	} {
		if got := judge(t, c.token, c.inputs, c.olds); !strings.Contains(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.token, got, c.want)
		}
	}
}

func TestWhatRDSTakesOfStorageAndInsights(t *testing.T) {
	base := bases[tokenDBInstance]
	grown := set(base, "allocatedStorage", 700)
	for name, c := range map[string]struct{ inputs, olds object }{
		"growth past 400 GiB with what it needs": {set(set(set(base, "allocatedStorage", 400), "iops", 12000), "storageThroughput", 500), base},
		"growth below":                           {set(base, "allocatedStorage", 399), base},
		"a large one from the start":             {set(base, "allocatedStorage", 400), nil},
		"storage that grew by itself":            {set(base, "maxAllocatedStorage", 1000), grown},
		"standard insights":                      {set(set(set(base, "performanceInsightsEnabled", true), "databaseInsightsMode", "standard"), "performanceInsightsRetentionPeriod", 7), nil},
		"advanced insights":                      {set(set(set(base, "performanceInsightsEnabled", true), "databaseInsightsMode", "advanced"), "performanceInsightsRetentionPeriod", 465), nil},
	} {
		if got := judge(t, tokenDBInstance, c.inputs, c.olds); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestANewReplicaIsTaken(t *testing.T) {
	replica := object{"identifier": "ro", "instanceClass": "db.t4g.medium", "replicateSourceDb": "main", "skipFinalSnapshot": true}
	if got := judge(t, tokenDBInstance, replica, object{}); got != "" {
		t.Error(got)
	}
}

func TestUnknownValuesAreNotJudged(t *testing.T) {
	for token, inputs := range bases {
		m := resource.NewPropertyMapFromMap(inputs)
		for k := range m {
			m[k] = resource.MakeComputed(resource.NewStringProperty(""))
		}
		failures, err := Check(Request{Type: token, URN: "urn:new", Region: "eu-central-1", Inputs: m, Inventory: world})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range failures {
			if m[resource.PropertyKey(f.Path)].IsComputed() {
				t.Errorf("%s: %s %s", token, f.Path, f.Reason)
			}
		}
	}
}

func TestReplacementPathsAreOfTheSchema(t *testing.T) {
	if !Replaces("aws:eks/nodeGroup:NodeGroup", "launchTemplate.id") || Replaces("aws:eks/nodeGroup:NodeGroup", "launchTemplate.version") {
		t.Error("a node group's launch template: id replaces, version does not")
	}
	for _, p := range []string{"instanceClass", "allocatedStorage", "iops", "parameterGroupName", "password", "multiAz", "engineVersion", "tags.a"} {
		if Replaces(tokenDBInstance, p) {
			t.Errorf("a change of %s would replace the database", p)
		}
	}
}

func TestWhatIsNamedMustExist(t *testing.T) {
	err := References(Request{Type: tokenSubnet, Inputs: resource.NewPropertyMapFromMap(object{"vpcId": "vpc-9"}), Inventory: world})
	if err == nil || err.Error() != `vpcId is "vpc-9", which does not exist in the account (InvalidVpcID.NotFound)` {
		t.Errorf("got %v", err)
	}
	if err := References(Request{Type: tokenSubnet, Inputs: resource.NewPropertyMapFromMap(object{"vpcId": "vpc-1"}), Inventory: world}); err != nil {
		t.Error(err)
	}
}

func TestAReplicaThatPostgreSQLWouldNotRunIsRefused(t *testing.T) {
	group := func(name string, parameters ...any) inventory.Resource {
		return existing(tokenDBParams, name, object{"name": name, "parameters": parameters})
	}
	primary := existing(tokenDBInstance, "db-1", object{"identifier": "main", "instanceClass": "db.t4g.large", "parameterGroupName": "main"})
	main := group("main", object{"name": "max_connections", "value": "200"}, object{"name": "max_wal_senders", "value": "20"})
	small := group("small", object{"name": "max_connections", "value": "100"}, object{"name": "max_wal_senders", "value": "10"})
	formula := group("main", object{"name": "max_connections", "value": "{DBInstanceClassMemory/10000000}"})
	for _, c := range []struct {
		world  account
		change object
		want   string
	}{
		{account{primary, main, small}, object{}, ""}, // it has its source's group
		{account{primary, main, small}, object{"parameterGroupName": "small"},
			"parameterGroupName: max_connections is 100 on db.t4g.medium, want 200 or more: its source main has 200, and PostgreSQL runs no replica with less\n" +
				"parameterGroupName: max_wal_senders is 10 on db.t4g.medium, want 20 or more: its source main has 20, and PostgreSQL runs no replica with less"},
		{account{primary, formula}, object{}, "parameterGroupName: max_connections is 395 on db.t4g.medium, want 790 or more"},
		{account{primary, formula}, object{"instanceClass": "db.t4g.large"}, ""},
		{account{primary, group("main")}, object{}, "parameterGroupName: max_connections is 414 on db.t4g.medium, want 829 or more"},
		{account{main}, object{}, `replicateSourceDb is "main", which does not exist in the account (DBInstanceNotFound)`},
	} {
		in := resource.NewPropertyMapFromMap(object{"identifier": "ro", "instanceClass": "db.t4g.medium", "replicateSourceDb": "main"})
		for k, v := range resource.NewPropertyMapFromMap(c.change) {
			in[k] = v
		}
		err := References(Request{Type: tokenDBInstance, Inputs: in, Inventory: c.world})
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.HasPrefix(got, c.want) && c.want != "" {
			t.Errorf("%v:\n got %s\nwant %s", c.change, got, c.want)
		}
	}
}

func TestWhatIsInUseStays(t *testing.T) {
	err := Deletable(world[0], world)
	if err == nil || !strings.Contains(err.Error(), "uses it as vpcId (DependencyViolation)") {
		t.Errorf("got %v", err)
	}
	if err := Deletable(world[1], world); err != nil {
		t.Error(err)
	}
}

func TestProtectionStopsADelete(t *testing.T) {
	db := existing(tokenDBInstance, "db-1", object{"deletionProtection": true})
	if err := Deletable(db, world); err == nil || !strings.Contains(err.Error(), "deletionProtection is true") {
		t.Errorf("got %v", err)
	}
}

// TestUsersThatAreNotKnownYetMayBeTheDefaultOne is the first preview: the group's users have no ids yet.
func TestUsersThatAreNotKnownYetMayBeTheDefaultOne(t *testing.T) {
	unknown := resource.MakeComputed(resource.NewStringProperty(""))
	group := resource.PropertyMap{"userIds": resource.NewArrayProperty([]resource.PropertyValue{unknown, unknown})}
	failures, err := Check(Request{Type: "aws:elasticache/userGroup:UserGroup", URN: "urn:new", Region: "eu-central-1", Inputs: group, Inventory: world})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failures {
		if f.Path == "userIds" {
			t.Errorf("%s %s, want no verdict", f.Path, f.Reason)
		}
	}
}
