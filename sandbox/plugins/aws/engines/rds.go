package engines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func applyInstance(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	in, err := e.database(r)
	if err != nil {
		return nil, err
	}
	var info control.DatabaseInfo
	if err := e.Sandbox.Put(ctx, control.KindDatabase, props.Str(r.State, "identifier"), in, &info); err != nil {
		return nil, err
	}
	return resource.PropertyMap{
		"address":             resource.NewStringProperty(info.Address),
		"port":                resource.NewNumberProperty(float64(info.Port)),
		"endpoint":            resource.NewStringProperty(info.Address + ":" + strconv.Itoa(info.Port)),
		"engineVersionActual": resource.NewStringProperty(info.EngineVersion),
	}, nil
}

// database is what the daemon is asked for an instance.
func (e *Engines) database(r inventory.Resource) (control.Database, error) {
	if source := props.Str(r.State, "replicateSourceDb"); source != "" {
		return e.replica(r, source)
	}
	switch {
	case props.Str(r.State, "engine") != "postgres":
		return control.Database{}, fmt.Errorf("engine is %q, the sandbox runs postgres", props.Str(r.State, "engine"))
	case !props.Has(r.State, "password"):
		return control.Database{}, errors.New("password: missing, the sandbox has no managed or restored master password")
	}
	db, err := e.own(r, r)
	db.DBName, db.Username, db.Password = props.Str(r.State, "dbName"), props.Str(r.State, "username"), props.Str(r.State, "password")
	return db, err
}

// replica is a database with the identity of its source, which is named by identifier or ARN.
func (e *Engines) replica(r inventory.Resource, name string) (control.Database, error) {
	property := "identifier"
	if strings.HasPrefix(name, "arn:") {
		property = "arn"
	}
	source, err := e.find(Instance, property, name)
	if err != nil {
		return control.Database{}, fmt.Errorf("replicateSourceDb: %w", err)
	}
	if props.Has(source.State, "replicateSourceDb") {
		return control.Database{}, fmt.Errorf("replicateSourceDb: %s is a replica itself, the sandbox runs replicas of primaries only", name)
	}
	db, err := e.own(r, source)
	db.SourceID = props.Str(source.State, "identifier")
	return db, err
}

// own is what primaries and replicas alike have of their own. Of what r does not declare a replica has its source's;
// a primary is its own source.
func (e *Engines) own(r, source inventory.Resource) (control.Database, error) {
	class, err := rds.Lookup(props.Str(r.State, "instanceClass"))
	if err != nil {
		return control.Database{}, fmt.Errorf("instanceClass: %w", err)
	}
	db := control.Database{
		Engine: "postgres", EngineVersion: firstSet(props.Str(r.State, "engineVersion"), props.Str(source.State, "engineVersion")),
		Port:       props.Int(r.Inputs, "port", props.Int(source.State, "port", 5432)),
		StorageGiB: props.Int(r.State, "allocatedStorage", props.Int(source.State, "allocatedStorage", 20)),
		Hostname:   props.Str(r.State, "address"), MemoryBytes: class.MemoryBytes,
	}
	room := parameter.Instance{MemoryBytes: class.ParameterMemory(), VCPU: class.VCPU, StorageGiB: db.StorageGiB, Port: db.Port}
	db.Parameters, err = e.parameters(groupOf(r, source), room)
	if r.Booted != nil {
		db.Parameters = held(db.Parameters, r.Booted)
	}
	return db, err
}

// held are declared parameters with the static ones as they were at the last start: those wait for the next.
func held(declared, booted map[string]string) map[string]string {
	out := maps.Clone(declared)
	maps.DeleteFunc(out, func(name, _ string) bool { return postgres.IsStatic(name) })
	maps.Copy(out, booted)
	return out
}

// Boot is a database as it starts anew: under the static parameters that are declared now. Other resources stay as they are.
func (e *Engines) Boot(r inventory.Resource) (inventory.Resource, error) {
	if r.Type != Instance {
		return r, nil
	}
	r.Booted = nil
	in, err := e.database(r)
	r.Booted = in.Parameters
	maps.DeleteFunc(r.Booted, func(name, _ string) bool { return !postgres.IsStatic(name) })
	return r, err
}

// Unbooted are the declared static parameters that a database runs without until it is restarted: by name, what is in
// force and what is declared.
func (e *Engines) Unbooted(r inventory.Resource) (map[string][2]string, error) {
	if r.Type != Instance || r.Booted == nil {
		return nil, nil
	}
	fresh, err := e.Boot(r)
	if err != nil {
		return nil, err
	}
	out := map[string][2]string{}
	for _, values := range []map[string]string{fresh.Booted, r.Booted} {
		for name := range values {
			if now, then := r.Booted[name], fresh.Booted[name]; now != then {
				out[name] = [2]string{now, then}
			}
		}
	}
	return out, nil
}

// groupOf is the parameter group in force: a replica in its source's region has the source's unless it names one.
// Source: CreateDBInstanceReadReplica of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-24.
func groupOf(r, source inventory.Resource) string {
	return firstSet(props.Str(r.State, "parameterGroupName"), props.Str(source.State, "parameterGroupName"))
}

func firstSet(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// parameters are the values of a parameter group for an instance class. RDS's own groups ("default.postgres17") and
// no group at all leave the engine its defaults.
func (e *Engines) parameters(group string, class parameter.Instance) (map[string]string, error) {
	if group == "" || strings.HasPrefix(group, "default.") {
		return map[string]string{}, nil
	}
	r, err := e.find(ParameterGroup, "name", group)
	if err != nil {
		return nil, fmt.Errorf("parameterGroupName: %w", err)
	}
	out := map[string]string{}
	for i := range props.List(r.State, "parameters") {
		at := func(key string) string { return props.Str(r.State, fmt.Sprintf("parameters.%d.%s", i, key)) }
		if out[at("name")], err = parameter.Evaluate(at("value"), class); err != nil {
			return nil, fmt.Errorf("parameter group %s: %s %w", group, at("name"), err)
		}
	}
	return out, nil
}

// applyParameterGroup carries a changed group to the instances that use it, to sources before their replicas.
func applyParameterGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	instances, err := e.Store.List(Instance)
	if err != nil {
		return nil, err
	}
	for _, replicas := range []bool{false, true} {
		for _, i := range instances {
			if i.Status != inventory.Ready || props.Has(i.State, "replicateSourceDb") != replicas || !e.uses(i, props.Str(r.State, "name")) {
				continue
			}
			if err := e.underGroup(ctx, i); err != nil {
				return nil, fmt.Errorf("instance %s: %w", props.Str(i.State, "identifier"), err)
			}
		}
	}
	return nil, nil
}

// underGroup applies a changed group to an instance. Static parameters wait for a restart. One whose changes are applied
// immediately is restarted here for them, which on AWS its owner has to do (`ragscale pending apply`).
func (e *Engines) underGroup(ctx context.Context, i inventory.Resource) (err error) {
	if props.Bool(i.State, "applyImmediately", false) {
		if i, err = e.Boot(i); err != nil {
			return err
		}
	}
	if _, err := applyInstance(ctx, e, i); err != nil {
		return err
	}
	return e.Store.Put(i)
}

// uses says whether an instance runs under a group, its own or its source's.
func (e *Engines) uses(i inventory.Resource, group string) bool {
	source, err := e.find(Instance, "identifier", props.Str(i.State, "replicateSourceDb"))
	if err != nil {
		source = i
	}
	return groupOf(i, source) == group
}
