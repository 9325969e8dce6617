// Package rules knows what AWS refuses although every property has the right type.
//
// Owns: one function for each resource type with such rules, and references.go: what must exist before, and what must
// be gone before a delete. Does not own: structure (package schema) and the records (package inventory).
// A rule says nothing about a value that is not known yet.
package rules

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// Inventory is what rules need to know of the account.
type Inventory interface {
	List(token string) ([]inventory.Resource, error)
}

// Request is a resource to be judged.
type Request struct {
	Type      string // token
	URN       string
	Region    string
	Inputs    resource.PropertyMap
	Olds      resource.PropertyMap // empty for a new resource
	Inventory Inventory
}

// Check returns what AWS would refuse. The error is about the inventory, not about the resource.
func Check(r Request) ([]schema.Failure, error) {
	c := &check{Request: r}
	required(c)
	for _, rule := range byType[r.Type] {
		rule(c)
	}
	return c.failures, c.err
}

// byType are the rules of each type. Sources stand at the rules.
var byType = map[string][]func(*check){
	"aws:cloudfront/cachePolicy:CachePolicy":                    {cachePolicy, cachePolicyParts},
	"aws:cloudfront/distribution:Distribution":                  {distribution},
	"aws:cloudfront/originRequestPolicy:OriginRequestPolicy":    {originRequestPolicy},
	"aws:cloudwatch/logGroup:LogGroup":                          {logGroup},
	"aws:cloudwatch/metricAlarm:MetricAlarm":                    {metricAlarm},
	"aws:ec2/flowLog:FlowLog":                                   {flowLog},
	"aws:ec2/launchTemplate:LaunchTemplate":                     {launchTemplate},
	"aws:ec2/route:Route":                                       {route},
	"aws:ec2/securityGroup:SecurityGroup":                       {securityGroup},
	"aws:ec2/securityGroupRule:SecurityGroupRule":               {securityGroupRule},
	"aws:ec2/subnet:Subnet":                                     {subnet},
	"aws:ec2/vpc:Vpc":                                           {vpc},
	"aws:ec2/vpcEndpoint:VpcEndpoint":                           {vpcEndpoint},
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":                   {lifecyclePolicy},
	"aws:ecr/repository:Repository":                             {repository},
	"aws:eks/accessEntry:AccessEntry":                           {accessEntry},
	"aws:eks/addon:Addon":                                       {addon, addonConfiguration},
	"aws:eks/cluster:Cluster":                                   {cluster},
	"aws:eks/nodeGroup:NodeGroup":                               {nodeGroup},
	"aws:elasticache/parameterGroup:ParameterGroup":             {cacheParameterGroup},
	"aws:elasticache/replicationGroup:ReplicationGroup":         {replicationGroup},
	"aws:elasticache/user:User":                                 {cacheUser},
	"aws:elasticache/userGroup:UserGroup":                       {cacheUserGroup},
	"aws:iam/policy:Policy":                                     {policy("policy", false)},
	"aws:iam/role:Role":                                         {role, policy("assumeRolePolicy", true)},
	"aws:iam/rolePolicy:RolePolicy":                             {policy("policy", false)},
	"aws:kms/alias:Alias":                                       {kmsAlias},
	"aws:kms/key:Key":                                           {kmsKey, policy("policy", true)},
	"aws:lb/listener:Listener":                                  {listener},
	"aws:lb/loadBalancer:LoadBalancer":                          {loadBalancer},
	"aws:lb/targetGroup:TargetGroup":                            {targetGroup},
	"aws:rds/instance:Instance":                                 {dbInstance, dbStorage, dbInsights, dbReplica},
	"aws:rds/parameterGroup:ParameterGroup":                     {dbParameterGroup},
	"aws:rds/subnetGroup:SubnetGroup":                           {dbSubnetGroup},
	"aws:s3/bucket:Bucket":                                      {bucket},
	"aws:s3/bucketV2:BucketV2":                                  {bucket},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   {vpcSecurityGroupRule},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {vpcSecurityGroupRule},
}

// index is a list index as package props writes it; failures have it in brackets.
var index = regexp.MustCompile(`\.([0-9]+)\b`)

// check collects the failures of one request.
type check struct {
	Request
	failures []schema.Failure
	err      error
}

func (c *check) fail(path, format string, args ...any) {
	path = index.ReplaceAllString(path, "[$1]")
	c.failures = append(c.failures, schema.Failure{Path: path, Reason: fmt.Sprintf(format, args...)})
}

func (c *check) has(path string) bool                      { return props.Has(c.Inputs, path) }
func (c *check) str(path string) string                    { return props.Str(c.Inputs, path) }
func (c *check) num(path string) (float64, bool)           { return props.Number(c.Inputs, path) }
func (c *check) is(path string, def bool) bool             { return props.Bool(c.Inputs, path, def) }
func (c *check) list(path string) []resource.PropertyValue { return props.List(c.Inputs, path) }

// unknown says whether a value at path will only be told by an update.
func (c *check) unknown(path string) bool { return props.Unknown(c.Inputs, path) }

// others are the resources of a type in the account and region that another URN declared.
func (c *check) others(token string) []inventory.Resource {
	all, err := c.Inventory.List(token)
	if err != nil {
		c.err = err
		return nil
	}
	var out []inventory.Resource
	for _, r := range all {
		if r.URN != c.URN && r.Region == c.Region {
			out = append(out, r)
		}
	}
	return out
}

// oneOf refuses a known text that is not in the list.
func (c *check) oneOf(path string, allowed ...string) {
	s, ok := props.String(c.Inputs, path)
	if !ok {
		return
	}
	for _, a := range allowed {
		if s == a {
			return
		}
	}
	c.fail(path, "is %q, want one of %q%s", s, allowed, schema.DidYouMean(s, allowed))
}

// within refuses a known number outside of low to high.
func (c *check) within(path string, low, high float64) {
	if n, ok := c.num(path); ok && (n < low || n > high) {
		c.fail(path, "is %v, want %v to %v", n, low, high)
	}
}

// conflict refuses two properties given together.
func (c *check) conflict(path, other string) {
	if c.has(path) && c.has(other) {
		c.fail(path, "conflicts with %s: give one of them", other)
	}
}
