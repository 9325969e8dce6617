package kubernetes

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/sandbox/plugins/kubernetes/ready"
)

// options are those settings of the official provider that change what becomes of an object. All are off by default.
type options struct {
	configMapMutable bool // changed data of a ConfigMap update it, and do not replace it
	secretMutable    bool // likewise, of a Secret
	patchForce       bool // take fields that another field manager owns
	upsert           bool // create over an object that exists
}

// optionsOf reads a provider's inputs, or the environment where they say nothing.
func optionsOf(in resource.PropertyMap) options {
	return options{
		configMapMutable: setting(in, "enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
		secretMutable:    setting(in, "enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
		patchForce:       setting(in, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
		upsert:           setting(in, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
	}
}

// setting comes as a truth value, or as its text: provider inputs are texts on the way.
func setting(in resource.PropertyMap, name resource.PropertyKey, variable string) bool {
	said := os.Getenv(variable)
	switch v := reveal(in[name]); {
	case v.IsBool():
		return v.BoolValue()
	case v.IsString():
		said = v.StringValue()
	}
	on, err := strconv.ParseBool(said)
	return err == nil && on
}

// unserved are the settings that would change what becomes of every object, and what the sandbox does in their place.
// Source: provider/pkg/provider/provider.go (CheckConfig, Configure) of https://github.com/pulumi/pulumi-kubernetes at v4.30.0;
// read 2026-11-30. The rest is of Helm's own files, of warnings, or of a cluster out of reach.
var unserved = map[resource.PropertyKey]string{
	"renderYamlToDirectory": "the sandbox writes no manifests: it applies them to its cluster",
	"enableServerSideApply": "the sandbox applies on the server's side only: leave it out",
	"context":               "the sandbox takes a kubeconfig's current context",
	"cluster":               "the sandbox takes a kubeconfig's current context",
}

// unservedFaults are those of a provider's inputs.
func unservedFaults(in resource.PropertyMap) []plugin.CheckFailure {
	var out []plugin.CheckFailure
	for _, name := range slices.Sorted(maps.Keys(unserved)) {
		v := reveal(in[name])
		if v.IsNull() || v.IsString() && v.StringValue() == "" || name == "enableServerSideApply" && setting(in, name, "") {
			continue
		}
		out = append(out, plugin.CheckFailure{Property: name, Reason: fmt.Sprintf("%s is not served: %s", name, unserved[name])})
	}
	return out
}

// unservedKind says why objects of a resource type are not made; "" for one that is.
func unservedKind(token string, in resource.PropertyMap) string {
	last, kind := token[strings.LastIndex(token, ":")+1:], text(in, "kind")
	group, _, _ := strings.Cut(text(in, "apiVersion"), "/")
	custom := strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
	awaited := text(in, "metadata", "annotations", ready.SkipAwait) != "true"
	balanced := text(in, "apiVersion") == "v1" && kind == "Service" && text(in, "spec", "type") == "LoadBalancer"
	switch {
	case awaited && balanced:
		return "Services of type LoadBalancer get no address in the sandbox: want ClusterIP, with an aws:lb load balancer and a TargetGroupBinding before it"
	case awaited && kind == "Ingress" && group == "networking.k8s.io":
		return "Ingresses get no address in the sandbox, and would be waited for: want an aws:lb load balancer and a TargetGroupBinding"
	case last == kind+"Patch":
		return "patches of others' objects are not served by the sandbox: want the whole object"
	case strings.HasSuffix(last, "List") && last == kind && !custom:
		return "list resources cannot be created directly: want the resources of the list"
	}
	return ""
}
