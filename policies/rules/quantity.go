package rules

import (
	"math"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
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

// intOrString reads a number of pods or a percentage such as "25%".
func intOrString(n Property) (v intstr.IntOrString, ok bool) {
	if number, isNumber := n.Number(); isNumber && number == math.Trunc(number) {
		return intstr.FromInt32(int32(number)), true
	}
	return intstr.FromString(n.Text()), strings.HasSuffix(n.Text(), "%")
}

// podsOf is a Kubernetes IntOrString as pods out of total, rounded up as Kubernetes does for maxSurge and for the
// maxUnavailable of a disruption budget.
func podsOf(n Property, total float64) (pods float64, ok bool) {
	v, ok := intOrString(n)
	if !ok {
		return 0, false
	}
	scaled, err := intstr.GetScaledValueFromIntOrPercent(&v, int(total), true)
	return float64(scaled), err == nil
}

// isNone tells whether a Kubernetes IntOrString stands for no pod, of however many.
func isNone(n Property) bool {
	const many = 1 << 20
	pods, ok := podsOf(n, many)
	return ok && pods == 0
}
