package rules

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

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
func targets(from Resource, reference Property, workload Resource) bool {
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
func selects(selector, labels Property) bool {
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

// connectionBudget adds up the pools at the primary: of the pooler, and of all workloads that say DATABASE_POOL_SIZE
// and do not go through it.
func connectionBudget(s Stack, _ Thresholds, p *Report) {
	total, pooled, known := poolerConnections(s)
	if !known {
		return
	}
	for _, w := range s.OfType(servers...) {
		pool, hasPool := poolSize(w)
		if !hasPool || pooled && w.At("metadata", "name").Text() == apiName {
			continue
		}
		pods, known := mostPods(s, w)
		if !known {
			return
		}
		total += pods * pool
	}
	if total == 0 {
		return
	}
	total += stacks.AdminReserve
	for _, group := range primaryGroups(s) {
		most := parameter(group, "max_connections")
		if v, ok := most.Number(); ok && v < total {
			p.fault(group, most, fmt.Sprintf("at least %v: what all pods at full scale and the reserve hold", total))
		}
	}
}

// poolerName is PgBouncer's Deployment and the ConfigMap with its pgbouncer.ini.
const poolerName = "pgbouncer"

// poolerEntry is a database of pgbouncer.ini: its servers, and the connections that each pod holds to them.
var poolerEntry = regexp.MustCompile(`(?m)^[^;#\s]+ *= *.*\bhost=(\S+).*\bpool_size=(\d+)`)

// poolerConnections is what PgBouncer's pods hold at the primary at full scale: the first database leads there, and the
// others count if they do too. pooled = false if there is no PgBouncer.
func poolerConnections(s Stack) (total float64, pooled, known bool) {
	for _, config := range s.OfType(configMap) {
		if config.At("metadata", "name").Text() != poolerName {
			continue
		}
		pods, known := poolerPods(s, config)
		entries := poolerEntry.FindAllStringSubmatch(config.At("data", "pgbouncer.ini").Text(), -1)
		if !known || len(entries) == 0 {
			return 0, true, false
		}
		for _, e := range entries {
			if size, err := strconv.Atoi(e[2]); err == nil && e[1] == entries[0][1] {
				total += pods * float64(size)
			}
		}
		return total, true, true
	}
	return 0, false, true
}

// poolerPods is the most pods of the Deployment beside PgBouncer's configuration.
func poolerPods(s Stack, config Resource) (pods float64, known bool) {
	for _, w := range s.OfType(deployment) {
		if w.At("metadata", "name").Text() == poolerName && sameNamespace(w, config) {
			return mostPods(s, w)
		}
	}
	return 0, false
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

// mostPods is the pods of a workload at full scale during a rolling update, by Kubernetes' default surge of 25 % unless
// said.
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
