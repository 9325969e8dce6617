// Package graph lets tests look at what a Pulumi program registers, and compare it with text that a reviewer can read.
//
// Owns: the graph as text, searching in it, golden files. Does not own: how a program is run without an engine
// (planner), any component, nor what a component should declare. Tests alone import it.
package graph

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/planner"
)

// Resource is one registration.
type Resource = planner.Resource

// Graph is everything that a program registered, sorted by path.
type Graph struct {
	planner.Plan
	t testing.TB
}

// Run runs program as stack in an update and returns what it registered. An error of the program ends the test.
func Run(t testing.TB, stack string, program func(*pulumi.Context) error) Graph {
	t.Helper()
	plan, err := planner.Run(planner.Options{Stack: stack}, program)
	if err != nil {
		t.Fatalf("stack %s: %v", stack, err)
	}
	return Graph{Plan: plan, t: t}
}

// Preview is Run as a first preview: no id and no computed output is known, but those of resources of the known types.
func Preview(t testing.TB, stack string, program func(*pulumi.Context) error, known ...string) Graph {
	t.Helper()
	plan, err := planner.Run(planner.Options{Stack: stack, Preview: true, Known: known}, program)
	if err != nil {
		t.Fatalf("preview of stack %s: %v", stack, err)
	}
	return Graph{Plan: plan, t: t}
}

// Try is Run for programs that are expected to end with an error, which it returns along with what was registered.
func Try(stack string, preview bool, program func(*pulumi.Context) error) (Graph, error) {
	plan, err := planner.Run(planner.Options{Stack: stack, Preview: preview}, program)
	return Graph{Plan: plan}, err
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

// Text is the graph as stable text: one paragraph per resource, sorted by path.
func (g Graph) Text() string {
	var b strings.Builder
	for i, r := range g.Resources {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(r.Text())
	}
	return b.String()
}
