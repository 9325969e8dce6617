package observability

import "github.com/ragscale/ragscale/components/observability/rules"

// Constants are the limits of alarms and rules that no objective implies.
func Constants() []rules.Constant {
	return append(rules.Constants(),
		rules.Constant{Name: "leastHealthy", Value: leastHealthy, Reason: "below one is none",
			Watches: []string{"api-no-targets"}},
		rules.Constant{Name: "mostFailed", Value: mostFailed, Reason: "any at all is wrong",
			Watches: []string{"node-failed"}},
	)
}
