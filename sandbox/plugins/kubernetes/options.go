package kubernetes

import (
	"os"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// options are those settings of the official provider that change what becomes of an object. All are off by default.
type options struct {
	configMapMutable bool // changed data of a ConfigMap update it, and do not replace it
	secretMutable    bool // likewise, of a Secret
	patchForce       bool // take fields that another field manager owns
}

// optionsOf reads a provider's inputs, or the environment where they say nothing.
func optionsOf(in resource.PropertyMap) options {
	return options{
		configMapMutable: setting(in, "enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
		secretMutable:    setting(in, "enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
		patchForce:       setting(in, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
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
