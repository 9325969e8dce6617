package ragapi

import (
	"fmt"

	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// maxUnavailable of the pods may be drained at a time, rounded up: one of 3, four of 20. At the default CPU target of
// 70 % the others then run at 88 %. It is never minAvailable: equal to the replicas, that hangs every drain.
const maxUnavailable = "20%"

func (d *declaration) disruptionBudget(w workload) error {
	_, err := policyv1.NewPodDisruptionBudget(d.ctx, d.name+w.suffix, &policyv1.PodDisruptionBudgetArgs{
		Metadata: d.metadata(w.name, w.name),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			Selector:       selector(w.name),
			MaxUnavailable: pulumi.String(maxUnavailable),
			// Pods that are broken anyway do not hold up a drain.
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, d.parent)
	if err != nil {
		return fmt.Errorf("disruption budget %s: %w", w.name, err)
	}
	return nil
}
