package main

import (
	"context"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ragscale/ragscale/ragapi/postgres"
)

// positions say how far the databases were, and when.
type positions struct {
	primary, replica []sample
	crashes          []time.Time // when the replica ended: it may be older afterwards
	conn             *pgx.Conn   // to the replica; nil while there is none
}

// sample is a position in the log: of the primary, at the time or later; of the replica, at the time or before.
type sample struct {
	at  time.Time
	log int64
}

// look asks the databases where they are, and the primary what searches can find.
func (w *world) look() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	primary := sample{at: time.Now()}
	if err := w.primary.QueryRow(ctx, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&primary.log); err != nil {
		w.Error(err)
		return
	}
	rows, err := w.primary.Query(ctx, `SELECT title FROM documents WHERE status = 'ready'`)
	if err != nil {
		w.Error(err)
		return
	}
	titles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.Error(err)
		return
	}
	replica, there := w.lookAtReplica(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position.primary = append(w.position.primary, primary)
	if there {
		w.position.replica = append(w.position.replica, replica)
	}
	w.found(titles)
}

func (w *world) lookAtReplica(ctx context.Context) (s sample, there bool) {
	if w.position.conn == nil {
		settings, err := postgres.Settings(w.pair.Standby, "watch")
		if err != nil {
			w.Error(err)
			return s, false
		}
		if w.position.conn, err = pgx.ConnectConfig(ctx, settings.ConnConfig); err != nil {
			w.position.conn = nil
			return s, false
		}
	}
	err := w.position.conn.QueryRow(ctx, `SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint`).Scan(&s.log)
	if err != nil {
		_ = w.position.conn.Close(ctx) // it is of no use any more
		w.position.conn = nil
		return s, false
	}
	s.at = time.Now()
	return s, true
}

// heard reports whether the replica had, when something was asked and all the while, what the primary had at a time.
func (w *world) heard(known time.Time, asked interval) bool {
	primary, replica := w.position.primary, w.position.replica
	first := sort.Search(len(primary), func(i int) bool { return !primary[i].at.Before(known) })
	last := sort.Search(len(replica), func(i int) bool { return replica[i].at.After(asked.from) }) - 1
	if first == len(primary) || last < 0 {
		return false
	}
	for _, crash := range w.position.crashes {
		if crash.After(replica[last].at) && crash.Before(asked.to) {
			return false
		}
	}
	return replica[last].log >= primary[first].log
}
