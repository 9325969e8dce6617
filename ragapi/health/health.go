// Package health keeps an eye on the databases, so that a probe costs them nothing.
//
// Owns: when they are looked at, what was seen last, and what of it makes a process ready. Does not own: the answer to the
// probe, what is read where.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/schema"
)

const (
	period = time.Second
	// within is how long one look may take. One that took longer says little of the database if the process is short of CPU or
	// all of PgBouncer's connections are in use; some in a row do, if nobody else got an answer meanwhile.
	within   = time.Second
	patience = 3
)

// Watch looks at databases every second, each through a connection of its own: a pool in full use is no fault of theirs.
type Watch struct {
	databases []*database
	log       *slog.Logger
	serves    chan struct{} // closed once any of them serves
	once      sync.Once
	ended     sync.WaitGroup
}

// Database is one that is looked at.
type Database struct {
	config.Database
	Seen     func(here bool) // told after every look but silent ones; may be nil
	Silent   func()          // told after a look that had no answer in time, nor had anybody else; may be nil
	Answered func() int64    // statements that others had answered so far; nil where nobody counts
}

// database is what is known of one.
type database struct {
	Database
	name     string
	settings *pgx.ConnConfig
	now      chan struct{} // a look is wanted
	conn     *pgx.Conn
	fits     bool // its schema was once seen to serve this build, and migrations only add
	slow     int  // looks in a row that took too long
	answered int64
	fault    atomic.Pointer[fault]
}

// fault is what is wrong with a database, for anybody. One that is away may be done without.
type fault struct {
	text string
	away bool
}

// New returns a watch of the primary and, where there is one, the replica; application is shown in pg_stat_activity.
func New(primary Database, replica *Database, application string, log *slog.Logger) (*Watch, error) {
	w := &Watch{log: log, serves: make(chan struct{})}
	if err := w.add("primary", primary, application); err != nil || replica == nil {
		return w, err
	}
	return w, w.add("replica", *replica, application)
}

func (w *Watch) add(name string, db Database, application string) error {
	db.ExecMode, db.LongestWait = pgx.QueryExecModeExec, 0 // nothing is prepared for a look, and no pool waits
	settings, err := postgres.Settings(db.Database, application)
	if err != nil {
		return err
	}
	d := &database{Database: db, name: name, settings: settings.ConnConfig, now: make(chan struct{}, 1)}
	d.fault.Store(&fault{text: "was not looked at yet"})
	w.databases = append(w.databases, d)
	return nil
}

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for _, d := range w.databases {
		w.ended.Go(func() { w.follow(ctx, d) })
	}
	w.ended.Wait()
}

// Look asks for a look now.
func (w *Watch) Look() {
	for _, d := range w.databases {
		select {
		case d.now <- struct{}{}:
		default:
		}
	}
}

// Serves is closed once Check was nil.
func (w *Watch) Serves() <-chan struct{} { return w.serves }

// Check returns nil while the primary serves, or the replica does and the primary is away; else what is missing, in words for
// anybody. A primary that is here but has not the schema yet is waited for. Check asks no database.
func (w *Watch) Check(context.Context) error {
	var faults []string
	for _, d := range w.databases {
		f := d.fault.Load()
		if f == nil {
			return nil
		}
		faults = append(faults, "the "+d.name+" "+f.text)
		if !f.away {
			break
		}
	}
	return errors.New(strings.Join(faults, "; "))
}

func (w *Watch) follow(ctx context.Context, d *database) {
	defer d.drop()
	for {
		began := time.Now()
		w.note(ctx, d, d.look(ctx))
		select {
		case <-ctx.Done():
			return
		case <-d.now:
		case <-time.After(rest(time.Since(began))):
		}
	}
}

// note keeps what was seen, and logs what has changed.
func (w *Watch) note(ctx context.Context, d *database, err error) {
	was := d.fault.Load()
	switch {
	case ctx.Err() != nil:
		return
	case err == nil:
		if was != nil {
			w.log.Info("database serves", "database", d.name)
		}
		d.slow = 0
		d.fault.Store(nil)
	case d.tolerable(err):
		return
	default:
		now := describe(err)
		switch {
		case was == nil:
			w.log.Warn("database does not serve any more", "database", d.name, "error", err.Error())
		case *was != now:
			w.log.Info("database does not serve yet", "database", d.name, "error", err.Error())
		}
		d.fault.Store(&now)
	}
	if w.Check(ctx) == nil {
		w.once.Do(func() { close(w.serves) })
	}
	if d.Seen != nil {
		d.Seen(err == nil)
	}
}

// tolerable counts the looks in a row that took too long while nobody else had an answer, and tells of the first ones.
func (d *database) tolerable(err error) bool {
	if !errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	d.slow++
	if d.Answered != nil {
		if n := d.Answered(); n != d.answered {
			d.answered, d.slow = n, 0
		}
	}
	if d.slow > 0 && d.slow < patience && d.Silent != nil {
		d.Silent()
	}
	return d.slow < patience
}

// rest is how long after a look the next one is: a period from its beginning, so that three that have no answer take three.
func rest(took time.Duration) time.Duration { return max(0, jittered(period)-took) }

// look returns nil if the database answers and its schema serves.
func (d *database) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer func() {
		if err != nil {
			d.drop()
		}
	}()
	if d.conn == nil {
		if d.conn, err = pgx.ConnectConfig(ctx, d.settings); err != nil {
			return err
		}
	}
	if d.fits {
		return d.conn.Ping(ctx)
	}
	if err := schema.Check(ctx, d.conn); err != nil {
		return err
	}
	d.fits = true
	return nil
}

func (d *database) drop() {
	if d.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_ = d.conn.Close(ctx) // it is of no use any more
	d.conn = nil
}

// describe tells anybody what is wrong; the log has the rest.
func describe(err error) fault {
	var old *schema.OldError
	if errors.As(err, &old) {
		return fault{text: fmt.Sprintf("has not the schema of this build: %v", old)}
	}
	return fault{text: "does not answer", away: true}
}

// jittered keeps the processes from looking at the same time.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + 0.5*rand.Float64()))
}
