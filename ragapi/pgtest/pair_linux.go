package pgtest

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/config"
)

// Pair is a PostgreSQL of the test's own and a hot standby that streams from it.
type Pair struct {
	Primary config.Database // an empty one
	Standby config.Database // the same on the standby
	standby *cluster
}

// StartPair runs both until the end of the test. Without the programs it skips the test and says what to install.
func StartPair(tb testing.TB) *Pair {
	tb.Helper()
	primary, remove, err := start()
	if err != nil {
		tb.Skipf("no PostgreSQL to test with: %v; install postgresql, or set %s to the folder of its programs", err, EnvPrograms)
	}
	tb.Cleanup(func() { check(tb, remove()) })
	const name = "ragapi"
	statement(tb, settings(tb, primary, "postgres"), `CREATE DATABASE `+name)
	standby, err := newCluster()
	check(tb, err)
	tb.Cleanup(func() { check(tb, standby.remove()) })
	check(tb, standby.program("pg_basebackup", "-D", standby.data(), "-d", primary.String(), "-R", "-C", "-S", "standby", "-X", "stream", "-c", "fast", "--no-sync"))
	check(tb, standby.launch())
	return &Pair{Primary: settings(tb, primary, name), Standby: settings(tb, standby.address(), name), standby: standby}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Delay makes the standby show what the primary commits so much later.
func (p *Pair) Delay(tb testing.TB, by time.Duration) {
	tb.Helper()
	p.tell(tb, `ALTER SYSTEM SET recovery_min_apply_delay = `+strconv.FormatInt(by.Milliseconds(), 10), `SELECT pg_reload_conf()`)
}

// Pause makes the standby stay as it is, until Resume.
func (p *Pair) Pause(tb testing.TB) {
	tb.Helper()
	p.tell(tb, `SELECT pg_wal_replay_pause()`)
}

// Resume makes the standby go on.
func (p *Pair) Resume(tb testing.TB) {
	tb.Helper()
	p.tell(tb, `SELECT pg_wal_replay_resume()`)
}

// Crash ends the standby at once, as a lost node would.
func (p *Pair) Crash(tb testing.TB) {
	tb.Helper()
	check(tb, p.standby.end(syscall.SIGQUIT))
}

// Restart runs it again, with what it had. It may be older than it was.
func (p *Pair) Restart(tb testing.TB) {
	tb.Helper()
	if err := p.standby.launch(); err != nil {
		tb.Fatalf("%v; see %s", err, filepath.Join(p.standby.dir, "log"))
	}
}

// tell runs statements on the standby, each in a transaction of its own.
func (p *Pair) tell(tb testing.TB, statements ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.standby.address().String())
	check(tb, err)
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			check(tb, fmt.Errorf("%s: %w", sql, err))
		}
	}
}
