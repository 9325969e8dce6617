package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// reference is a property that names another resource of the account.
type reference struct {
	path  string // of a text or a list of texts, in State
	token string // type of the other
	key   string // the other's property that path repeats; "" is its id
	code  string // AWS's error code for one that is not there
}

const (
	tokenVPC         = "aws:ec2/vpc:Vpc"
	tokenSubnet      = "aws:ec2/subnet:Subnet"
	tokenGroup       = "aws:ec2/securityGroup:SecurityGroup"
	tokenCluster     = "aws:eks/cluster:Cluster"
	tokenNodeGroup   = "aws:eks/nodeGroup:NodeGroup"
	tokenDBInstance  = "aws:rds/instance:Instance"
	tokenDBParams    = "aws:rds/parameterGroup:ParameterGroup"
	tokenDBSubnets   = "aws:rds/subnetGroup:SubnetGroup"
	tokenTargetGroup = "aws:lb/targetGroup:TargetGroup"
	tokenBalancer    = "aws:lb/loadBalancer:LoadBalancer"
	tokenListener    = "aws:lb/listener:Listener"
	tokenRole        = "aws:iam/role:Role"
	tokenPolicy      = "aws:iam/policy:Policy"
	tokenAttachment  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	tokenEIP         = "aws:ec2/eip:Eip"
	tokenNAT         = "aws:ec2/natGateway:NatGateway"
	tokenEndpoint    = "aws:ec2/vpcEndpoint:VpcEndpoint"
	tokenSGRule      = "aws:ec2/securityGroupRule:SecurityGroupRule"
	tokenIngress     = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	tokenEgress      = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	tokenCacheGroup  = "aws:elasticache/replicationGroup:ReplicationGroup"
	tokenCacheParams = "aws:elasticache/parameterGroup:ParameterGroup"
	tokenCacheNet    = "aws:elasticache/subnetGroup:SubnetGroup"
	tokenCacheUser   = "aws:elasticache/user:User"
	tokenCacheUsers  = "aws:elasticache/userGroup:UserGroup"
)

// references of each type. What is named is wanted before a create, and cannot be deleted before its user.
var references = map[string][]reference{
	tokenSubnet:   {{"vpcId", tokenVPC, "", "InvalidVpcID.NotFound"}},
	tokenGroup:    {{"vpcId", tokenVPC, "", "InvalidVpcID.NotFound"}},
	tokenNAT:      {{"subnetId", tokenSubnet, "", "InvalidSubnetID.NotFound"}, {"allocationId", tokenEIP, "", "InvalidAllocationID.NotFound"}},
	tokenEndpoint: {{"vpcId", tokenVPC, "", "InvalidVpcId.NotFound"}, {"subnetIds", tokenSubnet, "", "InvalidSubnetId.NotFound"}, {"securityGroupIds", tokenGroup, "", "InvalidGroup.NotFound"}},
	tokenSGRule:   {{"securityGroupId", tokenGroup, "", "InvalidGroup.NotFound"}, {"sourceSecurityGroupId", tokenGroup, "", "InvalidGroup.NotFound"}},
	tokenIngress:  {{"securityGroupId", tokenGroup, "", "InvalidGroup.NotFound"}, {"referencedSecurityGroupId", tokenGroup, "", "InvalidGroup.NotFound"}},
	tokenEgress:   {{"securityGroupId", tokenGroup, "", "InvalidGroup.NotFound"}, {"referencedSecurityGroupId", tokenGroup, "", "InvalidGroup.NotFound"}},
	tokenCluster: {
		{"vpcConfig.subnetIds", tokenSubnet, "", "InvalidParameterException"}, {"vpcConfig.securityGroupIds", tokenGroup, "", "InvalidParameterException"},
		{"roleArn", tokenRole, "arn", "InvalidParameterException"},
	},
	tokenNodeGroup: {
		{"clusterName", tokenCluster, "name", "ResourceNotFoundException"}, {"subnetIds", tokenSubnet, "", "InvalidParameterException"},
		{"nodeRoleArn", tokenRole, "arn", "InvalidParameterException"},
	},
	"aws:eks/addon:Addon":             {{"clusterName", tokenCluster, "name", "ResourceNotFoundException"}},
	"aws:eks/accessEntry:AccessEntry": {{"clusterName", tokenCluster, "name", "ResourceNotFoundException"}},
	"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
		{"clusterName", tokenCluster, "name", "ResourceNotFoundException"},
		{"principalArn", "aws:eks/accessEntry:AccessEntry", "principalArn", "ResourceNotFoundException"},
	},
	"aws:eks/podIdentityAssociation:PodIdentityAssociation": {{"clusterName", tokenCluster, "name", "ResourceNotFoundException"}},
	tokenDBSubnets: {{"subnetIds", tokenSubnet, "", "InvalidSubnet"}},
	tokenDBInstance: {
		{"dbSubnetGroupName", tokenDBSubnets, "name", "DBSubnetGroupNotFoundFault"}, {"parameterGroupName", tokenDBParams, "name", "DBParameterGroupNotFound"},
		{"vpcSecurityGroupIds", tokenGroup, "", "InvalidParameterValue"},
	},
	tokenBalancer:    {{"subnets", tokenSubnet, "", "SubnetNotFound"}, {"securityGroups", tokenGroup, "", "InvalidSecurityGroup"}},
	tokenTargetGroup: {{"vpcId", tokenVPC, "", "ValidationError"}},
	tokenListener:    {{"loadBalancerArn", tokenBalancer, "arn", "LoadBalancerNotFound"}, {"defaultActions.0.targetGroupArn", tokenTargetGroup, "arn", "TargetGroupNotFound"}},
	tokenAttachment:  {{"role", tokenRole, "name", "NoSuchEntity"}, {"policyArn", tokenPolicy, "arn", "NoSuchEntity"}},
	tokenCacheNet:    {{"subnetIds", tokenSubnet, "", "InvalidSubnet"}},
	tokenCacheUsers:  {{"userIds", tokenCacheUser, "userId", "UserNotFound"}},
	tokenCacheGroup: {
		{"subnetGroupName", tokenCacheNet, "name", "CacheSubnetGroupNotFoundFault"}, {"parameterGroupName", tokenCacheParams, "name", "CacheParameterGroupNotFound"},
		{"securityGroupIds", tokenGroup, "", "InvalidParameterValue"}, {"userGroupIds", tokenCacheUsers, "userGroupId", "UserGroupNotFound"},
	},
}

