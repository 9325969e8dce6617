package kubernetes

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
)

// Annotations with which an object says how the official provider is to treat it.
// Source: provider/pkg/metadata (annotations.go, overrides.go) and provider/pkg/await/condition of
// https://github.com/pulumi/pulumi-kubernetes at v4.30.0; read 2026-11-30. Of them replaceUnready is not imitated: an object
// that was not ready is waited for again.
const (
	skipAwait           = "pulumi.com/skipAwait"      // "true" ends the wait at once
	timeoutSeconds      = "pulumi.com/timeoutSeconds" // how long it is waited for
	waitFor             = "pulumi.com/waitFor"        // what is waited for in place of the kind's own rule
	patchForce          = "pulumi.com/patchForce"     // "true" takes fields that another owns
	patchFieldManager   = "pulumi.com/patchFieldManager"
	deletionPropagation = "pulumi.com/deletionPropagationPolicy"
)

// defaultTimeout is the official provider's for workloads.
const defaultTimeout = 10 * time.Minute

// awaitTimeout is the resource's own timeout in the program, else the annotation's, else the default.
func awaitTimeout(u *unstructured.Unstructured, seconds float64) time.Duration {
	if seconds > 0 {
		return secondsToDuration(seconds)
	}
	if n, err := strconv.Atoi(u.GetAnnotations()[timeoutSeconds]); err == nil {
		return time.Duration(n) * time.Second
	}
	return defaultTimeout
}

// propagationOf is what becomes of what an object owns. The deletion of what owns pods ends when they have; any other object
// ends at once, where the official provider waits in the foreground too: asking the garbage collector would wait, for a custom
// kind, until it has heard of the kind, up to 30 s.
func propagationOf(u *unstructured.Unstructured) metav1.DeletionPropagation {
	switch strings.ToLower(u.GetAnnotations()[deletionPropagation]) {
	case "orphan":
		return metav1.DeletePropagationOrphan
	case "background":
		return metav1.DeletePropagationBackground
	case "foreground":
		return metav1.DeletePropagationForeground
	}
	switch u.GroupVersionKind().Group {
	case "apps", "batch":
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}

// wishes are what an object's annotation says is waited for: one expression, or a JSON list of which all have to hold; nil
// without the annotation.
func wishes(annotation string) ([]func(*unstructured.Unstructured) state, error) {
	if annotation == "" {
		return nil, nil
	}
	var expressions []string
	if json.Unmarshal([]byte(annotation), &expressions) != nil {
		expressions = []string{annotation}
	}
	if len(expressions) == 0 {
		return nil, fmt.Errorf("%s is empty, want at least one condition", waitFor)
	}
	var out []func(*unstructured.Unstructured) state
	for _, e := range expressions {
		wish, err := wishOf(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", waitFor, err)
		}
		out = append(out, wish)
	}
	return out, nil
}

// all is the state of an object of which every wish has to be met.
func all(wanted []func(*unstructured.Unstructured) state, u *unstructured.Unstructured) state {
	for _, wish := range wanted {
		if s := wish(u); !s.ready {
			return s
		}
	}
	return state{ready: true}
}

func wishOf(expression string) (func(*unstructured.Unstructured) state, error) {
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
	return func(u *unstructured.Unstructured) state {
		status, why := condition(u, kind)
		return state{ready: strings.EqualFold(status, want), reason: fmt.Sprintf("condition %s is %q, want %s %s", kind, status, want, why)}
	}, nil
}

// wishOfPath reads "{.status.phase}=Running", or "{.status.phase}" for any value.
func wishOfPath(text string) (func(*unstructured.Unstructured) state, error) {
	end := strings.LastIndex(text, "}")
	if !strings.HasPrefix(text, "{") || end < 0 {
		return nil, fmt.Errorf("jsonpath is %q, want a path in braces such as {.status.phase}=Running", text)
	}
	want, valued := strings.CutPrefix(text[end+1:], "=")
	path := jsonpath.New("wait").AllowMissingKeys(true)
	if err := path.Parse(text[:end+1]); err != nil {
		return nil, fmt.Errorf("jsonpath %q: %w", text, err)
	}
	return func(u *unstructured.Unstructured) state {
		seen := number(u, "status", "observedGeneration")
		if seen > 0 && seen < u.GetGeneration() {
			return state{reason: "its status is of an earlier generation"}
		}
		found, err := path.FindResults(u.Object)
		if err != nil || len(found) == 0 || len(found[0]) != 1 {
			return state{reason: "there is no " + text[:end+1]}
		}
		has := fmt.Sprint(found[0][0].Interface())
		return state{ready: !valued || has == want, reason: fmt.Sprintf("%s is %q, want %s", text[:end+1], has, want)}
	}, nil
}
