package stacks

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/stacks/settings"
)

// node is a JSON schema; encoding/json writes its keys sorted, so that the text is stable.
type node = map[string]any

// Schema is the JSON schema of a Pulumi.<stack>.yaml, for editors. It says what single values may be; what concerns
// several at once only Parse knows.
func Schema() []byte {
	properties := node{
		regionKey: node{"type": "string", "enum": catalogue.Regions(), "description": "AWS region of the stack."},
	}
	for _, s := range secretKeys {
		properties[s.key] = node{
			"type": "object", "description": s.doc + "; set it with pulumi config set --secret " + s.key + ".",
			"properties": node{"secure": node{"type": "string"}}, "required": []string{"secure"}, "additionalProperties": false,
		}
	}
	for _, f := range topFields() {
		properties[f.Key] = schemaOf(f)
	}
	schema := node{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "ragscale stack configuration",
		"description": "Pulumi.<stack>.yaml. Generated from the types of package stacks.",
		"type":        "object",
		"properties": node{
			"config": node{
				"type": "object", "properties": properties, "required": []string{regionKey},
				"patternProperties":    node{"^(?!" + prefix + "|" + perfPrefix + ")[^:]+:.": node{}},
				"additionalProperties": false,
			},
			"encryptedkey": node{"type": "string"}, "encryptionsalt": node{"type": "string"},
			"secretsprovider": node{"type": "string"}, "environment": node{},
		},
		"additionalProperties": false,
	}
	return encodeSchema(schema)
}

// encodeSchema writes the schema readably. It holds strings, numbers, bools, lists and maps only, which always encode.
func encodeSchema(schema node) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return []byte(err.Error())
	}
	return text.Bytes()
}

// schemaOf is the schema of a field with its doc.
func schemaOf(f settings.Field) node {
	schema := schemaFor(f.Type, f.Rule)
	schema["description"] = doc(f)
	return schema
}

func schemaFor(t reflect.Type, r settings.Rule) node {
	switch t {
	case reflect.TypeFor[CPU]():
		return node{"type": "string", "pattern": cpuText.String()}
	case reflect.TypeFor[Memory]():
		return node{"type": "string", "pattern": memoryText.String()}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		return mapSchema(t, r)
	case reflect.Slice:
		return listSchema(t, r)
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Int, reflect.Float64:
		return numberSchema(t, r)
	}
	return stringSchema(r)
}

func structSchema(t reflect.Type) node {
	properties, required := node{}, []string{}
	for _, f := range vocabulary.Fields(t) {
		properties[f.Key] = schemaOf(f)
		if f.Rule.Required && t != reflect.TypeFor[NodeGroup]() { // a node group's may come from its defaults
			required = append(required, f.Key)
		}
	}
	schema := node{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func mapSchema(t reflect.Type, r settings.Rule) node {
	schema := node{"type": "object", "additionalProperties": schemaFor(t.Elem(), r), "propertyNames": stringSchema(r.Keyed())}
	if r.MinItems > 0 {
		schema["minProperties"] = r.MinItems
	}
	if r.MaxItems > 0 {
		schema["maxProperties"] = r.MaxItems
	}
	return schema
}

func listSchema(t reflect.Type, r settings.Rule) node {
	schema := node{"type": "array", "items": schemaFor(t.Elem(), r)}
	if r.MinItems > 0 {
		schema["minItems"] = r.MinItems
	}
	if r.MaxItems > 0 {
		schema["maxItems"] = r.MaxItems
	}
	return schema
}

func numberSchema(t reflect.Type, r settings.Rule) node {
	schema := node{"type": "number"}
	if t.Kind() == reflect.Int {
		schema["type"] = "integer"
	}
	if r.Bounded {
		schema["minimum"], schema["maximum"] = r.Min, r.Max
	}
	if len(r.One) > 0 {
		numbers := make([]json.Number, 0, len(r.One))
		for _, n := range r.One {
			numbers = append(numbers, json.Number(n))
		}
		schema["enum"] = numbers
	}
	return schema
}

// listedForms are the forms with a list of names that the schema can offer for completion.
var listedForms = map[string]func() []string{
	"instanceType": ec2.Names, "dbClass": rds.Names, "kubernetesMinor": kubernetes.Minors,
	"cacheNode": redis.NodeTypes, "pgParameter": postgres.Names, "redisParameter": redis.Names,
	"dbClassOrNone": func() []string { return append([]string{""}, rds.Names()...) },
}

func stringSchema(r settings.Rule) node {
	schema := node{"type": "string"}
	if len(r.One) > 0 {
		schema["enum"] = r.One
	}
	if list, listed := listedForms[r.Match]; listed {
		schema["enum"] = list()
	} else if p := r.Form(r.Match).Pattern; p != nil && !strings.Contains(p().String(), `\p{`) { // not in every editor's dialect
		schema["pattern"] = p().String()
	}
	return schema
}

// keyRow is one key of the reference page.
type keyRow struct {
	key, kind, want, doc string
	values               map[Environment]string // default by environment
}

var environments = []Environment{Production, Development, Local}

// defaultText is the default column: one value, or one per environment where they differ.
func (k keyRow) defaultText() string {
	distinct := slices.Compact(slices.Sorted(maps.Values(k.values)))
	if len(distinct) == 1 {
		return distinct[0]
	}
	var parts []string
	for _, env := range environments {
		parts = append(parts, string(env)+": "+k.values[env])
	}
	return strings.Join(parts, "<br>")
}
