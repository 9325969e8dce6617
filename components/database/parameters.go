package database

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
)

const (
	immediate     = "immediate"
	pendingReboot = "pending-reboot"
	forceSSL      = "rds.force_ssl"
	preload       = "shared_preload_libraries"
)

// mostBuffersShare of the memory may be shared_buffers: three quarters, and what rounding a formula's divisor adds.
// With more the instance does not start.
const mostBuffersShare = 0.751

// bufferPage is the unit of shared_buffers, bytes.
const bufferPage = 8192

// parameterGroup has a generated name: the family is part of a group's identity, and the next major version needs a new
// group before the old one can go.
func (d *declaration) parameterGroup(suffix string, settings []Parameter) (*rds.ParameterGroup, error) {
	family := "postgres" + majorVersion(d.args.EngineVersion)
	var parameters rds.ParameterGroupParameterArray
	for _, p := range withForcedTLS(settings) {
		parameters = append(parameters, &rds.ParameterGroupParameterArgs{
			Name:        pulumi.String(p.Name),
			Value:       pulumi.String(p.Value),
			ApplyMethod: pulumi.String(p.ApplyMethod),
		})
	}
	group, err := rds.NewParameterGroup(d.ctx, d.name+suffix, &rds.ParameterGroupArgs{
		// A changed description replaces the group: keep it.
		Description: pulumi.String("PostgreSQL settings computed from the service level objectives"),
		Family:      pulumi.String(family),
		Parameters:  parameters,
		Tags:        d.tags(suffix),
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("parameter group %q: %w", d.name+suffix, err)
	}
	return group, nil
}

// withForcedTLS is the parameters in order of name, with rds.force_ssl among them.
func withForcedTLS(parameters []Parameter) []Parameter {
	all := slices.Clone(parameters)
	if !slices.ContainsFunc(all, func(p Parameter) bool { return p.Name == forceSSL }) {
		all = append(all, Parameter{Name: forceSSL, Value: "1", ApplyMethod: immediate})
	}
	slices.SortFunc(all, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// parameters checks the list that is in the field, for a version of PostgreSQL.
func (f *faults) parameters(field string, parameters []Parameter, version string) {
	libraries := preloaded(parameters)
	seen := map[string]bool{}
	for i, p := range parameters {
		if p.Name == "" {
			f.Add("%s[%d].Name is empty, want the name of a parameter", field, i)
			continue
		}
		path := fmt.Sprintf("%s[%s]", field, p.Name)
		if seen[p.Name] {
			f.Add("%s is given twice, want it once", path)
		}
		seen[p.Name] = true
		f.parameter(path, p, version)
		if s, err := postgres.Lookup(p.Name); err == nil && s.Library != "" && !libraries[s.Library] {
			f.Add("%s belongs to %s, want that in %s", path, s.Library, preload)
		}
	}
}

func (f *faults) applyMethod(path string, p Parameter) {
	switch {
	case p.ApplyMethod != immediate && p.ApplyMethod != pendingReboot:
		f.Add("%s.ApplyMethod is %q, want %s or %s", path, p.ApplyMethod, immediate, pendingReboot)
	case postgres.IsStatic(p.Name) && p.ApplyMethod == immediate:
		f.Add("%s.ApplyMethod is %s, want %s: the parameter is static", path, immediate, pendingReboot)
	}
}

// parameter checks one of RDS's parameters; its value where the parameter is known.
func (f *faults) parameter(path string, p Parameter, version string) {
	f.applyMethod(path, p)
	s, err := postgres.Lookup(p.Name)
	if err != nil {
		f.Add("%s is not known, want a parameter of RDS for PostgreSQL that can be changed", path)
		return
	}
	if major, err := strconv.Atoi(majorVersion(version)); err == nil && !s.In(major) {
		f.Add("%s is none of PostgreSQL %d, want a parameter that it has", path, major)
		return
	}
	switch err := s.CheckForm(p.Value); {
	case p.Value == "":
		f.Add("%s.Value is empty, want a value", path)
	case p.Name == forceSSL && p.Value != "1":
		f.Add("%s.Value is %q, want 1: every connection is encrypted", path, p.Value)
	case err != nil:
		f.Add("%s.Value %w", path, err)
	case p.Name == "shared_buffers" && oversized(s, p.Value):
		f.Add("%s.Value is %q, want at most three quarters of the memory: the instance would not start", path, p.Value)
	}
}

// oversized judges a formula; how much memory a plain number leaves is known where the class is.
func oversized(s parameter.Setting, value string) bool {
	const memory = 1 << 40
	pages, err := s.Number(value, parameter.Instance{MemoryBytes: memory})
	return parameter.IsFormula(value) && err == nil && pages*bufferPage > mostBuffersShare*memory
}

func preloaded(parameters []Parameter) map[string]bool {
	libraries := map[string]bool{}
	for _, p := range parameters {
		if p.Name != preload {
			continue
		}
		for library := range strings.SplitSeq(p.Value, ",") {
			libraries[strings.TrimSpace(library)] = true
		}
	}
	return libraries
}
