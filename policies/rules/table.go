package rules

import "slices"

// All is every rule, by area.
func All() []Rule {
	return slices.Concat(workloads, scaling, nodes, cluster, database, cache, network, edge, buckets, identity, alarms,
		upkeep, cost)
}

// Named returns the rule of that name.
func Named(name string) (Rule, bool) {
	all := All()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// Names lists the rules' names, in the order of All.
func Names() []string {
	var names []string
	for _, r := range All() {
		names = append(names, r.Name)
	}
	return names
}
