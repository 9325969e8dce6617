package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/schema"
)

// process is what every command works with.
type process struct {
	cfg     config.Config
	log     *slog.Logger
	out     io.Writer // the result of a command that has one
	metrics *metrics.Metrics
	soft    context.Context // ends with the first signal: stop taking work
	hard    context.Context // ends with the second: drop the work in hand
}

// errStopped means that a signal ended the command before it began to work.
var errStopped = errors.New("stopped by a signal")

// migrationRetry is the pause before a database that does not answer is tried again.
const migrationRetry = 2 * time.Second

// signals returns a context that the first SIGTERM or SIGINT ends, and one that the second ends. As the first process
// of a container, no signal has an effect unless it is asked for.
func signals(ctx context.Context, log *slog.Logger) (soft, hard context.Context, stop func()) {
	soft, drain := context.WithCancel(ctx)
	hard, quit := context.WithCancel(ctx)
	received := make(chan os.Signal, 2)
	signal.Notify(received, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for _, cancel := range []func(){drain, quit} {
			select {
			case s := <-received:
				log.Info("signal", "signal", s.String())
				cancel()
			case <-hard.Done():
				return
			}
		}
	}()
	return soft, hard, func() { signal.Stop(received); drain(); quit() }
}

// migrate brings the schema up, and makes the days of the query log that the daily upkeep would make later.
func migrate(p *process) error {
	db := p.cfg.Direct
	db.StatementTimeout = config.NoTimeout // building an index takes as long as it takes
	db.PoolSize = 2                        // one connection holds the lock
	pool, err := postgres.Open(p.soft, db, "ragapi migrate "+p.cfg.PodName)
	if err != nil {
		return err
	}
	defer pool.Close()
	for {
		err := schema.Migrate(p.soft, pool, p.log)
		switch {
		case err == nil:
			p.log.Info("schema is as wanted")
			p.makeDays(pool)
			return nil
		case p.soft.Err() != nil:
			return errStopped
		case !postgres.Unavailable(err):
			return err
		}
		p.log.Warn("the database does not answer yet", "error", err.Error())
		select {
		case <-p.soft.Done():
			return errStopped
		case <-time.After(migrationRetry):
		}
	}
}

// daysWithin is how long a start waits for the query log's days: whoever reads the log holds them up.
const daysWithin = 10 * time.Second

// makeDays goes on without them: the default partition takes the rows meanwhile, and the daily upkeep moves them.
func (p *process) makeDays(pool *pgxpool.Pool) {
	ctx, cancel := context.WithTimeout(p.soft, daysWithin)
	defer cancel()
	done, err := querylog.MakeDays(ctx, pool, time.Now())
	if err != nil {
		p.log.Warn("the query log's days are left to the daily upkeep", "error", err.Error())
	}
	p.log.Info("query log", "created", done.Created, "moved", done.Moved)
}
