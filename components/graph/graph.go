// Package graph runs a Pulumi program against mocks and turns what it registers into text that a reviewer can read.
//
// Owns: the mock of the engine, the invented outputs, the text form of a resource graph, golden files. Does not own:
// any component, nor what a component should declare.
package graph

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Project is the project name that programs see.
const Project = "ragscale"

// Graph is everything that a program registered, sorted by path.
type Graph struct {
	Resources []Resource
	// OutputsRegistered counts calls of RegisterResourceOutputs: one per component and one for the stack.
	OutputsRegistered int

	t testing.TB
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

// Run runs program as stack in an update and returns what it registered. An error of the program ends the test.
func Run(t testing.TB, stack string, program func(*pulumi.Context) error) Graph {
	t.Helper()
	g, err := run(stack, &monitor{}, program)
	if err != nil {
		t.Fatalf("stack %s: %v", stack, err)
	}
	g.t = t
	return g
}

// Preview is Run as a first preview: no id and no computed output is known, but those of resources of the known types.
// (The mock engine refuses a secret made of an unknown value: let the types that such a secret is made of be known.)
func Preview(t testing.TB, stack string, program func(*pulumi.Context) error, known ...string) Graph {
	t.Helper()
	g, err := run(stack, &monitor{preview: true, known: known}, program)
	if err != nil {
		t.Fatalf("preview of stack %s: %v", stack, err)
	}
	g.t = t
	return g
}

// Try is Run for programs that are expected to end with an error, which it returns along with what was registered.
func Try(stack string, preview bool, program func(*pulumi.Context) error) (Graph, error) {
	return run(stack, &monitor{preview: preview}, program)
}

// Declared is what program registers as stack under a configuration, whose keys are full ("ragscale:slo"); secrets names the
// keys whose values are secret.
func Declared(stack string, config map[string]string, secrets []string, program func(*pulumi.Context) error) (Graph, error) {
	configured := func(info *pulumi.RunInfo) { info.Config, info.ConfigSecretKeys = config, secrets }
	return run(stack, &monitor{}, program, configured)
}

func run(stack string, m *monitor, program func(*pulumi.Context) error, options ...pulumi.RunOption) (Graph, error) {
	m.paths = map[string]string{}
	dryRun := func(info *pulumi.RunInfo) { info.DryRun = m.preview }
	err := pulumi.RunErr(program, append(options, pulumi.WithMocks(Project, stack, m), dryRun)...)
	return m.graph(), err
}

// Probe registers outputs as a resource of its own, so that the values which a component hands on are part of the text.
func Probe(ctx *pulumi.Context, name string, outputs pulumi.Map) error {
	var probe pulumi.CustomResourceState
	return ctx.RegisterResource("graph:index:Outputs", name, outputs, &probe)
}

// Find returns the resource of this type and name. There being none ends the test with the names that there are.
func (g Graph) Find(typ, name string) Resource {
	g.t.Helper()
	var names []string
	for _, r := range g.Resources {
		if r.Type != typ {
			continue
		}
		if r.Name == name {
			return r
		}
		names = append(names, r.Name)
	}
	g.t.Fatalf("no %s named %q, have %q", typ, name, names)
	return Resource{}
}

// OfType returns the resources of a type, sorted by path.
func (g Graph) OfType(typ string) []Resource {
	var found []Resource
	for _, r := range g.Resources {
		if r.Type == typ {
			found = append(found, r)
		}
	}
	return found
}

// Components counts the component resources of the program.
func (g Graph) Components() int {
	n := 0
	for _, r := range g.Resources {
		if !r.Custom && !r.Remote {
			n++
		}
	}
	return n
}

// Paths lists the path of every resource, sorted.
func (g Graph) Paths() []string {
	paths := make([]string, len(g.Resources))
	for i, r := range g.Resources {
		paths[i] = r.Path
	}
	return paths
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
