// Package collect measures what runs in the sandbox, for CloudWatch: load balancers, databases, caches, nodes.
//
// Owns: where each metric's figures come from, and when one is not known and so is not published. Does not own: the
// engines' own counters, how metrics are kept (metrics), when they are published (cloudwatch).
package collect

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/cloudwatch/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/usage"
	"github.com/ragscale/ragscale/sandbox/inside/postgres"
	"github.com/ragscale/ragscale/sandbox/inside/redis"
	"github.com/ragscale/ragscale/sandbox/inside/servicenet"
)

// every is the time between two measurements of what changes quickly; a minute has a whole number of them.
const every = 10 * time.Second

// Config of New. What is nil is not measured.
type Config struct {
	Account   awsapi.Account
	Store     *metrics.Store
	Groups    func() map[string]servicenet.GroupStats // by the target group's ARN
	Forwards  func() map[string]string                // load balancers by target groups, by ARN
	Databases func() []*postgres.Watch
	Caches    func(context.Context) ([]redis.Info, []error)
	// Cluster is the name of the EKS cluster, "" for none, and what its nodes use.
	Cluster func(*usage.Table) (string, []nodeagent.NodeUsage)
	// Nodes are how many it has, and how many of them do not work.
	Nodes func(context.Context) (count, failed int, err error)
	Log   *slog.Logger
}

// Collector measures.
type Collector struct {
	cfg   Config
	last  map[string]reading
	said  map[string]bool // faults that were logged
	owned map[string]awsapi.Resource
}

// reading is a counter at a time.
type reading struct {
	at    time.Time
	value float64
}

// New returns a collector that has measured nothing yet.
func New(cfg Config) *Collector {
	return &Collector{cfg: cfg, last: map[string]reading{}, said: map[string]bool{}}
}

// Run measures until ctx ends.
func (c *Collector) Run(ctx context.Context) {
	for {
		next := time.Now().Truncate(every).Add(every)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		// What was counted until a minute's end is that minute's.
		c.Measure(ctx, next.Add(-time.Second))
	}
}

// Measure takes one measurement, for a time. What a stack does not have has none.
func (c *Collector) Measure(ctx context.Context, at time.Time) {
	table, err := usage.Read("/proc")
	faults := []error{err}
	faults = append(faults, c.look()...)
	if err == nil && len(c.owned) > 0 {
		m := measurement{c, ctx, at, table}
		faults = append(faults, m.balancers()...)
		faults = append(faults, m.databases()...)
		faults = append(faults, m.caches()...)
		faults = append(faults, m.nodes()...)
	}
	for _, err := range faults {
		if err != nil && !errors.Is(err, context.Canceled) && !c.said[err.Error()] && len(c.said) < 1000 {
			c.said[err.Error()] = true // once
			c.cfg.Log.Warn("measuring for CloudWatch", "error", err)
		}
	}
}

// owners are the resources that metrics are of, by their types; what names one in its metrics.
var owners = map[string]func(awsapi.Resource) any{
	"aws:lb/targetGroup:TargetGroup":                    func(r awsapi.Resource) any { return r.State["arn"] },
	"aws:rds/instance:Instance":                         func(r awsapi.Resource) any { return r.State["identifier"] },
	"aws:elasticache/replicationGroup:ReplicationGroup": func(r awsapi.Resource) any { return r.State["replicationGroupId"] },
	"aws:eks/cluster:Cluster":                           func(r awsapi.Resource) any { return r.State["name"] },
	"aws:eks/addon:Addon":                               func(r awsapi.Resource) any { return r.State["addonName"] },
}

// look finds the resources that metrics are of.
func (c *Collector) look() (faults []error) {
	c.owned = map[string]awsapi.Resource{}
	for token, name := range owners {
		all, err := c.cfg.Account.List(token)
		faults = append(faults, err)
		for _, r := range all {
			if n, ok := name(r).(string); ok && r.Ready {
				c.owned[token+"/"+n] = r
			}
		}
	}
	return faults
}

func (c *Collector) owner(token, name string) (awsapi.Resource, bool) {
	r, ok := c.owned[token+"/"+name]
	return r, ok
}

// measurement is one, at a time.
type measurement struct {
	*Collector
	ctx   context.Context
	at    time.Time
	table *usage.Table
}

// since is how much a counter has grown since it was read before, and in what time. One that began anew counts from 0; one
// that is seen for the first time has not grown.
func (m measurement) since(key string, value float64) (grown float64, in time.Duration, ok bool) {
	before, known := m.last[key]
	m.last[key] = reading{m.at, value}
	if !known || !m.at.After(before.at) {
		return 0, 0, false
	}
	if value < before.value {
		return value, m.at.Sub(before.at), true
	}
	return value - before.value, m.at.Sub(before.at), true
}

// firstOfMinute says whether it is the measurement for what changes slowly or costs more.
func (m measurement) firstOfMinute() bool { return m.at.Second() < int(every.Seconds()) }

// subject is what metrics are of.
type subject struct {
	m                 measurement
	region, namespace string
	dimensions        [][]string // each set that they are published with
	faults            *[]error
}

// put publishes a value.
func (s subject) put(name string, value float64) { s.many(name, value, 1) }

func (s subject) many(name string, value float64, count int) {
	for _, pairs := range s.dimensions {
		id := metrics.Of(s.region, s.namespace, name, pairs...)
		if _, published := metrics.UnitOf(id); !published && len(s.dimensions) > 1 {
			continue // with some of the sets alone
		}
		*s.faults = append(*s.faults, s.m.cfg.Store.Observe(id, s.m.at, value, count))
	}
}
