package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/engines"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// function answers a data source. args have passed the schema.
type function func(p *Provider, args resource.PropertyMap) (map[string]any, error)

var functions = map[string]function{
	"aws:ec2/getManagedPrefixList:getManagedPrefixList": prefixList,
	"aws:ec2/getPrefixList:getPrefixList":               prefixList,
	"aws:ecr/getAuthorizationToken:getAuthorizationToken": func(p *Provider, _ resource.PropertyMap) (map[string]any, error) {
		registry := outputs.Account + ".dkr.ecr." + p.settings().region + ".amazonaws.com"
		return map[string]any{"userName": "AWS", "proxyEndpoint": "https://" + registry, "id": p.settings().region}, nil
	},
	"aws:eks/getCluster:getCluster":                                    getCluster,
	"aws:iam/getPolicyDocument:getPolicyDocument":                      policyDocument,
	"aws:index/getArn:getArn":                                          getArn,
	"aws:index/getAvailabilityZones:getAvailabilityZones":              availabilityZones,
	"aws:index/getCallerIdentity:getCallerIdentity":                    callerIdentity,
	"aws:index/getDefaultTags:getDefaultTags":                          defaultTags,
	"aws:index/getPartition:getPartition":                              partition,
	"aws:index/getRegion:getRegion":                                    getRegion,
	"aws:index/getServicePrincipal:getServicePrincipal":                servicePrincipal,
	"aws:kms/getAlias:getAlias":                                        getAlias,
	"aws:rds/getEngineVersion:getEngineVersion":                        engineVersion,
	"aws:ssm/getParameter:getParameter":                                ssmParameter,
	"aws:cloudfront/getCachePolicy:getCachePolicy":                     managedPolicy,
	"aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy":     managedPolicy,
	"aws:cloudfront/getResponseHeadersPolicy:getResponseHeadersPolicy": managedPolicy,
}

// Invoke answers a data source.
func (p *Provider) Invoke(_ context.Context, r plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	token := string(r.Tok)
	want, known := p.schema.Functions[token]
	if !known {
		names := slices.Sorted(maps.Keys(p.schema.Functions))
		return plugin.InvokeResponse{}, fmt.Errorf("the sandbox knows no function %q%s", token, schema.DidYouMean(token, names))
	}
	answer, ok := functions[token]
	if !ok {
		return plugin.InvokeResponse{}, fmt.Errorf("the sandbox has no answer to the function %s, only to %s", token,
			strings.Join(slices.Sorted(maps.Keys(functions)), ", "))
	}
	if failures := p.schema.Validate(want.Inputs, r.Args); len(failures) > 0 {
		return plugin.InvokeResponse{Failures: checkFailures(failures)}, nil
	}
	out, err := answer(p, r.Args)
	if err != nil {
		return plugin.InvokeResponse{}, fmt.Errorf("%s: %w", token, err)
	}
	for k := range out { // several functions share an answer
		if _, known := want.Outputs.Get(k); !known {
			delete(out, k)
		}
	}
	return plugin.InvokeResponse{Properties: resource.NewPropertyMapFromMap(out)}, nil
}

// partitionOf returns the partition of a region, its DNS suffix and the reverse of that.
func partitionOf(region string) (name, suffix, reverse string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com", "com.amazonaws"
	}
	return "aws", "amazonaws.com", "com.amazonaws"
}

func callerIdentity(*Provider, resource.PropertyMap) (map[string]any, error) {
	return map[string]any{
		"accountId": outputs.Account, "id": outputs.Account,
		"arn": "arn:aws:iam::" + outputs.Account + ":user/sandbox", "userId": "AIDASANDBOXSANDBOXSAN",
	}, nil
}

func partition(p *Provider, _ resource.PropertyMap) (map[string]any, error) {
	name, suffix, reverse := partitionOf(p.settings().region)
	return map[string]any{"id": name, "partition": name, "dnsSuffix": suffix, "reverseDnsPrefix": reverse}, nil
}

func getRegion(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	region := p.settings().region
	if name := props.Str(args, "name"); name != "" {
		region = name
	}
	return map[string]any{"id": region, "name": region, "description": region, "endpoint": "ec2." + region + ".amazonaws.com"}, nil
}

// zoneNames are the zones of a region. Every region of the sandbox has three.
func zoneNames(region string) []any { return []any{region + "a", region + "b", region + "c"} }

func availabilityZones(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	region := p.settings().region
	var names, ids []any
	for i, name := range zoneNames(region) {
		id := fmt.Sprintf("%s-az%d", shortRegion(region), i+1)
		if slices.Contains(props.Strings(args, "excludeNames"), name.(string)) || slices.Contains(props.Strings(args, "excludeZoneIds"), id) {
			continue
		}
		names, ids = append(names, name), append(ids, id)
	}
	return map[string]any{"id": region, "names": names, "zoneIds": ids, "groupNames": []any{region}}, nil
}

// shortRegion is the region's part of a zone id: eu-central-1 is euc1.
func shortRegion(region string) string {
	parts := strings.Split(region, "-")
	if len(parts) < 3 {
		return region
	}
	directions := map[string]string{"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw"}
	short, ok := directions[parts[1]]
	if !ok {
		short = parts[1][:1]
	}
	return parts[0] + short + parts[2]
}

