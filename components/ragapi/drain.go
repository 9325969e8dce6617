package ragapi

// drain is how a pod leaves without losing a request. All in seconds.
//
// When a pod is deleted, three things happen at once: its preStop hook sleeps, endpoints lose it, and the controller
// deregisters it from the target group. After the sleep it gets SIGTERM, and finishes what it has. The load balancer
// waits deregistration seconds for the same requests, counted from a moment within the sleep: being shorter than the
// drain, it is done before the pod is.
type drain struct {
	// preStop covers the time in which new requests may still arrive.
	preStop int
	// timeout is what the process has after SIGTERM (DRAIN_TIMEOUT).
	timeout int
	// deregistration is the target group's deregistration delay.
	deregistration int
	// grace is when Kubernetes kills.
	grace int
}

const (
	// longestPreStop is more than deregistration takes to spread: seconds, by experience; no page states a bound. To
	// settle: count the load balancer's 502 and 504 during a rolling update.
	longestPreStop = 15
	// killMargin is for a process to close its pool and exit after its drain.
	killMargin = 5
)

// planDrain derives the pod's end from the time that in-flight requests get.
func planDrain(seconds int) drain {
	preStop := min(max(seconds/2, 1), longestPreStop)
	return drain{
		preStop:        preStop,
		timeout:        seconds,
		deregistration: seconds - 1,
		grace:          preStop + seconds + killMargin,
	}
}
