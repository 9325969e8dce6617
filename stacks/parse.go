package stacks

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
)

const (
	prefix    = "ragscale:" // the project's configuration namespace
	regionKey = "aws:region"
)

// SecretValue stands for a secret that is set but not shown, in the values that Parse takes and ReadFile returns.
const SecretValue = "[secret]"

var stackName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,13}[a-z0-9]$`)

// Parse decodes and validates the configuration of a stack. values holds what Pulumi does: "ragscale:slo" -> JSON text,
// "ragscale:costCentre" -> plain text, "aws:region" -> "eu-central-1", a secret -> SecretValue. Keys of other namespaces
// are ignored. What values does not say is the environment's default.
//
// The error joins every fault, sorted, each a Fault that names its key. The Config is nil then.
func Parse(stack string, values map[string]string) (*Config, error) {
	f := &faults{}
	c := defaults(parseEnvironment(stack, values, f))
	c.Stack, c.Region = stack, values[regionKey]
	if !stackName.MatchString(stack) {
		f.add("stack", show(stack), "2 to 15 lower-case letters, digits and hyphens: it is part of resource names")
	}
	if !catalogue.IsRegion(c.Region) {
		f.add(regionKey, show(c.Region)+didYouMean(c.Region, catalogue.Regions()), "an AWS region such as eu-central-1")
	}
	decodeValues(c, values, f)
	c.settle().validate(f)
	if err := f.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// parseEnvironment decides the environment before anything else, since the defaults depend on it. A faulty one is
// reported with the other values by decodeValues.
func parseEnvironment(stack string, values map[string]string, f *faults) Environment {
	if said, present := values[prefix+"environment"]; present {
		return Environment(said)
	}
	env, known := environmentOf(stack)
	if !known {
		f.add(prefix+"environment", "is not set", "one of production, development, local")
	}
	return env
}

func decodeValues(c *Config, values map[string]string, f *faults) {
	d := decoder{f}
	root := reflect.ValueOf(c).Elem()
	fields := fieldsOf(root.Type())
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, ours := strings.CutPrefix(name, prefix)
		if !ours {
			continue
		}
		path, text := topPath(key), values[name]
		i := slices.IndexFunc(fields, func(fl field) bool { return fl.key == key })
		switch {
		case isSecret(name) && text == SecretValue:
		case isSecret(name):
			f.add(path, "is not encrypted", "a secret: pulumi config set --secret "+name)
		case i < 0:
			known := append(keysOf(fields), secretNames()...)
			f.add(path, "is no known key"+didYouMean(key, known), "one of "+join(known))
		case text == SecretValue:
			f.add(path, "is a secret", "a plain value: only "+strings.Join(secretNames(), " and ")+" are secret")
		default:
			d.top(path, text, root.FieldByIndex(fields[i].Index), fields[i].rule)
		}
	}
}

// top decodes one top-level value: strings are plain text, anything else is JSON.
func (d decoder) top(path, text string, into reflect.Value, r rule) {
	if into.Kind() == reflect.String {
		d.setString(path, text, into, r)
		return
	}
	if node, fine := parseTree(path, text, d.faults); fine {
		d.decode(path, node, into, r)
	}
}

func topPath(key string) string {
	if plainKey.MatchString(key) {
		return prefix + key
	}
	return prefix + fmt.Sprintf("%q", key)
}

// Values is the inverse of Parse: the configuration, defaults included, as Pulumi would hold it.
func (c *Config) Values() (map[string]string, error) {
	values := map[string]string{regionKey: c.Region}
	root := reflect.ValueOf(c).Elem()
	for _, f := range fieldsOf(root.Type()) {
		v := root.FieldByIndex(f.Index)
		if v.Kind() == reflect.String {
			values[prefix+f.key] = v.String()
			continue
		}
		text, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, fmt.Errorf("encode %s%s: %w", prefix, f.key, err)
		}
		values[prefix+f.key] = string(text)
	}
	return values, nil
}
