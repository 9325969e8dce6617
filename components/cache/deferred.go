package cache

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/components/internal/deferred"
)

// waiting tells what ElastiCache keeps for the maintenance window. Replicas come and go at once.
// Source: ModifyReplicationGroup and PendingModifiedValues of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/elasticache@v1.54.3 ; read 2026-11-30.
func (d *declaration) waiting(group *elasticache.ReplicationGroup) pulumi.StringArrayOutput {
	if d.atOnce() {
		return pulumi.StringArray{}.ToStringArrayOutput()
	}
	return deferred.Watch(d.ctx, group, "cache "+d.name, group.MaintenanceWindow,
		deferred.Setting{Name: "nodeType", Want: d.args.NodeType, Have: group.NodeType},
		deferred.Setting{Name: "engineVersion", Want: redis.LastVersion, Have: group.EngineVersionActual,
			Done: deferred.SameVersion},
		deferred.Setting{Name: "automaticFailoverEnabled", Want: d.args.Replicas > 0,
			Have: group.AutomaticFailoverEnabled.Elem()},
		deferred.Setting{Name: "multiAzEnabled", Want: d.args.Replicas > 0, Have: group.MultiAzEnabled.Elem()},
	)
}

// atOnce tells whether changes are applied at once. The last replica goes after failover is off, in the same update:
// that must not wait for the window. A node alone is away in either case.
func (d *declaration) atOnce() bool { return d.args.ApplyImmediately || d.args.Replicas == 0 }
