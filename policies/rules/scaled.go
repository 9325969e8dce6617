package rules

import (
	"fmt"
	"math"

	"github.com/ragscale/ragscale/stacks"
)

// scaled is the workloads that a horizontal autoscaler of the stack scales.
func scaled(s Stack) []Resource {
	var found []Resource
	for _, w := range s.OfType(servers...) {
		if len(autoscalersOf(s, w)) > 0 {
			found = append(found, w)
		}
	}
	return found
}

// autoscalersOf is the horizontal autoscalers that scale a workload.
func autoscalersOf(s Stack, workload Resource) []Resource {
	var found []Resource
	for _, hpa := range s.OfType(hpaType) {
		if targets(hpa, hpa.At("spec", "scaleTargetRef"), workload) {
			found = append(found, hpa)
		}
	}
	return found
}

// targets tells whether from, through its reference, means the workload: known, and the same kind, name and namespace.
func targets(from Resource, reference Node, workload Resource) bool {
	return reference.At("kind").Text() == workload.At("kind").Text() &&
		reference.At("name").Text() != "" &&
		reference.At("name").Text() == workload.At("metadata", "name").Text() &&
		sameNamespace(from, workload)
}

// sameNamespace tells whether two objects are in one namespace, as far as known. Unknown ones may be.
func sameNamespace(a, b Resource) bool {
	x, y := a.At("metadata", "namespace"), b.At("metadata", "namespace")
	return x.Unknown() || y.Unknown() || x.Text() == y.Text()
}

func scaledSurvivesDrain(s Stack, _ Thresholds, p *Report) {
	for _, w := range scaled(s) {
		budgets, decided := budgetsOf(s, w)
		if !decided {
			continue
		}
		if len(budgets) != 1 {
			p.about(w, "", fmt.Sprintf("under %d disruption budgets", len(budgets)), "one")
			continue
		}
		checkBudget(budgets[0], autoscalersOf(s, w)[0], p)
	}
}

// budgetsOf is the disruption budgets that select a workload's pods. decided = false if one of them is not known well
// enough to tell.
func budgetsOf(s Stack, workload Resource) (budgets []Resource, decided bool) {
	labels := podTemplate(workload).At("metadata", "labels")
	if labels.Undecided() {
		return nil, false
	}
	for _, b := range s.OfType(budgetType) {
		if b.At("spec", "selector").Undecided() || b.At("metadata", "namespace").Unknown() {
			return nil, false
		}
		if sameNamespace(b, workload) && selects(b.At("spec", "selector", "matchLabels"), labels) {
			budgets = append(budgets, b)
		}
	}
	return budgets, true
}

// selects tells whether all labels of a selector are among a pod's. One without labels selects everything.
func selects(selector, labels Node) bool {
	for name, want := range selector.Members() {
		if labels.At(name).Text() != want.Text() {
			return false
		}
	}
	return true
}

// checkBudget wants that at least one pod may go when the autoscaler is at its minimum.
func checkBudget(budget, hpa Resource, p *Report) {
	least, known := hpa.At("spec", "minReplicas").Number()
	unavailable, available := budget.At("spec", "maxUnavailable"), budget.At("spec", "minAvailable")
	if !known || unavailable.Unknown() || available.Unknown() {
		return
	}
	if v, ok := podsOf(unavailable, least); ok {
		if v < 1 {
			p.fault(budget, unavailable, "at least 1")
		}
		return
	}
	if v, ok := podsOf(available, least); !ok || v >= least {
		p.fault(budget, available, fmt.Sprintf("less than minReplicas (%v): use maxUnavailable", least))
	}
}

// connectionBudget adds up the pools of all workloads that say DATABASE_POOL_SIZE.
func connectionBudget(s Stack, _ Thresholds, p *Report) {
	total := float64(stacks.AdminReserve)
	for _, w := range s.OfType(servers...) {
		pool, pooled := poolSize(w)
		if !pooled {
			continue
		}
		pods, known := mostPods(s, w)
		if !known {
			return
		}
		total += pods * pool
	}
	if total == stacks.AdminReserve {
		return
	}
	for _, group := range s.OfType(parameterGroup) {
		most := parameter(group, "max_connections")
		if v, ok := most.Number(); ok && v < total {
			p.fault(group, most, fmt.Sprintf("at least %v: what all pods at full scale and the reserve hold", total))
		}
	}
}

func poolSize(workload Resource) (size float64, ok bool) {
	for _, c := range containers(workload) {
		for _, e := range c.At("env").Each() {
			if e.At("name").Text() == "DATABASE_POOL_SIZE" {
				return e.At("value").Number()
			}
		}
	}
	return 0, false
}

// mostPods is the pods of a workload at full scale during a rolling update, by Kubernetes' default surge of 25 % unless said.
func mostPods(s Stack, workload Resource) (pods float64, known bool) {
	replicas := workload.At("spec", "replicas")
	if hpas := autoscalersOf(s, workload); len(hpas) > 0 {
		replicas = hpas[0].At("spec", "maxReplicas")
	}
	n, known := replicas.Number()
	if !known {
		return 0, false
	}
	surge := workload.At("spec", "strategy", "rollingUpdate", "maxSurge")
	if surge.Absent() {
		return n + math.Ceil(n/4), true
	}
	extra, known := podsOf(surge, n)
	return n + extra, known
}