func defaultTags(p *Provider, _ resource.PropertyMap) (map[string]any, error) {
	tags := map[string]any{}
	for k, v := range p.settings().defaultTags {
		tags[k] = v
	}
	return map[string]any{"id": p.settings().region, "tags": tags}, nil
}

func getArn(_ *Provider, args resource.PropertyMap) (map[string]any, error) {
	arn := props.Str(args, "arn")
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return nil, fmt.Errorf("arn is %q, want arn:partition:service:region:account:resource", arn)
	}
	return map[string]any{"id": arn, "arn": arn, "partition": parts[1], "service": parts[2], "region": parts[3], "account": parts[4], "resource": parts[5]}, nil
}

func servicePrincipal(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	region := p.settings().region
	if r := props.Str(args, "region"); r != "" {
		region = r
	}
	_, suffix, _ := partitionOf(region)
	service := props.Str(args, "serviceName")
	return map[string]any{"id": service + "." + region + "." + suffix, "name": service + "." + suffix, "region": region, "serviceName": service, "suffix": suffix}, nil
}

// prefixList answers AWS's own prefix lists by name, and the account's by id.
func prefixList(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	name, id := props.Str(args, "name"), props.Str(args, "id")
	if id == "" {
		id = props.Str(args, "prefixListId")
	}
	if name == "" && id == "" {
		for _, f := range props.Objects(args, "filters") {
			if n := props.Str(f, "name"); n == "prefix-list-name" && len(props.Strings(f, "values")) > 0 {
				name = props.Strings(f, "values")[0]
			}
		}
	}
	region := p.settings().region
	if id == "" {
		id = "pl-" + outputs.Suffix(resource.URN(region+name), 0) + "0"
	}
	return map[string]any{
		"id": id, "prefixListId": id, "name": name, "version": 1, "ownerId": "AWS", "addressFamily": "IPv4", "cidrBlocks": []any{},
		"arn": "arn:aws:ec2:" + region + ":aws:prefix-list/" + id, "entries": []any{}, "maxEntries": 55,
	}, nil
}

func getCluster(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	name := props.Str(args, "name")
	r, ok, err := p.store.Get(engines.Cluster, name)
	if err == nil && !ok {
		err = fmt.Errorf("the cluster %q does not exist (ResourceNotFoundException)", name)
	}
	if err != nil {
		return nil, err
	}
	out := r.State.Mappable()
	if ca, ok := out["certificateAuthority"]; ok { // a list in the data source
		out["certificateAuthorities"] = []any{ca}
	}
	out["id"] = name
	return out, nil
}

func getAlias(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	name := props.Str(args, "name")
	if r, ok, err := p.store.Get("aws:kms/alias:Alias", name); ok || err != nil {
		return r.State.Mappable(), err
	}
	if !strings.HasPrefix(name, "alias/aws/") { // those exist in every account
		return nil, fmt.Errorf("the alias %q does not exist (NotFoundException)", name)
	}
	prefix := "arn:aws:kms:" + p.settings().region + ":" + outputs.Account + ":"
	key := outputs.Suffix(resource.URN(prefix+name), 0)
	return map[string]any{"id": prefix + name, "arn": prefix + name, "name": name, "targetKeyId": key, "targetKeyArn": prefix + "key/" + key}, nil
}

func engineVersion(_ *Provider, args resource.PropertyMap) (map[string]any, error) {
	if engine := props.Str(args, "engine"); engine != "postgres" {
		return nil, fmt.Errorf("engine is %q, the sandbox has postgres", engine)
	}
	version := props.Str(args, "version")
	if version == "" {
		version = "17"
	}
	major, _, _ := strings.Cut(version, ".")
	return map[string]any{
		"id": version, "engine": "postgres", "version": version, "versionActual": version, "parameterGroupFamily": "postgres" + major,
		"defaultCharacterSet": "", "status": "available", "supportsReadReplica": true,
	}, nil
}

// ssmParameter answers the account's own parameters and the public ones that name EKS images.
func ssmParameter(p *Provider, args resource.PropertyMap) (map[string]any, error) {
	name := props.Str(args, "name")
	if r, ok, err := p.store.Get("aws:ssm/parameter:Parameter", name); ok || err != nil {
		return r.State.Mappable(), err
	}
	if !strings.HasPrefix(name, "/aws/service/") {
		return nil, fmt.Errorf("the parameter %q does not exist (ParameterNotFound)", name)
	}
	image := "ami-" + outputs.Suffix(resource.URN(p.settings().region+name), 0) + "0123456789"
	arn := "arn:aws:ssm:" + p.settings().region + "::parameter" + name
	return map[string]any{"id": name, "arn": arn, "name": name, "type": "String", "value": image, "insecureValue": image, "version": 1}, nil
}

func managedPolicy(_ *Provider, args resource.PropertyMap) (map[string]any, error) {
	name, id := props.Str(args, "name"), props.Str(args, "id")
	for n, i := range catalogue.CloudFrontPolicies {
		if n == name || i == id {
			return map[string]any{"id": i, "name": n}, nil
		}
	}
	return nil, fmt.Errorf("no managed policy has the name %q or id %q, want one of %q", name, id, slices.Sorted(maps.Keys(catalogue.CloudFrontPolicies)))
}
