// Package engines makes the declared resources that are more than records run: the EKS cluster with its nodes, RDS
// instances, ElastiCache replication groups, load balancers, Managed Prometheus.
//
// Owns: translating AWS properties into requests to the sandbox's daemon (package control) and its answers into
// outputs. Does not own: the processes (the daemon's) and the records (package inventory).
package engines

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Sandbox is the part of control.Client that is used here.
type Sandbox interface {
	Put(ctx context.Context, kind, id string, in, out any) error
	Delete(ctx context.Context, kind, id string) error
}

// Engines translates for one sandbox. Calls for different resources may run at the same time.
type Engines struct {
	Sandbox Sandbox
	Store   *inventory.Store

	cluster sync.Mutex // access entries are part of the cluster's request: one at a time
	caches  sync.Mutex // and so are parameters and users of a replication group's

	workspaces sync.Mutex // and rules, scrapers and alert manager of a workspace's
}

// handler is how one resource type meets the daemon. owned are the outputs that the daemon answers.
type handler struct {
	apply  func(context.Context, *Engines, inventory.Resource) (resource.PropertyMap, error)
	remove func(context.Context, *Engines, inventory.Resource) error
	owned  []resource.PropertyKey
}

// Tokens of the types that have an engine or that one of them refers to.
const (
	Cluster        = "aws:eks/cluster:Cluster"
	NodeGroup      = "aws:eks/nodeGroup:NodeGroup"
	Addon          = "aws:eks/addon:Addon"
	AccessEntry    = "aws:eks/accessEntry:AccessEntry"
	AccessPolicy   = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	Instance       = "aws:rds/instance:Instance"
	ParameterGroup = "aws:rds/parameterGroup:ParameterGroup"
	LoadBalancer   = "aws:lb/loadBalancer:LoadBalancer"
	TargetGroup    = "aws:lb/targetGroup:TargetGroup"
	Listener       = "aws:lb/listener:Listener"
	LaunchTemplate = "aws:ec2/launchTemplate:LaunchTemplate"
	Subnet         = "aws:ec2/subnet:Subnet"
	Bucket         = "aws:s3/bucketV2:BucketV2"

	ReplicationGroup    = "aws:elasticache/replicationGroup:ReplicationGroup"
	CacheParameterGroup = "aws:elasticache/parameterGroup:ParameterGroup"
	CacheUser           = "aws:elasticache/user:User"
	CacheUserGroup      = "aws:elasticache/userGroup:UserGroup"

	Workspace    = "aws:amp/workspace:Workspace"
	RuleGroups   = "aws:amp/ruleGroupNamespace:RuleGroupNamespace"
	AlertManager = "aws:amp/alertManagerDefinition:AlertManagerDefinition"
	Scraper      = "aws:amp/scraper:Scraper"
)

var handlers = map[string]handler{
	Cluster:        {applyCluster, removeAs(control.KindCluster, "name"), []resource.PropertyKey{"endpoint", "certificateAuthority"}},
	NodeGroup:      {applyNodeGroup, removeAs(control.KindNodeGroup, "nodeGroupName"), nil},
	Addon:          {applyAddon, removeAs(control.KindAddon, "addonName"), nil},
	AccessEntry:    {applyAccess, removeAccess, nil},
	AccessPolicy:   {applyAccess, removeAccess, nil},
	Instance:       {applyInstance, removeAs(control.KindDatabase, "identifier"), []resource.PropertyKey{"address", "endpoint", "port", "engineVersionActual"}},
	ParameterGroup: {applyParameterGroup, nil, nil},
	LoadBalancer:   {applyLoadBalancer, removeAs(control.KindLoadBalancer, "arn"), nil},
	TargetGroup:    {applyTargetGroup, removeAs(control.KindTargetGroup, "arn"), nil},
	Listener:       {applyListener, removeAs(control.KindListener, "arn"), nil},
	Bucket:         {applyBucket, removeAs(control.KindBucket, "bucket"), nil},

	ReplicationGroup:    {applyReplicationGroup, removeAs(control.KindCache, "replicationGroupId"), []resource.PropertyKey{"memberClusters", "engineVersionActual"}},
	CacheParameterGroup: {applyCacheParameterGroup, nil, nil},
	CacheUser:           {applyCacheUser, nil, nil},
	CacheUserGroup:      {applyCacheUserGroup, nil, nil},

	Workspace:    {applyWorkspace, removeWorkspace, nil},
	RuleGroups:   {applyPartOfWorkspace, removePartOfWorkspace, nil},
	AlertManager: {applyPartOfWorkspace, removePartOfWorkspace, nil},
	Scraper:      {applyPartOfWorkspace, removePartOfWorkspace, nil},
}

// Owned are the outputs of a type that come from the daemon.
func Owned(token string) []resource.PropertyKey { return handlers[token].owned }

// Apply makes what r declares run, waits until it works and returns the outputs that only running it can tell. r is
// in the inventory already. Types without an engine return nothing.
func (e *Engines) Apply(ctx context.Context, r inventory.Resource) (resource.PropertyMap, error) {
	h, ok := handlers[r.Type]
	if !ok {
		return nil, nil
	}
	return h.apply(ctx, e, r)
}

// Remove ends what r declares. r is still in the inventory.
func (e *Engines) Remove(ctx context.Context, r inventory.Resource) error {
	h, ok := handlers[r.Type]
	if !ok || h.remove == nil {
		return nil
	}
	return h.remove(ctx, e, r)
}

func removeAs(kind, idProperty string) func(context.Context, *Engines, inventory.Resource) error {
	return func(ctx context.Context, e *Engines, r inventory.Resource) error {
		return e.Sandbox.Delete(ctx, kind, props.Str(r.State, idProperty))
	}
}

// errNone says that the account has no such resource.
var errNone = errors.New("there is none in the account")

// find returns the first resource of a type whose state has value in property.
func (e *Engines) find(token, property, value string) (inventory.Resource, error) {
	all, err := e.Store.List(token)
	if err != nil {
		return inventory.Resource{}, err
	}
	for _, r := range all {
		if props.Str(r.State, property) == value {
			return r, nil
		}
	}
	return inventory.Resource{}, fmt.Errorf("%s with %s %q: %w", token, property, value, errNone)
}
