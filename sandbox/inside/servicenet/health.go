package servicenet

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthState is a target's state, in the words of Elastic Load Balancing.
type healthState string

const (
	initial   healthState = "initial"
	healthy   healthState = "healthy"
	unhealthy healthState = "unhealthy"
	draining  healthState = "draining"
)

// health counts the results of checks in a row.
type health struct {
	state         healthState
	passes, fails int
}

// observe notes a check's result and says whether it changed the state. A new target is healthy after its first passed
// check; later it takes as many in a row as the thresholds say.
func (h *health) observe(passed bool, healthyThreshold, unhealthyThreshold int) (changed bool) {
	before := h.state
	if passed {
		h.passes, h.fails = h.passes+1, 0
		if h.state == initial || h.passes >= healthyThreshold {
			h.state = healthy
		}
	} else {
		h.passes, h.fails = 0, h.fails+1
		if h.fails >= unhealthyThreshold {
			h.state = unhealthy
		}
	}
	return h.state != before
}

// check probes the target now and then in each interval, until its checks are stopped.
func (m *member) check(probe func(context.Context) error) {
	for {
		spec := m.group.spec.Load()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(m.checks, spec.HealthTimeout)
		err := probe(ctx)
		cancel()
		if m.checks.Err() != nil {
			return
		}
		m.group.observe(m, err)
		select {
		case <-m.checks.Done():
			return
		case <-time.After(spec.HealthInterval - time.Since(begin)):
		}
	}
}

// probe is one health check: a GET of the health path, on a connection of its own, that answers 200.
func (m *member) probe(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.host+m.group.spec.Load().HealthPath, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	req.Close = true
	res, err := probeTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d, want 200", m.group.spec.Load().HealthPath, res.StatusCode)
	}
	return nil
}

var probeTransport = &http.Transport{DisableKeepAlives: true, DisableCompression: true}
