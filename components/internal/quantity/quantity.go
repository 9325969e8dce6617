// Package quantity says how much CPU and memory something may have.
//
// Owns: the pair of both, as arguments have it and as Kubernetes wants it. Does not own: how much that is, whether it
// is valid (fault).
package quantity

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Resources are Kubernetes quantities: CPU "250m", Memory "512Mi". Empty leaves one out.
type Resources struct{ CPU, Memory string }

// Of is the quantity of "cpu" or of "memory".
func (r Resources) Of(resource string) string {
	return map[string]string{"cpu": r.CPU, "memory": r.Memory}[resource]
}

// Map has what is not left out, by Kubernetes' names.
func (r Resources) Map() pulumi.StringMap {
	all := pulumi.StringMap{}
	for _, resource := range []string{"cpu", "memory"} {
		if amount := r.Of(resource); amount != "" {
			all[resource] = pulumi.String(amount)
		}
	}
	return all
}
