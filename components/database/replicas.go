package database

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/postgres"
)

// Replicas are the primary's read replicas, all alike. The zero value is none.
type Replicas struct {
	// Count is 0 to 15. They are named replica-1 and so on: a smaller count takes the last ones away.
	Count int
	// Class is an RDS class of their own. Empty is the primary's.
	Class string
	// Parameters of their own parameter group. What the primary sets of the settings that recovery compares
	// (max_connections and the like) must be here too, and no smaller.
	Parameters []Parameter
	// Zones are the availability zones that they are spread over, in turn. Empty lets AWS choose. Ignored for a replica
	// that exists.
	Zones []string
}

// mostReplicas of one RDS for PostgreSQL primary.
// Source: CreateDBInstanceReadReplica of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read
// 2026-11-24.
const mostReplicas = 15

// replicaCreationOnly are the arguments that RDS can set only when it creates a replica. A replica in the source's
// region always has the source's key.
var replicaCreationOnly = []string{"availabilityZone", "kmsKeyId", "performanceInsightsKmsKeyId", "storageEncrypted"}

var zonePattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9][a-z]$`)

// replicas are made from the primary, and so after it. They are protected from nothing: each can be made anew.
func (d *declaration) replicas(primary *rds.Instance, w sharedWiring) ([]*rds.Instance, error) {
	if d.args.Replicas.Count == 0 {
		return nil, nil
	}
	group, err := d.parameterGroup("-replica", d.args.Replicas.Parameters)
	if err != nil {
		return nil, err
	}
	var replicas []*rds.Instance
	for number := 1; number <= d.args.Replicas.Count; number++ {
		replica, err := d.replica(number, primary, group, w)
		if err != nil {
			return nil, fmt.Errorf("replica %d: %w", number, err)
		}
		replicas = append(replicas, replica)
	}
	return replicas, nil
}

// replica has no name, user, password, port, backups and subnet group of its own: RDS takes the primary's. The volume
// is at first as large as the primary's; its size here only makes it grow when the primary's does.
func (d *declaration) replica(number int, primary *rds.Instance, group *rds.ParameterGroup,
	w sharedWiring) (*rds.Instance, error) {
	suffix := replicaSuffix(number)
	identifier := pulumi.Sprintf("%s%s", w.identifier, suffix)
	logs, err := d.logGroups(suffix, identifier)
	if err != nil {
		return nil, err
	}
	args := d.instance(suffix, w)
	args.Identifier = identifier.ToStringPtrOutput()
	args.ReplicateSourceDb = primary.Identifier.ToStringPtrOutput()
	args.InstanceClass = pulumi.String(d.args.replicaClass())
	args.MultiAz = pulumi.Bool(false)
	args.DeletionProtection = pulumi.Bool(false)
	args.SkipFinalSnapshot = pulumi.Bool(true)
	// A replica is created with the primary's group; the provider then modifies it and reboots it once.
	args.ParameterGroupName = group.Name
	if isPinned(d.args.EngineVersion) {
		args.EngineVersion = pulumi.String(d.args.EngineVersion)
	}
	if zones := d.args.Replicas.Zones; len(zones) > 0 {
		args.AvailabilityZone = pulumi.String(zones[(number-1)%len(zones)])
	}
	return rds.NewInstance(d.ctx, d.name+suffix, args, d.parent, instanceTimeouts,
		pulumi.DependsOn(append(logs, w.monitoring.ready...)),
		pulumi.IgnoreChanges(replicaCreationOnly))
}

func replicaSuffix(number int) string { return "-replica-" + strconv.Itoa(number) }

func (a Args) replicaClass() string {
	if a.Replicas.Class == "" {
		return a.InstanceClass
	}
	return a.Replicas.Class
}

func (f *faults) replicas(a Args) {
	r := a.Replicas
	f.Between("Replicas.Count", r.Count, 0, mostReplicas)
	if r.Count <= 0 {
		return
	}
	if r.Class != "" && !classPattern.MatchString(r.Class) {
		f.Add("Replicas.Class is %q, want an RDS class such as db.r7g.large", r.Class)
	}
	if a.BackupRetentionDays == 0 {
		f.Add("BackupRetentionDays is 0 with %d replicas, want 1 or more: RDS makes a replica from a backup", r.Count)
	}
	for i, zone := range r.Zones {
		if !zonePattern.MatchString(zone) {
			f.Add("Replicas.Zones[%d] is %q, want an availability zone such as eu-central-1a", i, zone)
		}
	}
	f.parameters("Replicas.Parameters", r.Parameters, a.EngineVersion)
	f.recovery(a)
}

// recovery wants what replay stops for on a standby to be no less than on its primary.
func (f *faults) recovery(a Args) {
	for _, name := range postgres.Floors() {
		primary, set := settingOf(a.Parameters, name)
		if !set {
			continue
		}
		path := fmt.Sprintf("Replicas.Parameters[%s]", name)
		replica, set := settingOf(a.Replicas.Parameters, name)
		if !set {
			f.Add("%s is missing with %s on the primary, want no less: recovery would stop", path, primary)
			continue
		}
		most, primaryErr := strconv.Atoi(primary)
		own, replicaErr := strconv.Atoi(replica)
		switch {
		case primaryErr == nil && replicaErr == nil:
			if own < most {
				f.Add("%s.Value is %d with %d on the primary, want no less: recovery would stop", path, own, most)
			}
		case primary != replica || a.replicaClass() != a.InstanceClass:
			// A formula's value depends on the class.
			f.Add("%s.Value is %q on %s with %q on %s, want numbers", path, replica, a.replicaClass(), primary, a.InstanceClass)
		}
	}
}

func settingOf(parameters []Parameter, name string) (value string, set bool) {
	i := slices.IndexFunc(parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return "", false
	}
	return parameters[i].Value, true
}
