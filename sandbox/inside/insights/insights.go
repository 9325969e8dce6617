// Package insights is Performance Insights: what the sessions of a database do, seen once a second.
//
// Owns: looking at sessions, keeping what was seen for a day, database load as average active sessions by its dimensions,
// GetResourceMetrics and DescribeDimensionKeys. Does not own: connections to databases (postgres), which of them have
// Performance Insights (the account), protocols (awsrpc).
package insights

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/sandbox/inside/awsapi"
	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/postgres"
)

// Config of New.
type Config struct {
	Account   awsapi.Account
	Databases func() []*postgres.Watch
	Log       *slog.Logger
}

// Service is Performance Insights.
type Service struct {
	cfg Config
	rpc *awsrpc.Service
	now func() time.Time

	mu    sync.Mutex // guards what follows
	loads map[string]*load
	said  map[string]bool // faults that were logged
}

// New returns a service that has seen nothing yet.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, now: time.Now, loads: map[string]*load{}, said: map[string]bool{}}
	s.rpc = &awsrpc.Service{Name: "pi", Shape: "PerformanceInsightsv20180227", Log: cfg.Log, Actions: map[string]awsrpc.Action{
		"GetResourceMetrics": s.getResourceMetrics, "DescribeDimensionKeys": s.describeDimensionKeys,
	}}
	return s
}

// RPC is the API.
func (s *Service) RPC() *awsrpc.Service { return s.rpc }

const (
	instanceToken = "aws:rds/instance:Instance"
	every         = time.Second
	// declarations are read anew after so many looks: whether a database is looked at changes with an update.
	declarations = 30
)

// Run looks at the sessions of every database that has Performance Insights, once a second, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	enabled := map[string]bool{}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case at := <-ticks.C:
			if n%declarations == 0 {
				enabled = s.enabled()
			}
			s.look(ctx, at, enabled)
		}
	}
}

// enabled are the identifiers of the databases that have Performance Insights.
func (s *Service) enabled() map[string]bool {
	out := map[string]bool{}
	all, err := s.cfg.Account.List(instanceToken)
	s.fault(err)
	for _, r := range all {
		if id, ok := r.State["identifier"].(string); ok && r.State["performanceInsightsEnabled"] == true {
			out[id] = true
		}
	}
	return out
}

// look takes one look at each database. One that does not answer has none.
func (s *Service) look(ctx context.Context, at time.Time, enabled map[string]bool) {
	for _, w := range s.cfg.Databases() {
		if !enabled[w.ID()] {
			continue
		}
		active, err := sessions(ctx, w)
		if err != nil {
			s.fault(err)
			continue
		}
		s.mu.Lock()
		if s.loads[w.ID()] == nil {
			s.loads[w.ID()] = newLoad()
		}
		s.loads[w.ID()].add(at, active)
		s.mu.Unlock()
	}
}

// fault logs an error once.
func (s *Service) fault(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.said[err.Error()] && len(s.said) < 1000 {
		s.said[err.Error()] = true
		s.cfg.Log.Warn("Performance Insights", "error", err)
	}
}

// mostStatement is how many bytes of a statement are kept, as by Performance Insights.
const mostStatement = 500

// sessionsSQL are the sessions at work but for RDS's own. A session that waits for nothing is at work on a processor.
const sessionsSQL = `SELECT coalesce(wait_event_type, ''), coalesce(wait_event, ''), left(query, $1), coalesce(usename, ''), coalesce(datname, ''),
 application_name, coalesce(host(client_addr), ''), backend_type
FROM pg_stat_activity WHERE state = 'active' AND backend_type IN ('client backend', 'parallel worker') AND usename <> 'rdsadmin'`

func sessions(ctx context.Context, w *postgres.Watch) (active []session, err error) {
	err = w.Ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sessionsSQL, mostStatement)
		if err != nil {
			return err
		}
		active, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (session, error) {
			var s session
			err := row.Scan(&s.waitType, &s.wait, &s.statement, &s.user, &s.database, &s.application, &s.host, &s.kind)
			return s, err
		})
		return err
	})
	return active, err
}
