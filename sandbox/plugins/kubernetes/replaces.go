package kubernetes

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

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

// identity is where an object lives: no update moves it.
var identity = []string{"apiVersion", "kind", "metadata.name", "metadata.namespace"}

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