// softReferences may name what AWS or EKS makes by itself: a missing one is no fault, but a present one is in use.
var softReferences = []string{tokenGroup, tokenRole, tokenPolicy}

// References says what a resource names that the account does not have.
func References(r Request) error {
	for _, ref := range references[r.Type] {
		for _, value := range values(r, ref.path) {
			if slices.Contains(softReferences, ref.token) || strings.HasPrefix(value, "default") {
				continue
			}
			found, err := exists(r.Inventory, ref, value)
			if err != nil {
				return err
			}
			if !found {
				return fmt.Errorf("%s is %q, which does not exist in the account (%s)", ref.path, value, ref.code)
			}
		}
	}
	if r.Type == tokenDBInstance {
		return replicaSettings(r)
	}
	return nil
}

func values(r Request, path string) []string {
	if s := props.Str(r.Inputs, path); s != "" {
		return []string{s}
	}
	return props.Strings(r.Inputs, path)
}

func exists(inv Inventory, ref reference, value string) (bool, error) {
	all, err := inv.List(ref.token)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(r inventory.Resource) bool { return ref.names(r, value) }), nil
}

func (ref reference) names(r inventory.Resource, value string) bool {
	if ref.key == "" {
		return r.ID == value
	}
	return props.Str(r.State, ref.key) == value
}

// protections are the switches against deletion.
var protections = map[string]string{
	tokenDBInstance: "deletionProtection", tokenBalancer: "enableDeletionProtection", tokenCluster: "deletionProtection",
}

// Deletable says why AWS would refuse to delete a resource: it is protected, or something in the account uses it.
func Deletable(r inventory.Resource, inv Inventory) error {
	if p, ok := protections[r.Type]; ok && props.Bool(r.State, p, false) {
		return fmt.Errorf("%s %q cannot be deleted: %s is true, set it to false first", r.Type, r.ID, p)
	}
	for token, refs := range references {
		for _, ref := range refs {
			if ref.token != r.Type || selfRule(token, ref) {
				continue
			}
			user, err := userOf(inv, token, ref, r)
			if err != nil {
				return err
			}
			if user != "" {
				return fmt.Errorf("%s %q cannot be deleted: %s %q uses it as %s (DependencyViolation)", r.Type, r.ID, token, user, ref.path)
			}
		}
	}
	return nil
}

// selfRule is a reference that goes away with what it names: a security group takes its own rules along, a cluster
// its add-ons, access entries and pod identities.
func selfRule(token string, ref reference) bool {
	switch ref.token {
	case tokenGroup:
		return ref.path == "securityGroupId"
	case tokenCluster:
		return token != tokenNodeGroup
	case tokenBalancer, "aws:eks/accessEntry:AccessEntry":
		return true
	}
	return false
}

func userOf(inv Inventory, token string, ref reference, r inventory.Resource) (string, error) {
	all, err := inv.List(token)
	if err != nil {
		return "", err
	}
	for _, other := range all {
		for _, value := range values(Request{Inputs: other.State}, ref.path) {
			if other.ID != r.ID && ref.names(r, value) {
				return other.ID, nil
			}
		}
	}
	return "", nil
}
