package ready

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
)

// wishes are what an object's annotation says is waited for: one expression, or a JSON list of which all have to hold; nil
// without the annotation.
func wishes(annotation string) ([]func(*unstructured.Unstructured) State, error) {
	if annotation == "" {
		return nil, nil
	}
	var expressions []string
	if json.Unmarshal([]byte(annotation), &expressions) != nil {
		expressions = []string{annotation}
	}
	if len(expressions) == 0 {
		return nil, fmt.Errorf("%s is empty, want at least one condition", WaitFor)
	}
	var out []func(*unstructured.Unstructured) State
	for _, e := range expressions {
		wish, err := wishOf(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", WaitFor, err)
		}
		out = append(out, wish)
	}
	return out, nil
}

// all is the state of an object of which every wish has to be met.
func all(wanted []func(*unstructured.Unstructured) State, u *unstructured.Unstructured) State {
	for _, wish := range wanted {
		if s := wish(u); !s.Ready {
			return s
		}
	}
	return State{Ready: true}
}

func wishOf(expression string) (func(*unstructured.Unstructured) State, error) {
	if path, ok := strings.CutPrefix(expression, "jsonpath="); ok {
		return wishOfPath(path)
	}
	kind, ok := strings.CutPrefix(expression, "condition=")
	if !ok {
		return nil, fmt.Errorf(`expected a "jsonpath=" or "condition=" prefix, got %q`, expression)
	}
	want := "True"
	if name, value, given := strings.Cut(kind, "="); given {
		kind, want = name, value
	}
	return func(u *unstructured.Unstructured) State {
		status, why := condition(u, kind)
		return State{Ready: strings.EqualFold(status, want), Reason: fmt.Sprintf("condition %s is %q, want %s %s", kind, status, want, why)}
	}, nil
}

// wishOfPath reads "{.status.phase}=Running", or "{.status.phase}" for any value.
func wishOfPath(text string) (func(*unstructured.Unstructured) State, error) {
	end := strings.LastIndex(text, "}")
	if !strings.HasPrefix(text, "{") || end < 0 {
		return nil, fmt.Errorf("jsonpath is %q, want a path in braces such as {.status.phase}=Running", text)
	}
	want, valued := strings.CutPrefix(text[end+1:], "=")
	path := jsonpath.New("wait").AllowMissingKeys(true)
	if err := path.Parse(text[:end+1]); err != nil {
		return nil, fmt.Errorf("jsonpath %q: %w", text, err)
	}
	return func(u *unstructured.Unstructured) State {
		seen := number(u, "status", "observedGeneration")
		if seen > 0 && seen < u.GetGeneration() {
			return State{Reason: "its status is of an earlier generation"}
		}
		found, err := path.FindResults(u.Object)
		if err != nil || len(found) == 0 || len(found[0]) != 1 {
			return State{Reason: "there is no " + text[:end+1]}
		}
		has := fmt.Sprint(found[0][0].Interface())
		return State{Ready: !valued || has == want, Reason: fmt.Sprintf("%s is %q, want %s", text[:end+1], has, want)}
	}, nil
}
