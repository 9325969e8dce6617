package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// Check fills in the object's name where the program gave none (the resource's name and eight hex digits, stable over
// updates) and names what no object can lack.
func (p *provider) Check(_ context.Context, r plugin.CheckRequest) (plugin.CheckResponse, error) {
	if isRelease(r.URN) {
		return plugin.CheckResponse{Properties: nameRelease(r), Failures: checkRelease(r.News)}, nil
	}
	var failures []plugin.CheckFailure
	for _, k := range []resource.PropertyKey{"apiVersion", "kind"} {
		if v := r.News[k]; v.IsNull() {
			failures = append(failures, plugin.CheckFailure{Property: k, Reason: fmt.Sprintf("%s is not set", k)})
		}
	}
	if reason := unservedKind(string(r.URN.Type()), r.News); reason != "" {
		failures = append(failures, plugin.CheckFailure{Property: "kind", Reason: reason})
	}
	if _, err := wishes(text(r.News, "metadata", "annotations", waitFor)); err != nil {
		failures = append(failures, plugin.CheckFailure{Property: "metadata", Reason: err.Error()})
	}
	news := r.News.Copy()
	if md := reveal(news["metadata"]); !md.IsComputed() {
		news["metadata"] = resource.NewObjectProperty(p.named(md, r))
	}
	return plugin.CheckResponse{Properties: news, Failures: failures}, nil
}

func (p *provider) named(md resource.PropertyValue, r plugin.CheckRequest) resource.PropertyMap {
	m := resource.PropertyMap{}
	if md.IsObject() {
		m = md.ObjectValue().Copy()
	}
	if _, ok := m["name"]; ok || !m["generateName"].IsNull() {
		return m
	}
	m["name"] = resource.NewStringProperty(stableName(text(r.Olds, "metadata", "name"), r))
	annotations := reveal(m["annotations"])
	if annotations.IsComputed() {
		return m
	}
	marked := resource.PropertyMap{}
	if annotations.IsObject() {
		marked = annotations.ObjectValue().Copy()
	}
	marked[autonamed] = resource.NewStringProperty("true")
	m["annotations"] = resource.NewObjectProperty(marked)
	return m
}

// stableName keeps old, or makes a name from the resource's own.
func stableName(old string, r plugin.CheckRequest) string {
	if old != "" && strings.HasPrefix(old, r.URN.Name()+"-") {
		return old
	}
	sum := sha256.Sum256(append([]byte(r.URN), r.RandomSeed...))
	return r.URN.Name() + "-" + hex.EncodeToString(sum[:])[:8]
}

// Diff compares inputs with inputs: after a refresh the old ones carry what was found in the cluster (drift.go).
func (p *provider) Diff(_ context.Context, r plugin.DiffRequest) (plugin.DiffResponse, error) {
	detailed := changedPaths(r.OldInputs, r.NewInputs)
	if len(detailed) == 0 {
		return plugin.DiffResult{Changes: plugin.DiffNone}, nil
	}
	res := plugin.DiffResult{Changes: plugin.DiffSome, DetailedDiff: detailed}
	replaces := func(path string) bool { return p.replaces(r.NewInputs, path) }
	if isRelease(r.URN) {
		replaces = func(path string) bool { return path == "name" || path == "namespace" || path == "chart" }
	}
	for path, d := range detailed {
		top := resource.PropertyKey(strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' })[0])
		if replaces(path) {
			d.Kind = d.Kind.AsReplace()
			detailed[path] = d
			res.ReplaceKeys = appendOnce(res.ReplaceKeys, top)
		}
		res.ChangedKeys = appendOnce(res.ChangedKeys, top)
	}
	res.DeleteBeforeReplace = len(res.ReplaceKeys) > 0 && (isRelease(r.URN) || keepsName(r.OldInputs, r.NewInputs))
	return res, nil
}

func appendOnce(l []resource.PropertyKey, k resource.PropertyKey) []resource.PropertyKey {
	if slices.Contains(l, k) {
		return l
	}
	return append(l, k)
}

// changedPaths is the detailed diff of two sets of inputs, a value that became unknown included: without it a preview
// would hide what follows from a replacement.
func changedPaths(olds, news resource.PropertyMap) map[string]plugin.PropertyDiff {
	d := olds.DiffIncludeUnknowns(news)
	if d == nil {
		d = &resource.ObjectDiff{Updates: map[resource.PropertyKey]resource.ValueDiff{}}
	}
	for k, v := range news {
		if v.ContainsUnknowns() && !olds[k].ContainsUnknowns() && !d.Changed(k) {
			d.Updates[k] = resource.ValueDiff{Old: olds[k], New: v}
		}
	}
	detailed := plugin.NewDetailedDiffFromObjectDiff(d, true)
	for path := range detailed {
		if strings.HasPrefix(path, "__") {
			delete(detailed, path)
		}
	}
	return detailed
}
