package postgres

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ragscale/ragscale/sandbox/control"
)

// watchLimit bounds one look at a database.
const watchLimit = 5 * time.Second

// Watch is a look at a database that is taken again and again, over one kept connection as RDS's own user.
type Watch struct {
	i *instance

	mu   sync.Mutex // held while it is asked
	conn *pgx.Conn
}

// Watches are those of the databases that run, by id.
func (s *Server) Watches() []*Watch {
	var out []*Watch
	for _, i := range s.list() {
		if proc := i.life.Running(); proc != nil && !proc.Ended() {
			out = append(out, &i.watch)
		}
	}
	return out
}

// ID is the database's identifier.
func (w *Watch) ID() string { return w.i.id }

// Spec is what is declared of it.
func (w *Watch) Spec() control.Database { return w.i.declared() }

// Folder holds everything that it stores.
func (w *Watch) Folder() string { return filepath.Join(w.i.dir, "data") }

// PID is that of its first process; 0 if none runs.
func (w *Watch) PID() int {
	if proc := w.i.life.Running(); proc != nil && !proc.Ended() {
		return proc.PID()
	}
	return 0
}

// Ask has f ask the database. A connection that breaks is made anew the next time.
func (w *Watch) Ask(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, watchLimit)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		conn, err := w.i.admin(ctx)
		if err != nil {
			return fmt.Errorf("database %s: %w", w.i.id, err)
		}
		w.conn = conn
	}
	err := f(ctx, w.conn)
	var said *pgconn.PgError
	if err == nil || errors.As(err, &said) && !w.conn.IsClosed() {
		return err
	}
	err = errors.Join(fmt.Errorf("database %s: %w", w.i.id, err), w.conn.Close(ctx))
	w.conn = nil
	return err
}
