// Package kinds declares the custom resource definitions of a Helm chart, so that they change with the chart.
//
// Owns: their declaration. Does not own: the release, which has to leave them out (SkipCrds) and come after them.
//
// Helm installs what a chart has in crds/ once and never again: a raised chart would run on old schemas. As resources
// of their own they are applied at each version.
package kinds

import (
	"fmt"
	"maps"
	"slices"

	yamlv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/yaml/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Declare declares each file, given as a URL by the part of a name that tells it apart ("" for the only one). The
// provider reads a file when the cluster is known, which at a first preview it is not.
func Declare(ctx *pulumi.Context, name string, files map[string]string,
	opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	var declared []pulumi.Resource
	for _, part := range slices.Sorted(maps.Keys(files)) {
		url := files[part]
		file, err := yamlv2.NewConfigFile(ctx, name+part, &yamlv2.ConfigFileArgs{File: pulumi.String(url)}, opts...)
		if err != nil {
			return nil, fmt.Errorf("kinds of %s: %w", url, err)
		}
		declared = append(declared, file)
	}
	return declared, nil
}
