package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/policies/rules"
)

// resource finds "Type name", the end of the type being enough. There being none is a defect of the table.
func (s *subject) resource(at string) *rules.Resource {
	typ, name, _ := strings.Cut(at, " ")
	for i, r := range s.Resources {
		if strings.HasSuffix(r.Type, typ) && r.Name == name && strings.ContainsAny(r.Type[len(r.Type)-len(typ)-1:][:1], ":/") {
			return &s.Resources[i]
		}
	}
	var have []string
	for _, r := range s.Resources {
		if strings.HasSuffix(r.Type, typ) {
			have = append(have, r.Name)
		}
	}
	s.t.Fatalf("the stack has no %s, but %v", at, have)
	return nil
}

// set puts a value at a path of a resource; nil takes away what is there.
func (s *subject) set(at, path string, value any) {
	r := s.resource(at)
	inputs := resource.NewObjectProperty(resource.ToResourcePropertyMap(r.Inputs))
	p, err := resource.ParsePropertyPath(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if inputs.ObjectValue().ContainsSecrets() {
		inputs = opened(inputs, p)
	}
	var done bool
	if value == nil {
		done = p.Delete(inputs)
		if key, isKey := p[0].(string); isKey && len(p) == 1 { // what is not there comes from nowhere
			r.Sources = maps.Clone(r.Sources)
			delete(r.Sources, key)
		}
	} else {
		_, done = p.Add(inputs, newValue(value))
	}
	if !done {
		s.t.Fatalf("%s has no %s", at, path)
	}
	r.Inputs = resource.FromResourcePropertyMap(inputs.ObjectValue())
}

// opened replaces a secret at the first step of a path: what is below a secret has no path.
func opened(inputs resource.PropertyValue, p resource.PropertyPath) resource.PropertyValue {
	key, isKey := p[0].(string)
	if !isKey {
		return inputs
	}
	m := inputs.ObjectValue().Copy()
	if v := m[resource.PropertyKey(key)]; v.IsSecret() {
		m[resource.PropertyKey(key)] = v.SecretValue().Element
	}
	return resource.NewObjectProperty(m)
}

func newValue(v any) resource.PropertyValue {
	if computed, is := v.(resource.Computed); is {
		return resource.NewComputedProperty(computed)
	}
	return resource.NewPropertyValue(v)
}

var unknown = resource.Computed{Element: resource.NewStringProperty("")}

func (s *subject) setParameter(group, name, field, value string) {
	for i, n := range s.resource(group).At("parameters").Each() {
		if n.At("name").Text() == name {
			s.set(group, fmt.Sprintf("parameters[%d].%s", i, field), value)
			return
		}
	}
	next := fmt.Sprintf("parameters[%d].", len(s.resource(group).At("parameters").Each()))
	s.set(group, next+"name", name)
	s.set(group, next+field, value)
}

// addVPA gives the API a vertical autoscaler.
func (s *subject) addVPA(mode, resources string) {
	inputs := resource.NewPropertyMapFromMap(map[string]any{
		"metadata": map[string]any{"name": "vpa", "namespace": platform.Namespace},
		"spec": map[string]any{
			"targetRef":      map[string]any{"kind": "Deployment", "name": "agentic-rag-api"},
			"updatePolicy":   map[string]any{"updateMode": mode},
			"resourcePolicy": map[string]any{"containerPolicies": []any{map[string]any{"controlledResources": []any{resources}}}},
		},
	})
	s.Resources = append(s.Resources, rules.Resource{
		Type: "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler", Name: "vpa", Inputs: resource.FromResourcePropertyMap(inputs),
	})
}

// addLoadTest adds a load test that goes wherever the API's upkeep does.
func (s *subject) addLoadTest() {
	load := *s.resource("CronJob rag-prod-upkeep")
	load.Name, load.URN = "load", "load"
	s.Resources = append(s.Resources, load)
	s.set("CronJob load", "spec.jobTemplate.spec.template.spec.containers[0].image", "grafana/k6:1.4.0")
	s.set("CronJob load", "spec.suspend", true)
}

// drop takes away one resource.
func (s *subject) drop(at string) {
	gone := s.resource(at).URN
	s.Resources = slices.DeleteFunc(s.Resources, func(r rules.Resource) bool { return r.URN == gone })
}

// remove takes away the first resource of a type.
func (s *subject) remove(typ string) {
	i := slices.IndexFunc(s.Resources, func(r rules.Resource) bool { return r.Type == typ })
	s.Resources = slices.Delete(s.Resources, i, i+1)
}
