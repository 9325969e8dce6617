// Package planner finds out what a Pulumi program would register, without an engine and without a cloud.
//
// Owns: the engine that stands in, the outputs that it invents, a resource's form as text. Does not own: programs, and
// what they should declare.
package planner

import (
	"fmt"
	"sort"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Project is the project name that programs see.
const Project = "ragscale"

// Options say as what a program is run.
type Options struct {
	Stack   string
	Config  map[string]string // by full key ("ragscale:slo"); nil for that of the environment (PULUMI_CONFIG)
	Secrets []string          // keys of Config whose values are secret

	// Preview is a first preview: no id and no computed output is known, but those of resources of the Known types.
	// (The mock engine refuses a secret made of an unknown value: let the types that such a secret is made of be known.)
	Preview bool
	Known   []string
}

// Plan is everything that a program registered, sorted by path.
type Plan struct {
	Resources []Resource
	// OutputsRegistered counts calls of RegisterResourceOutputs: one per component and one for the stack.
	OutputsRegistered int
}

// Resource is one registration.
type Resource struct {
	Type, Name string
	// Path is the chain of parents and the resource itself, each as "type name", joined by " > ".
	Path     string
	Custom   bool   // false for components
	Remote   bool   // a component that its provider makes, with what is below it
	Provider string // "type name" of the explicit provider; "" for the default one
	Protect  bool
	// DependsOn are the paths of dependencies that no input shows.
	DependsOn []string
	// Inherits are the paths of the resources that each input comes from.
	Inherits            map[string][]string
	IgnoreChanges       []string
	ReplaceOnChanges    []string
	DeletedWith         string
	RetainOnDelete      bool
	DeleteBeforeReplace bool
	Timeouts            string // "create 30m" and so on; "" when none is set
	Inputs              resource.PropertyMap
}

// Run runs a program. With an error of the program comes what it registered before.
func Run(o Options, program func(*pulumi.Context) error) (Plan, error) {
	m := &monitor{preview: o.Preview, known: o.Known, paths: map[string]string{}}
	as := func(info *pulumi.RunInfo) {
		info.DryRun = o.Preview
		if o.Config != nil {
			info.Config, info.ConfigSecretKeys = o.Config, o.Secrets
		}
	}
	err := pulumi.RunErr(program, pulumi.WithMocks(Project, o.Stack, m), as)
	return m.plan(), err
}

// Input returns the value at a property path ("vpcConfig.subnetIds[0]") with secrets opened; nil when there is none.
// Numbers are float64, lists []any, objects map[string]any; for an ill-formed path it is the error.
func (r Resource) Input(path string) any {
	p, err := resource.ParsePropertyPath(path)
	if err != nil {
		return fmt.Errorf("property path %s: %w", path, err)
	}
	v, ok := p.Get(resource.NewObjectProperty(r.Inputs))
	if !ok {
		return nil
	}
	return plain(v)
}

// IsSecret tells whether the top-level input key is or contains a secret.
func (r Resource) IsSecret(key string) bool {
	return r.Inputs[resource.PropertyKey(key)].ContainsSecrets()
}

func plain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return plain(v.SecretValue().Element)
	case v.IsArray():
		list := make([]any, 0, len(v.ArrayValue()))
		for _, e := range v.ArrayValue() {
			list = append(list, plain(e))
		}
		return list
	case v.IsObject():
		object := map[string]any{}
		for k, e := range v.ObjectValue() {
			object[string(k)] = plain(e)
		}
		return object
	case v.IsComputed(), v.IsOutput():
		return Unknown
	default:
		return v.V
	}
}

func sortByPath(resources []Resource) {
	sort.Slice(resources, func(i, j int) bool { return resources[i].Path < resources[j].Path })
}

// short is the type token without package and module: "aws:ec2/vpc:Vpc" is "vpc".
func short(typ string) string {
	last := typ[strings.LastIndexByte(typ, ':')+1:]
	return strings.ToLower(last[:1]) + last[1:]
}
