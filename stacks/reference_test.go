package stacks

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/stacks/settings"
)

const referenceIntro = `# Configuration

What a stack may say, in ` + "`Pulumi.<stack>.yaml`" + ` under ` + "`config:`" + `. This page is generated from the types of package ` + "`stacks`" + `
(` + "`go test ./stacks -update`" + `), as is ` + "`stacks/schema.json`" + `, with which an editor completes and checks the files.

- A key that is left out has its environment's default. An unknown key is a fault, with its path.
- Every fault of a configuration is reported at once, and nothing is created.
- ` + "`aws:region`" + ` is required. ` + "`ragscale:databasePassword`" + ` (8 to 128 characters) and ` + "`ragscale:cachePassword`" + ` (16 to 128) are
  the secrets: printable ASCII without space, /, @ and ": ` + "`pulumi config set --secret ragscale:databasePassword`" + `.
- What can be derived is not configured: pool sizes, ` + "`max_connections`" + ` and the rest of the parameter groups,
  statement timeouts, the thresholds of alarms and load tests, over-provisioning. They follow from the objectives below; each formula stands in the docstring of
  its function in package ` + "`stacks`" + `.
`

// Reference is docs/configuration.md: every key with its type, default, range and meaning.
func Reference() string {
	var page strings.Builder
	page.WriteString(referenceIntro)
	var scalars []settings.Field
	for _, f := range vocabulary.Fields(reflect.TypeFor[Config]()) {
		if f.Type.Kind() != reflect.Struct {
			scalars = append(scalars, f)
		}
	}
	section(&page, "The stack", "", rowsOf(scalars, prefix, nil))
	for _, f := range vocabulary.Fields(reflect.TypeFor[Config]()) {
		if f.Type.Kind() == reflect.Struct {
			section(&page, prefix+f.Key, doc(f), rowsOf(vocabulary.Fields(f.Type), "", f.Index))
		}
	}
	perf, _ := reflect.TypeFor[Config]().FieldByName("Perf")
	section(&page, "perf", "What runs of load tests are held to beside the objectives, in a namespace of its own: `perf:budgets: {normal: {responseP95: {limit: 800, worsePercent: 10}}}`.",
		rowsOf(vocabulary.Fields(perf.Type), perfPrefix, perf.Index))
	page.WriteString(nodeGroupDefaults())
	page.WriteString(poolTable())
	page.WriteString(parameterTables())
	page.WriteString(behaviorTable())
	page.WriteString(thresholdTable())
	page.WriteString(scalingText())
	return page.String()
}

func section(page *strings.Builder, title, doc string, rows []keyRow) {
	fmt.Fprintf(page, "\n## %s\n\n", title)
	if doc != "" {
		fmt.Fprintf(page, "%s\n\n", doc)
	}
	page.WriteString("| key | type | default | range | meaning |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(page, "| `%s` | %s | %s | %s | %s |\n", r.key, r.kind, r.defaultText(), r.want, r.doc)
	}
}

// rowsOf lists the keys of fields, nested structs included; index leads from Config to the struct they belong to.
func rowsOf(fields []settings.Field, path string, index []int) []keyRow {
	var rows []keyRow
	for _, f := range fields {
		at := append(slices.Clone(index), f.Index...)
		row := keyRow{key: path + f.Key, kind: kindOf(f), want: describe(f.Rule, f.Type), doc: doc(f), values: map[Environment]string{}}
		if f.Type.Kind() == reflect.Struct {
			rows = append(rows, rowsOf(vocabulary.Fields(f.Type), path+f.Key+".", at)...)
			continue
		}
		for _, env := range environments {
			row.values[env] = defaultOf(reflect.ValueOf(defaults(env).settle()).Elem().FieldByIndex(at))
		}
		rows = append(rows, row)
		rows = append(rows, elementRows(f, path)...)
	}
	return rows
}

// elementRows lists the keys of the objects in a list or map; they have no default that the table could show.
func elementRows(f settings.Field, path string) []keyRow {
	var suffix string
	switch {
	case f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Struct:
		suffix = ".<name>."
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
		suffix = "[]."
	default:
		return nil
	}
	var rows []keyRow
	for _, e := range vocabulary.Fields(f.Type.Elem()) {
		row := keyRow{key: path + f.Key + suffix + e.Key, kind: kindOf(e), want: describe(e.Rule, e.Type), doc: doc(e), values: map[Environment]string{Production: ""}}
		rows = append(append(rows, row), elementRows(e, path+f.Key+suffix)...)
	}
	return rows
}

func kindOf(f settings.Field) string {
	switch f.Type {
	case reflect.TypeFor[CPU](), reflect.TypeFor[Memory]():
		return "quantity"
	}
	switch f.Type.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "string"
}

// describe is want, with what the elements of a list or map must be.
func describe(r settings.Rule, t reflect.Type) string {
	text := r.Want(t)
	if t.Kind() == reflect.Map {
		text += "; keys: " + r.Form(r.Keys).Want
	}
	if k := t.Kind(); (k == reflect.Map || k == reflect.Slice) && t.Elem().Kind() == reflect.String && r.Match != "" {
		text += "; each " + r.Form(r.Match).Want
	}
	if t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Float64 {
		text += "; each " + r.Want(t.Elem())
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

func defaultOf(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Map && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
		return settings.Join(sortedKeys(v))
	case v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[Behavior]():
		return "see below"
	case v.IsZero() && v.Kind() != reflect.Int && v.Kind() != reflect.Bool, v.Kind() == reflect.Map && v.Len() == 0, v.Kind() == reflect.Slice && v.Len() == 0:
		return "none"
	}
	return fmt.Sprintf("`%v`", v.Interface())
}

func sortedKeys(v reflect.Value) []string {
	var keys []string
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

func nodeGroupDefaults() string {
	var page strings.Builder
	page.WriteString("\n## Default node groups\n\n| environment | group | types | bought | min | max | desired |\n|---|---|---|---|---|---|---|\n")
	for _, env := range environments {
		groups := defaults(env).Cluster.NodeGroups
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			g := groups[name]
			fmt.Fprintf(&page, "| %s | %s | %s | %s | %d | %d | %d |\n", env, name, settings.Join(g.InstanceTypes), g.CapacityType, g.Min, g.Max, g.Desired)
		}
	}
	page.WriteString("\nEvery group has a 50 GiB disk and the label `ragscale.io/pool=<name>`; `loadtest` has the taint `ragscale.io/pool=loadtest:NoSchedule`.\n")
	return page.String()
}
