// Package ready knows when an object of Kubernetes works, and what it waits for until then, in the official provider's words.
//
// Owns: the rule of each kind, the annotations that say otherwise, what explains a wait. Does not own: how long is waited, and
// who is told (package kubernetes).
package ready

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// Annotations of an object. Source: provider/pkg/metadata of https://github.com/pulumi/pulumi-kubernetes at v4.30.0; read 2026-11-30.
const (
	SkipAwait = "pulumi.com/skipAwait" // "true" ends the wait at once
	WaitFor   = "pulumi.com/waitFor"   // what is waited for in place of the kind's own rule
)

// State is what a kind's rule says of a live object.
type State struct {
	Ready  bool
	Failed bool // no waiting helps
	Reason string
}

// Rule judges a live object. It may look at others.
type Rule func(ctx context.Context, c dynamic.Interface, u *unstructured.Unstructured) State

// RuleOf is what an object is waited for: what its annotation says, else its kind's rule; nil for nothing.
func RuleOf(u *unstructured.Unstructured) (Rule, error) {
	if u.GetAnnotations()[SkipAwait] == "true" {
		return nil, nil
	}
	wanted, err := wishes(u.GetAnnotations()[WaitFor])
	if err != nil || wanted == nil {
		return rules[u.GroupVersionKind().GroupKind()], err
	}
	return func(_ context.Context, _ dynamic.Interface, u *unstructured.Unstructured) State {
		return all(wanted, u)
	}, nil
}

// Check says what is wrong with the annotation WaitFor.
func Check(waitFor string) error {
	_, err := wishes(waitFor)
	return err
}
