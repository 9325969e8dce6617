package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/parameter"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

var dbGroupName = regexp.MustCompile(`^[a-z](-?[a-z0-9.])*$`)

// Source: ModifyDBParameterGroup of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read 2026-11-23.
func dbParameterGroup(c *check) {
	if name, ok := props.String(c.Inputs, "name"); ok && !dbGroupName.MatchString(name) {
		c.fail("name", "is %q, want small letters, digits and single hyphens, a letter first", name)
	}
	family, hasFamily := props.String(c.Inputs, "family")
	if hasFamily && !strings.HasPrefix(family, "postgres") {
		return // other engines have tables of their own
	}
	libraries := preloaded(c.Inputs)
	seen := map[string]bool{}
	for i, p := range props.Objects(c.Inputs, "parameters") {
		path := fmt.Sprintf("parameters[%d]", i)
		name := props.Str(p, "name")
		if name == "" {
			continue
		}
		if seen[name] {
			c.fail(path, "%s is there twice", name)
		}
		seen[name] = true
		c.dbParameter(path, name, p, libraries)
		c.dbVersion(path, name, family)
	}
}

func (c *check) dbParameter(path, name string, p resource.PropertyMap, libraries []string) {
	row, err := postgres.Lookup(name)
	if err != nil {
		c.fail(path+".name", "is %q, which RDS for PostgreSQL does not let be changed%s", name, schema.DidYouMean(name, postgres.Names()))
		return
	}
	if value, ok := props.String(p, "value"); ok {
		if err := row.CheckForm(value); err != nil {
			c.fail(path+".value", "of %s %v", name, err)
		}
	}
	c.applyMethod(path, row, p)
	if row.Library != "" && libraries != nil && !slices.Contains(libraries, row.Library) {
		c.fail(path, "%s needs %s in shared_preload_libraries, which has %s", name, row.Library, strconv.Quote(strings.Join(libraries, ",")))
	}
}

// dbVersion wants a parameter that the family's version of PostgreSQL has.
func (c *check) dbVersion(path, name, family string) {
	major, err := strconv.Atoi(strings.TrimPrefix(family, "postgres"))
	row, unknown := postgres.Lookup(name)
	if err == nil && unknown == nil && !row.In(major) {
		c.fail(path+".name", "is %q, which family %s does not have", name, family)
	}
}

// applyMethod wants pending-reboot for a static parameter; immediate is what RDS takes when none is given.
func (c *check) applyMethod(path string, row parameter.Setting, p resource.PropertyMap) {
	method, ok := props.String(p, "applyMethod")
	if !ok && !props.Unknown(p, "applyMethod") {
		method = "immediate"
	}
	switch {
	case method != "" && method != "immediate" && method != "pending-reboot":
		c.fail(path+".applyMethod", "of %s is %q, want immediate or pending-reboot", row.Name, method)
	case method == "immediate" && row.Static:
		c.fail(path+".applyMethod", "of %s is immediate, want pending-reboot: the parameter is static", row.Name)
	}
}

// preloaded are the libraries of a group; nil when that is not known yet. RDS preloads pg_stat_statements by itself.
func preloaded(m resource.PropertyMap) []string {
	for _, p := range props.Objects(m, "parameters") {
		if props.Str(p, "name") != "shared_preload_libraries" {
			continue
		}
		value, known := props.String(p, "value")
		if !known {
			return nil
		}
		list := strings.Split(strings.ReplaceAll(value, " ", ""), ",")
		return list
	}
	return []string{"pg_stat_statements"}
}
