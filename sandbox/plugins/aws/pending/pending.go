// Package pending knows which modifications AWS keeps for a maintenance window or a restart.
//
// Owns: the table of such properties, what of a modification waits, when it is done. Does not own: the records (package
// inventory), what runs (package engines).
package pending

import (
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/window"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// deferred are the properties that wait unless applyImmediately is true.
//
// RDS source: ModifyDBInstance and PendingModifiedValues of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 , and
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html . At once are security groups,
// windows, passwords, the parameter group's name, insights, monitoring, protection, log exports, and a backup retention
// that neither was nor becomes 0.
//
// ElastiCache source: ModifyReplicationGroup and the two PendingModifiedValues of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticache@v1.54.3 ; the provider adds and removes nodes at once
// (increaseReplicationGroupReplicaCount of internal/service/elasticache/replication_group.go of
// https://github.com/hashicorp/terraform-provider-aws ). All read 2026-11-30.
var deferred = map[string][]resource.PropertyKey{
	"aws:rds/instance:Instance": {
		"allocatedStorage", "backupRetentionPeriod", "caCertIdentifier", "dbSubnetGroupName", "engineVersion", "iamDatabaseAuthenticationEnabled",
		"instanceClass", "iops", "multiAz", "optionGroupName", "storageThroughput", "storageType",
	},
	"aws:elasticache/replicationGroup:ReplicationGroup": {"automaticFailoverEnabled", "engineVersion", "multiAzEnabled", "nodeType"},
}

// Waits says whether a property keeps the value it has when a resource that had before is sent other inputs.
func Waits(token string, key resource.PropertyKey, before, sent resource.PropertyMap) bool {
	was, had := before[key]
	will, given := sent[key]
	if !had || !given || !slices.Contains(deferred[token], key) || props.Bool(sent, "applyImmediately", false) {
		return false
	}
	was, knownWas := props.Plain(was)
	will, knownWill := props.Plain(will)
	if !knownWas || !knownWill || was.DeepEquals(will) || was.IsNull() {
		return false
	}
	return key != "backupRetentionPeriod" || props.Int(before, string(key), 0) == 0 || props.Int(sent, string(key), 0) == 0
}

// Keys are the properties of a type that may wait.
func Keys(token string) []resource.PropertyKey { return deferred[token] }

// Modified is what waits after a modification: what it asks for beside what waited before. The provider sends only what
// differs from what the account has, so that taking a change back takes nothing out of the queue.
func Modified(token string, waiting, before, sent resource.PropertyMap) resource.PropertyMap {
	if props.Bool(sent, "applyImmediately", false) {
		return nil // and all that waited is done with it
	}
	out := waiting.Copy()
	for _, key := range deferred[token] {
		if Waits(token, key, before, sent) && !grown(key, before, sent) {
			out[key] = sent[key]
		}
	}
	return out
}

// grown says whether a volume is larger than it is declared because RDS made it so: the provider asks for nothing.
func grown(key resource.PropertyKey, before, sent resource.PropertyMap) bool {
	return key == "allocatedStorage" && props.Int(before, string(key), 0) > props.Int(sent, string(key), 0)
}

// Due says whether the window for what waits has begun.
func Due(r inventory.Resource, now time.Time) bool {
	if len(r.Waiting) == 0 {
		return false
	}
	begin, ok := window.Next(props.Str(r.State, "maintenanceWindow"), r.Since)
	return ok && !begin.After(now)
}

// Done is the resource after what waits was done.
func Done(r inventory.Resource) inventory.Resource {
	r.State = r.State.Copy()
	for key, v := range r.Waiting {
		r.State[key] = v
	}
	r.Waiting, r.Since = nil, time.Time{}
	return r
}
