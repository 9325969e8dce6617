package stacks

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/stacks/settings"
)

const (
	prefix    = "ragscale:" // the project's configuration namespace; perfPrefix is the other
	regionKey = "aws:region"
)

// Fault is one thing wrong with a configuration.
type Fault = settings.Fault

// SecretValue stands for a secret that is set but not shown, in the values that Parse takes and ReadFile returns.
const SecretValue = "[secret]"

var stackName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,13}[a-z0-9]$`)

// Parse decodes and validates the configuration of a stack. values holds what Pulumi does: "ragscale:slo" -> JSON text,
// "ragscale:costCentre" -> plain text, "aws:region" -> "eu-central-1", a secret -> SecretValue. Keys of other
// namespaces are ignored. What values does not say is the environment's default.
//
// The error joins every fault, sorted, each a Fault that names its key. The Config is nil then.
func Parse(stack string, values map[string]string) (*Config, error) {
	f := &settings.Faults{}
	c := defaults(parseEnvironment(stack, values, f))
	c.Stack, c.Region = stack, values[regionKey]
	if !stackName.MatchString(stack) {
		f.Add("stack", settings.Show(stack), "2 to 15 lower-case letters, digits and hyphens: it is part of resource names")
	}
	if !catalogue.IsRegion(c.Region) {
		f.Add(regionKey, settings.Show(c.Region)+settings.DidYouMean(c.Region, catalogue.Regions()),
			"an AWS region such as eu-central-1")
	}
	decodeValues(c, values, f)
	c.settle().validate(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// parseEnvironment decides the environment before anything else, since the defaults depend on it. A faulty one is
// reported with the other values by decodeValues.
func parseEnvironment(stack string, values map[string]string, f *settings.Faults) Environment {
	if said, present := values[prefix+"environment"]; present {
		return Environment(said)
	}
	env, known := environmentOf(stack)
	if !known {
		f.Add(prefix+"environment", "is not set", "one of production, development, local")
	}
	return env
}

func decodeValues(c *Config, values map[string]string, f *settings.Faults) {
	d := settings.Decoder{Faults: f, Words: vocabulary}
	root := reflect.ValueOf(c).Elem()
	fields := topFields()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		namespace, key, ours := namespaceOf(name)
		if !ours {
			continue
		}
		path, text := topPath(namespace, key), values[name]
		i := slices.IndexFunc(fields, func(f settings.Field) bool { return f.Key == name })
		switch {
		case isSecret(name) && text == SecretValue:
		case isSecret(name):
			f.Add(path, "is not encrypted", "a secret: pulumi config set --secret "+name)
		case i < 0:
			known := knownIn(namespace)
			f.Add(path, "is no known key"+settings.DidYouMean(key, known), "one of "+settings.Join(known))
		case text == SecretValue:
			f.Add(path, "is a secret", "a plain value: only "+strings.Join(secretNames(), " and ")+" are secret")
		default:
			d.Top(path, text, root.FieldByIndex(fields[i].Index), fields[i].Rule)
		}
	}
}

// knownIn are the keys of a namespace, secrets last.
func knownIn(namespace string) (known []string) {
	for _, f := range topFields() {
		if key, in := strings.CutPrefix(f.Key, namespace); in {
			known = append(known, key)
		}
	}
	if namespace == prefix {
		known = append(known, secretNames()...)
	}
	return known
}

// topPath is the path of a key of a namespace.
func topPath(namespace, key string) string {
	if rest, plain := strings.CutPrefix(settings.At("", key), "."); plain {
		return namespace + rest
	}
	return namespace + fmt.Sprintf("%q", key)
}

// Digest tells configurations of a stack apart: what is made differs only where it does. Budgets make nothing.
func (c *Config) Digest() string {
	text := []byte(c.Stack + c.Region)
	for _, f := range vocabulary.Fields(reflect.TypeFor[Config]()) {
		value, err := json.Marshal(reflect.ValueOf(c).Elem().FieldByIndex(f.Index).Interface())
		if err != nil {
			panic(err) // plain values all
		}
		text = append(text, value...)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:12]
}

// Values is the inverse of Parse: the configuration, defaults included, as Pulumi would hold it.
func (c *Config) Values() (map[string]string, error) {
	values := map[string]string{regionKey: c.Region}
	root := reflect.ValueOf(c).Elem()
	for _, f := range topFields() {
		v := root.FieldByIndex(f.Index)
		if v.Kind() == reflect.String {
			values[f.Key] = v.String()
			continue
		}
		text, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.Key, err)
		}
		values[f.Key] = string(text)
	}
	return values, nil
}
