// Package tag says which tags a resource has.
//
// Owns: those that every component adds. Does not own: the caller's, and which resources have tags.
package tag

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Of a resource: the caller's, plus what it belongs to and its name.
func Of(caller map[string]string, component, name string) pulumi.StringMap {
	tags := pulumi.ToStringMap(caller)
	tags["component"] = pulumi.String(component)
	tags["Name"] = pulumi.String(name)
	return tags
}
