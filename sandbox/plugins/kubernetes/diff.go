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

	"github.com/ragscale/ragscale/sandbox/plugins/kubernetes/ready"
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
	if err := ready.Check(text(r.News, "metadata", "annotations", ready.WaitFor)); err != nil {
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

// replacing are the fields, by group and kind, whose change has the official provider replace an object. What else the API
// server holds to be immutable it refuses, and the update fails: there as here.
// Source: provider/pkg/provider/diff.go of https://github.com/pulumi/pulumi-kubernetes , of 2026-07-01; read 2026-11-30.
var replacing = map[string][]string{
	"apps/DaemonSet":   {"spec.selector"},
	"apps/Deployment":  {"spec.selector"},
	"apps/StatefulSet": {"spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"},
	"batch/Job":        {"spec.completions", "spec.parallelism", "spec.selector", "spec.template"},

	"rbac.authorization.k8s.io/ClusterRoleBinding": {"roleRef"},
	"rbac.authorization.k8s.io/RoleBinding":        {"roleRef"},
	"storage.k8s.io/StorageClass":                  {"parameters", "provisioner"},

	"/ConfigMap":             {"binaryData", "data"},
	"/PersistentVolumeClaim": {"spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"},
	"/PersistentVolume": {
		"spec.awsElasticBlockStore", "spec.azureDisk", "spec.azureFile", "spec.cephfs", "spec.cinder", "spec.csi", "spec.fc", "spec.flexVolume",
		"spec.flocker", "spec.gcePersistentDisk", "spec.glusterfs", "spec.hostPath", "spec.iscsi", "spec.local", "spec.nfs",
		"spec.photonPersistentDisk", "spec.portworxVolume", "spec.quobyte", "spec.rbd", "spec.scaleIO", "spec.storageos", "spec.vsphereVolume",
	},
	"/Pod": {
		"spec.affinity", "spec.automountServiceAccountToken", "spec.dnsConfig", "spec.dnsPolicy", "spec.enableServiceLinks", "spec.hostAliases",
		"spec.hostIPC", "spec.hostNetwork", "spec.hostPID", "spec.hostname", "spec.imagePullSecrets", "spec.nodeName", "spec.nodeSelector",
		"spec.overhead", "spec.preemptionPolicy", "spec.priority", "spec.priorityClassName", "spec.readinessGates", "spec.restartPolicy",
		"spec.runtimeClassName", "spec.schedulerName", "spec.securityContext", "spec.serviceAccount", "spec.serviceAccountName",
		"spec.shareProcessNamespace", "spec.subdomain", "spec.terminationGracePeriodSeconds", "spec.volumes", "spec.containers", "spec.initContainers",
	},
	"/ResourceQuota": {"spec.scopes"},
	"/Secret":        {"type", "stringData", "data"},
	"/Service":       {"spec.clusterIP"},
}

// identity is where an object lives: no update moves it. An apiVersion is how one writes to it: another leaves it as it is.
var identity = []string{"kind", "metadata.name", "metadata.namespace"}

// replaces tells whether a change at a path of an object's inputs replaces it. Data of ConfigMaps and Secrets do unless the
// provider was told otherwise: what reads them then rolls with their names.
func (p *provider) replaces(in resource.PropertyMap, path string) bool {
	if path == "metadata" || slices.Contains(identity, path) {
		return true
	}
	return slices.ContainsFunc(p.replacing(in), func(field string) bool {
		rest, below := strings.CutPrefix(path, field)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// replacing are the fields of one object that replace it.
func (p *provider) replacing(in resource.PropertyMap) []string {
	group, _, grouped := strings.Cut(text(in, "apiVersion"), "/")
	if !grouped {
		group = ""
	}
	kind, once := group+"/"+text(in, "kind"), reveal(in["immutable"])
	switch immutable := once.IsBool() && once.BoolValue(); {
	case kind == "/ConfigMap" && p.options.configMapMutable && !immutable:
		return nil
	case kind == "/Secret" && p.options.secretMutable && !immutable:
		return []string{"type"}
	}
	return replacing[kind]
}

// autonamed marks an object whose name is not the program's own, as the official provider does.
const autonamed = "pulumi.com/autonamed"

// keepsName tells whether a replacement has to have the old one's name, so that it cannot stand beside it.
func keepsName(olds, news resource.PropertyMap) bool {
	if text(news, "metadata", "annotations", autonamed) == "true" {
		return false
	}
	same := func(member string) bool { return text(olds, "metadata", member) == text(news, "metadata", member) }
	return text(news, "metadata", "name") != "" && same("name") && same("namespace")
}
