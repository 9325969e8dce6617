package servicenet

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// GroupStats are a target group's counters since it was declared, in CloudWatch's sense of the words.
type GroupStats struct {
	Requests uint64            // that reached a listener of the group
	Targets  map[string]int    // state (initial, healthy, unhealthy, draining) -> targets
	Target   map[string]uint64 // answers of targets by class: "2xx" to "5xx"
	ELB      map[string]uint64 // answers of the load balancer itself by status: "502", "503", "504"
	Latency  Histogram         // TargetResponseTime: from sending the request to the answer's headers
	// Connections are those that are open now: of clients, to listeners that forward to the group, and to its targets.
	// One that was taken over by another protocol is its target's alone.
	Connections int
	Unreached   uint64 // connections to targets that could not be made; health checks do not count
}

// Histogram counts durations. Counts[i] are those of at most Bounds[i] seconds and more than the bound before; the
// last of Counts, which has no bound, are the longer ones.
type Histogram struct {
	Bounds []float64
	Counts []uint64
	Sum    float64 // seconds
}

// latencyBounds go up by 5 % from 100 µs to a minute, after which a load balancer gives up: as fine as percentiles are told.
var latencyBounds = func() (out []float64) {
	for b := 0.0001; b < 60; b *= 1.05 {
		out = append(out, b)
	}
	return out
}()

// latencyBuckets is one more than there are bounds.
const latencyBuckets = 274

// TargetHealth is a target and what its health checks say: initial, healthy, unhealthy or draining.
type TargetHealth struct {
	Addr  netip.AddrPort
	State string
}

// targets lists the group's targets by address, those that are draining too.
func (g *group) targets() []TargetHealth {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []TargetHealth
	for addr, m := range g.members {
		out = append(out, TargetHealth{addr, string(m.health.state)})
	}
	for m := range g.draining {
		out = append(out, TargetHealth{m.target.addr, string(draining)})
	}
	slices.SortFunc(out, func(a, b TargetHealth) int { return a.Addr.Compare(b.Addr) })
	return out
}

type counters struct {
	requests atomic.Uint64
	classes  [6]atomic.Uint64 // by the status' first digit
	refused  [3]atomic.Uint64 // 502, 503, 504
	buckets  [latencyBuckets]atomic.Uint64
	nanos    atomic.Int64

	unreached atomic.Uint64
}

func (c *counters) answered(status int, took time.Duration) {
	c.classes[min(max(status/100, 0), 5)].Add(1)
	i, _ := slices.BinarySearch(latencyBounds, took.Seconds())
	c.buckets[i].Add(1)
	c.nanos.Add(int64(took))
}

// refuse answers in the load balancer's own name; status is 502, 503 or 504.
func (c *counters) refuse(w http.ResponseWriter, status int) {
	c.refused[status-http.StatusBadGateway].Add(1)
	w.Header().Set("Server", "awselb/2.0")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	title := refusals[status-http.StatusBadGateway]
	fmt.Fprintf(w, "<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n</body>\r\n</html>\r\n", title) //nolint:errcheck // the client is gone
}

var refusals = [3]string{"502 Bad Gateway", "503 Service Temporarily Unavailable", "504 Gateway Time-out"}

func (c *counters) read() GroupStats {
	s := GroupStats{
		Requests: c.requests.Load(), Targets: map[string]int{}, Target: map[string]uint64{}, ELB: map[string]uint64{},
		Latency:   Histogram{Bounds: latencyBounds, Sum: time.Duration(c.nanos.Load()).Seconds()},
		Unreached: c.unreached.Load(),
	}
	for i := 2; i <= 5; i++ {
		s.Target[fmt.Sprintf("%dxx", i)] = c.classes[i].Load()
	}
	for i := range c.refused {
		s.ELB[fmt.Sprint(http.StatusBadGateway+i)] = c.refused[i].Load()
	}
	for i := range c.buckets {
		s.Latency.Counts = append(s.Latency.Counts, c.buckets[i].Load())
	}
	return s
}
