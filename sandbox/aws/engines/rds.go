package engines

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/aws/parameters"
	"github.com/ragscale/ragscale/sandbox/aws/props"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/stacks/catalogue"
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

func (e *Engines) database(r inventory.Resource) (control.Database, error) {
	switch {
	case props.Has(r.State, "replicateSourceDb"):
		return control.Database{}, errors.New("replicateSourceDb: the sandbox runs primaries only")
	case props.Str(r.State, "engine") != "postgres":
		return control.Database{}, fmt.Errorf("engine is %q, the sandbox runs postgres", props.Str(r.State, "engine"))
	case !props.Has(r.State, "password"):
		return control.Database{}, errors.New("password: missing, the sandbox has no managed or restored master password")
	}
	class, err := catalogue.RDS(props.Str(r.State, "instanceClass"))
	if err != nil {
		return control.Database{}, fmt.Errorf("instanceClass: %w", err)
	}
	db := control.Database{
		Engine: "postgres", EngineVersion: props.Str(r.State, "engineVersion"),
		DBName: props.Str(r.State, "dbName"), Username: props.Str(r.State, "username"), Password: props.Str(r.State, "password"),
		Port: props.Int(r.State, "port", 5432), StorageGiB: props.Int(r.State, "allocatedStorage", 20),
		MemoryBytes: class.MemoryBytes, Hostname: props.Str(r.State, "address"),
	}
	room := parameters.Class{MemoryBytes: class.ParameterMemory(), VCPU: class.VCPU, StorageGiB: db.StorageGiB, Port: db.Port}
	db.Parameters, err = e.parameters(props.Str(r.State, "parameterGroupName"), room)
	return db, err
}

// parameters are the values of a parameter group for an instance class. RDS's own groups ("default.postgres17") and
// no group at all leave the engine its defaults.
func (e *Engines) parameters(group string, class parameters.Class) (map[string]string, error) {
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
		if out[at("name")], err = parameters.Evaluate(at("value"), class); err != nil {
			return nil, fmt.Errorf("parameter group %s: %s %w", group, at("name"), err)
		}
	}
	return out, nil
}

// applyParameterGroup carries a changed group to the instances that use it.
func applyParameterGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	instances, err := e.Store.List(Instance)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if i.Status == inventory.Ready && props.Str(i.State, "parameterGroupName") == props.Str(r.State, "name") {
			if _, err := applyInstance(ctx, e, i); err != nil {
				return nil, fmt.Errorf("instance %s: %w", props.Str(i.State, "identifier"), err)
			}
		}
	}
	return nil, nil
}
