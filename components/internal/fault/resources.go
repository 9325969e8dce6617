package fault

import (
	"strings"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragscale/ragscale/components/internal/quantity"
)

// Quantity is nil, with a fault added, for what Kubernetes does not take or what is not more than nothing.
func (l *List) Quantity(field, value string) *resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		l.Add("%s is %q, want a quantity above 0 such as 250m or 512Mi", field, value)
		return nil
	}
	return &q
}

// Amount is a quantity and the field that has it, without the prefix that it shares with another.
type Amount struct{ Field, Value string }

// Ordered wants two quantities, high no less than low.
func (l *List) Ordered(prefix string, low, high Amount) {
	least, most := l.Quantity(prefix+low.Field, low.Value), l.Quantity(prefix+high.Field, high.Value)
	if least != nil && most != nil && most.Cmp(*least) < 0 {
		l.Add("%s%s is %s with %s %s, want no less", prefix, high.Field, high.Value, low.Field, low.Value)
	}
}

// Resources wants both requests, in which the scheduler and the autoscalers count, and a memory limit, for the sake of
// the node's other pods. A CPU limit may be left out: it throttles bursts.
func (l *List) Resources(prefix string, requests, limits quantity.Resources) {
	cpu, memory := Amount{"Requests.CPU", requests.CPU}, Amount{"Requests.Memory", requests.Memory}
	if limits.CPU == "" {
		l.Quantity(prefix+cpu.Field, cpu.Value)
	} else {
		l.Ordered(prefix, cpu, Amount{"Limits.CPU", limits.CPU})
	}
	l.Ordered(prefix, memory, Amount{"Limits.Memory", limits.Memory})
}

// Cron wants what Kubernetes takes: five fields or a descriptor, without a time zone in the text. That is looked for
// first: cron v3.0.1 panics on "TZ=" alone.
func (l *List) Cron(field, value string) {
	if !strings.Contains(value, "TZ") {
		if _, err := cron.ParseStandard(value); err == nil {
			return
		}
	}
	l.Add(`%s is %q, want five fields such as "30 2 * * *"`, field, value)
}
