package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/infra/platform"
	"github.com/ragscale/ragscale/perf/trial/cluster"
	"github.com/ragscale/ragscale/planner"
	"github.com/ragscale/ragscale/stacks"
)

// changeOfKeys holds what the stack's program declares with keys of its file changed against what it declares now.
// Nothing but the API's Deployment may differ, beside what only watches.
func (p project) changeOfKeys(stack string, keys map[string]string) (cluster.Change, error) {
	if len(keys) == 0 {
		return cluster.Change{}, nil
	}
	values, err := stacks.ReadFile(p.stackFile(stack))
	if err != nil {
		return cluster.Change{}, err
	}
	changed := maps.Clone(values)
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		faults = append(faults, setKey(stack, changed, key, keys[key]))
	}
	if err := errors.Join(faults...); err != nil {
		return cluster.Change{}, err
	}
	if _, err := stacks.Parse(stack, changed); err != nil {
		return cluster.Change{}, err
	}
	now, err := platform.Plan(stack, values)
	if err != nil {
		return cluster.Change{}, err
	}
	then, err := platform.Plan(stack, changed)
	if err != nil {
		return cluster.Change{}, err
	}
	return changeBetween(strings.Join(slices.Sorted(maps.Keys(keys)), ", "), now, then)
}

// setKey sets a key such as api.limits.memory in the values of a stack's file: as the number or truth that it looks like,
// or as text where the key wants that.
func setKey(stack string, values map[string]string, key, value string) error {
	top, path, nested := strings.Cut(key, ".")
	name := projectName + ":" + top
	if !nested {
		values[name] = value
		return nil
	}
	block := map[string]any{}
	if text := values[name]; text != "" {
		if err := json.Unmarshal([]byte(text), &block); err != nil {
			return fmt.Errorf("%s is no block, want a key within one, or env.NAME", name)
		}
	}
	forms := []any{value}
	var parsed any
	if json.Unmarshal([]byte(value), &parsed) == nil {
		forms = []any{parsed, value}
	}
	for _, form := range forms {
		setWithin(block, strings.Split(path, "."), form)
		text, err := json.Marshal(block)
		if err != nil {
			return err
		}
		values[name] = string(text)
		if _, err := stacks.Parse(stack, values); err == nil || !strings.Contains(err.Error(), projectName+":"+key+" ") {
			return nil
		}
	}
	return nil // what is wrong with it is told with all other faults
}

func setWithin(block map[string]any, path []string, value any) {
	for _, part := range path[:len(path)-1] {
		next, ok := block[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			block[part] = next
		}
		block = next
	}
	block[path[len(path)-1]] = value
}

// watching are types of resources that no request goes through.
var watching = []string{"aws:cloudwatch/", "aws:amp/", "kubernetes:core/v1:ConfigMap"}

const deploymentType = "kubernetes:apps/v1:Deployment"

// changeBetween two plans is that of the API's container; what else differs is named in the error.
func changeBetween(keys string, now, then []planner.Resource) (cluster.Change, error) {
	before := map[string]planner.Resource{}
	for _, r := range now {
		before[r.Path] = r
	}
	var a, b corev1.Container
	var others []string
	api := false
	for _, r := range then {
		was, known := before[r.Path]
		delete(before, r.Path)
		switch {
		case known && was.Text() == r.Text(), isWatching(r.Type):
		case known && isAPI(r):
			api = true
			if err := errors.Join(containerOf(was, &a), containerOf(r, &b)); err != nil {
				return cluster.Change{}, err
			}
		default:
			others = append(others, r.Type+" "+r.Name)
		}
	}
	for _, r := range before {
		if !isWatching(r.Type) {
			others = append(others, r.Type+" "+r.Name)
		}
	}
	switch {
	case len(others) > 0:
		slices.Sort(others)
		return cluster.Change{}, fmt.Errorf("%s cannot be tried side by side: it changes %s, which both arms share; variables of the API's pods can be tried as env.NAME",
			keys, first(others, 3))
	case !api:
		return cluster.Change{}, fmt.Errorf("%s changes nothing of the API's pods", keys)
	}
	return containerChange(a, b), nil
}

func isWatching(typ string) bool {
	return slices.ContainsFunc(watching, func(prefix string) bool { return strings.HasPrefix(typ, prefix) })
}

func isAPI(r planner.Resource) bool {
	metadata := r.Inputs["metadata"]
	return r.Type == deploymentType && metadata.IsObject() && metadata.ObjectValue()["name"].IsString() &&
		metadata.ObjectValue()["name"].StringValue() == platform.APIName
}

func first(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), len(all)-n)
}

// containerOf reads the API's container of a planned Deployment.
func containerOf(r planner.Resource, into *corev1.Container) error {
	text, err := json.Marshal(r.Inputs.Mappable())
	if err != nil {
		return err
	}
	var d struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || len(d.Spec.Template.Spec.Containers) == 0 {
		return errors.Join(fmt.Errorf("%s: no container", r.Path), err)
	}
	return json.Unmarshal(d.Spec.Template.Spec.Containers[0], into)
}

func containerChange(a, b corev1.Container) cluster.Change {
	c := cluster.Change{Env: map[string]string{}, Requests: quantityChange(a.Resources.Requests, b.Resources.Requests),
		Limits: quantityChange(a.Resources.Limits, b.Resources.Limits)}
	was := map[string]corev1.EnvVar{}
	for _, e := range a.Env {
		was[e.Name] = e
	}
	for _, e := range b.Env {
		if e.ValueFrom == nil && was[e.Name].Value != e.Value {
			c.Env[e.Name] = e.Value
		}
		delete(was, e.Name)
	}
	c.Unset = slices.Sorted(maps.Keys(was))
	if !slices.Equal(a.Args, b.Args) {
		c.Args = b.Args
	}
	return c
}

func quantityChange(a, b corev1.ResourceList) map[string]string {
	change := map[string]string{}
	for name := range a {
		if _, still := b[name]; !still {
			change[string(name)] = ""
		}
	}
	for name, q := range b {
		if was := a[name]; was.Cmp(q) != 0 {
			change[string(name)] = q.String()
		}
	}
	return change
}
