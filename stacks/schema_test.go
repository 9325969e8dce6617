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
	for _, f := range fieldsOf(reflect.TypeFor[Config]()) {
		properties[prefix+f.key] = schemaOf(f)
	}
	schema := node{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "ragscale stack configuration",
		"description": "Pulumi.<stack>.yaml. Generated from the types of package stacks.",
		"type":        "object",
		"properties": node{
			"config": node{
				"type": "object", "properties": properties, "required": []string{regionKey},
				"patternProperties":    node{"^(?!" + prefix + ")[^:]+:.": node{}},
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
func schemaOf(f field) node {
	schema := schemaFor(f.Type, f.rule)
	schema["description"] = f.doc()
	return schema
}

func schemaFor(t reflect.Type, r rule) node {
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
	for _, f := range fieldsOf(t) {
		properties[f.key] = schemaOf(f)
		if f.rule.required && t != reflect.TypeFor[NodeGroup]() { // a node group's may come from its defaults
			required = append(required, f.key)
		}
	}
	schema := node{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func mapSchema(t reflect.Type, r rule) node {
	schema := node{"type": "object", "additionalProperties": schemaFor(t.Elem(), r), "propertyNames": stringSchema(rule{match: r.keys})}
	if r.maxItems > 0 {
		schema["maxProperties"] = r.maxItems
	}
	return schema
}

func listSchema(t reflect.Type, r rule) node {
	schema := node{"type": "array", "items": schemaFor(t.Elem(), r)}
	if r.minItems > 0 {
		schema["minItems"] = r.minItems
	}
	if r.maxItems > 0 {
		schema["maxItems"] = r.maxItems
	}
	return schema
}

func numberSchema(t reflect.Type, r rule) node {
	schema := node{"type": "number"}
	if t.Kind() == reflect.Int {
		schema["type"] = "integer"
	}
	if r.bounded {
		schema["minimum"], schema["maximum"] = r.min, r.max
	}
	if len(r.one) > 0 {
		numbers := make([]json.Number, 0, len(r.one))
		for _, n := range r.one {
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

func stringSchema(r rule) node {
	schema := node{"type": "string"}
	if len(r.one) > 0 {
		schema["enum"] = r.one
	}
	if list, listed := listedForms[r.match]; listed {
		schema["enum"] = list()
	} else if p := forms[r.match].pattern; p != nil && !strings.Contains(p().String(), `\p{`) { // not in every editor's dialect
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
