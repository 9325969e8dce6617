package rules

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// quantity reads a Kubernetes quantity ("500m", "1Gi", 2) in its base unit: cores, bytes. ok = false for anything else.
func quantity(n Property) (value float64, ok bool) {
	if v, isNumber := n.Number(); isNumber {
		return v, true
	}
	q, err := resource.ParseQuantity(n.Text())
	if err != nil {
		return 0, false
	}
	return q.AsApproximateFloat64(), true
}

// share reads a Kubernetes IntOrString: a number of pods, or a percentage such as "25%" as its number.
func share(n Property) (value float64, ok bool) {
	if percent, isPercent := strings.CutSuffix(n.Text(), "%"); isPercent {
		v, err := strconv.ParseFloat(percent, 64)
		return v, err == nil
	}
	return n.Number()
}

// podsOf reads a Kubernetes IntOrString as pods out of total, rounded up as Kubernetes does for maxSurge and for
// the maxUnavailable of a disruption budget.
func podsOf(n Property, total float64) (pods float64, ok bool) {
	v, ok := share(n)
	if !ok || !strings.HasSuffix(n.Text(), "%") {
		return v, ok
	}
	exact := v * total / 100
	if whole := float64(int(exact)); whole < exact {
		return whole + 1, true
	}
	return exact, true
}
