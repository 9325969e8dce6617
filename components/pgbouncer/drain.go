package pgbouncer

import "fmt"

// drain is how a pod leaves without losing a query. All in seconds.
//
// When a pod is deleted, its preStop hook sleeps while new connections still arrive, until the Service's endpoints have
// lost it everywhere. Then comes SIGTERM: from 1.23 on PgBouncer then accepts no more connections and ends when its
// last client has left. A second signal or the end of the grace period cuts off those that are left.
// Source: https://www.pgbouncer.org/usage.html#signals ; read 2026-11-24.
type drain struct{ preStop, grace int }

const (
	// longestPreStop is more than endpoints take to spread: seconds, by experience; no page states a bound.
	longestPreStop = 5
	// killMargin is for PgBouncer to exit after its last client has left.
	killMargin = 2
)

func planDrain(seconds int) drain {
	preStop := min(max(seconds/2, 1), longestPreStop)
	return drain{preStop: preStop, grace: preStop + seconds + killMargin}
}

// slowStart is how long a pod may take until it is ready, in seconds: a node may have to start first.
const slowStart = 240

// patience is how long a roll-out of all replicas may take: one pod starts and one drains at a time.
func (d *declaration) patience() string {
	return fmt.Sprintf("%ds", (d.args.HPA.Max+1)*(d.args.DrainSeconds+slowStart))
}
