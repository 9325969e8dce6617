package capacity

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/ragscale/ragscale/stacks"
)

// Change is one key of a stack's file that a plan sets.
type Change struct {
	Path string `json:"path"` // "slo.hpa.maxReplicas"
	From any    `json:"from"`
	To   any    `json:"to"`
}

// values is a stack's configuration, as stacks.Parse takes it.
type values map[string]string

// with sets keys by their paths below ragscale:.
func (v values) with(changes []Change) (values, error) {
	all := maps.Clone(v)
	for _, c := range changes {
		top, rest, _ := strings.Cut(c.Path, ".")
		key := "ragscale:" + top
		object := map[string]any{}
		if text := all[key]; text != "" {
			if err := json.Unmarshal([]byte(text), &object); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		put(object, strings.Split(rest, "."), c.To)
		text, err := json.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		all[key] = string(text)
	}
	return all, nil
}

func put(object map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		inner, is := object[key].(map[string]any)
		if !is {
			inner = map[string]any{}
			object[key] = inner
		}
		object = inner
	}
	object[path[len(path)-1]] = value
}

// parsed is the configuration with changes, where validation accepts it.
func (s Stack) parsed(changes []Change) (*stacks.Config, error) {
	v, err := values(s.Values).with(changes)
	if err != nil {
		return nil, err
	}
	return stacks.Parse(s.Config.Stack, v)
}
