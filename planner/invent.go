package planner

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// region and account are those of invented ARNs.
const (
	region  = "eu-central-1"
	account = "123456789012"
)

// invent returns an id and a state in which every computed value says whose it is: a value that reaches the wrong
// argument is then visible in the text.
func invent(typ, name string, inputs resource.PropertyMap) (string, resource.PropertyMap) {
	state := inputs.Copy()
	for key, value := range computed(typ, name) {
		if _, given := inputs[resource.PropertyKey(key)]; !given || key == "vpcConfig" {
			state[resource.PropertyKey(key)] = merged(inputs[resource.PropertyKey(key)], resource.NewPropertyValue(value))
		}
	}
	id := short(typ) + "/" + name + "#id"
	switch {
	case typ == "aws:kms/key:Key":
		state["keyId"] = resource.NewProperty(id)
	case typ == "aws:iam/role:Role" && inputs["name"].IsString():
		id = inputs["name"].StringValue()
	}
	return id, state
}

func merged(given, extra resource.PropertyValue) resource.PropertyValue {
	if !given.IsObject() || !extra.IsObject() {
		return extra
	}
	all := given.ObjectValue().Copy()
	for k, v := range extra.ObjectValue() {
		all[k] = v
	}
	return resource.NewProperty(all)
}

// fields are the computed strings that components read, besides arn and name, by type.
// Source: the state structs of pulumi-aws v6.83.4.
var fields = map[string][]string{
	"aws:amp/workspace:Workspace":                       {"prometheusEndpoint"},
	"aws:cloudfront/distribution:Distribution":          {"domainName"},
	"aws:elasticache/replicationGroup:ReplicationGroup": {"primaryEndpointAddress", "readerEndpointAddress"},
	"aws:ec2/vpc:Vpc": {"defaultSecurityGroupId", "defaultRouteTableId",
		"defaultNetworkAclId", "mainRouteTableId"},
	"aws:ec2/eip:Eip":                  {"allocationId", "publicIp"},
	"aws:ec2/vpcEndpoint:VpcEndpoint":  {"prefixListId"},
	"aws:ecr/repository:Repository":    {"repositoryUrl", "registryId"},
	"aws:eks/cluster:Cluster":          {"endpoint"},
	"aws:lb/loadBalancer:LoadBalancer": {"arnSuffix", "dnsName", "zoneId"},
	"aws:lb/targetGroup:TargetGroup":   {"arnSuffix"},
	"aws:rds/instance:Instance": {"address", "endpoint", "identifier", "resourceId",
		"hostedZoneId"},
	"aws:s3/bucketV2:BucketV2": {"bucketRegionalDomainName"},
}

// computed are the invented outputs of a resource.
func computed(typ, name string) map[string]any {
	of := func(field string) string { return short(typ) + "/" + name + "#" + field }
	all := map[string]any{
		"arn":  "arn:aws:" + service(typ) + ":" + region + ":" + account + ":" + short(typ) + "/" + name,
		"name": of("name"),
	}
	for _, field := range fields[typ] {
		all[field] = of(field)
	}
	switch typ {
	case "aws:ec2/launchTemplate:LaunchTemplate":
		all["latestVersion"] = 1
	case "aws:eks/cluster:Cluster":
		all["certificateAuthority"] = map[string]any{"data": of("certificateAuthority.data")}
		all["vpcConfig"] = map[string]any{"clusterSecurityGroupId": of("clusterSecurityGroupId")}
	case "aws:eks/nodeGroup:NodeGroup":
		all["resources"] = []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": of("asg")}}}}
	case "aws:rds/instance:Instance":
		all["port"] = 5432
	}
	return all
}

// service is the AWS service of a type token, as ARNs spell it.
func service(typ string) string {
	parts := strings.FieldsFunc(typ, func(r rune) bool { return r == ':' || r == '/' })
	switch {
	case len(parts) < 2:
		return typ
	case parts[1] == "lb":
		return "elasticloadbalancing"
	case parts[1] == "cloudwatch" && strings.HasPrefix(parts[2], "log"):
		return "logs"
	default:
		return parts[1]
	}
}
