package rules

import (
	"fmt"
	"slices"

	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
)

func rdsReplicas(s Stack, t Thresholds, p *Report) {
	var primary *Resource
	var replicas int
	for _, r := range s.OfType(rdsInstance) {
		if replicates(r) {
			replicas++
		} else {
			primary = &r
		}
	}
	if primary != nil && replicas < t.Replicas {
		p.about(*primary, "", fmt.Sprintf("with %d replicas", replicas),
			fmt.Sprintf("%d (ragscale:database.replicas)", t.Replicas))
	}
}

func rdsReplicaParameters(s Stack, _ Thresholds, p *Report) {
	for _, replica := range s.OfType(rdsInstance) {
		if !replicates(replica) {
			continue
		}
		own, known := parameterGroupOf(s, replica)
		for _, primary := range s.OfType(rdsInstance) {
			theirs, both := parameterGroupOf(s, primary)
			if !replicates(primary) && known && both && replica.mayComeFrom("replicateSourceDb", primary) {
				compareParameters(replica, own, theirs, p)
			}
		}
	}
}

// parameterGroupOf is the group that an instance runs under; known = false where the engine does not say, or it is not
// of the stack.
func parameterGroupOf(s Stack, instance Resource) (group Resource, known bool) {
	for _, g := range s.OfType(parameterGroup) {
		if instance.comesFrom("parameterGroupName", g) {
			return g, true
		}
	}
	return Resource{}, false
}

func compareParameters(replica, own, theirs Resource, p *Report) {
	if own.At("parameters").Undecided() {
		return
	}
	for _, name := range postgres.Floors() {
		least, set := parameter(theirs, name).Number()
		if v, ok := parameter(own, name).Number(); set && (!ok || v < least) {
			p.about(replica, parameter(own, name).Path, parameter(own, name).show(),
				fmt.Sprintf("at least the primary's, %v", least))
		}
	}
}

// primaryGroups is the parameter groups but those of replicas.
func primaryGroups(s Stack) []Resource {
	return slices.DeleteFunc(s.OfType(parameterGroup), func(group Resource) bool {
		return slices.ContainsFunc(s.OfType(rdsInstance), func(r Resource) bool {
			own, known := parameterGroupOf(s, r)
			return known && own.URN == group.URN && replicates(r)
		})
	})
}

// rdsMemorySplit holds each group against the instances that run under it.
func rdsMemorySplit(s Stack, _ Thresholds, p *Report) {
	setting, err := postgres.Lookup("shared_buffers")
	if err != nil {
		return
	}
	for _, instance := range s.OfType(rdsInstance) {
		group, known := parameterGroupOf(s, instance)
		class, err := rds.Lookup(instance.At("instanceClass").Text())
		if !known || err != nil { // rds-class names it
			continue
		}
		buffers := parameter(group, "shared_buffers")
		pages, err := setting.Number(buffers.Text(), class.Instance())
		if percent := 100 * pages * bufferPage / float64(class.ParameterMemory()); err == nil &&
			(percent < leastBuffersPercent || percent > mostBuffersPercent) {
			p.about(group, buffers.Path, fmt.Sprintf("%s, %.0f %% of %s", buffers.show(), percent, class.Name),
				fmt.Sprintf("%d to %d %%", leastBuffersPercent, mostBuffersPercent))
		}
	}
}
