package change_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// told remembers what a log tells.
type told struct{ changes []change.Change }

func (l *told) Changed(_ context.Context, changes ...change.Change) {
	l.changes = append(l.changes, changes...)
}

func open(t *testing.T) (*change.Log, *told, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	listener := &told{}
	return change.NewLog(pool, listener), listener, pool
}

// write changes subject in a transaction that is committed, or not.
func write(t *testing.T, log *change.Log, tx pgx.Tx, subject string) []change.Change {
	t.Helper()
	changes, err := log.Tx(t.Context(), tx, subject, change.DocumentDeleted)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func since(t *testing.T, log *change.Log, seen postgres.Snapshot) (subjects []string, now postgres.Snapshot) {
	t.Helper()
	news, err := log.Since(t.Context(), seen)
	if err != nil || !news.All || news.At.IsZero() {
		t.Fatalf("%+v (%v)", news, err)
	}
	for _, c := range news.Changes {
		subjects = append(subjects, c.Subject)
	}
	slices.Sort(subjects)
	return subjects, news.Seen
}

func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestEveryChangeIsNewsOnceHoweverTransactionsOverlap(t *testing.T) {
	log, _, pool := open(t)
	long, short := begin(t, pool), begin(t, pool)
	write(t, log, long, "long")
	write(t, log, short, "short")
	commit(t, short)
	subjects, seen := since(t, log, postgres.Snapshot{})
	if !slices.Equal(subjects, []string{"short"}) {
		t.Errorf("first news %v, want the one that is committed", subjects)
	}
	commit(t, long) // an older transaction than the one that was seen
	if subjects, seen = since(t, log, seen); !slices.Equal(subjects, []string{"long"}) {
		t.Errorf("later news %v, want the one that was committed since", subjects)
	}
	if subjects, _ = since(t, log, seen); subjects != nil {
		t.Errorf("no news are %v", subjects)
	}
	undone := begin(t, pool)
	write(t, log, undone, "undone")
	if err := undone.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if subjects, _ = since(t, log, seen); subjects != nil {
		t.Errorf("what was rolled back is news: %v", subjects)
	}
}

func TestWhatIsCommittedIsToldAndSeenByLaterReads(t *testing.T) {
	log, listener, pool := open(t)
	tx := begin(t, pool)
	changes := write(t, log, tx, "x")
	_, before := since(t, log, postgres.Snapshot{})
	commit(t, tx)
	log.Committed(t.Context(), changes)
	_, after := since(t, log, postgres.Snapshot{})
	if len(listener.changes) != 1 || listener.changes[0] != changes[0] {
		t.Fatalf("told %+v, want %+v", listener.changes, changes)
	}
	by := changes[0].Transaction
	if before.Sees(by) || !after.Sees(by) {
		t.Errorf("transaction %d is seen %t before it is committed, %t afterwards", by, before.Sees(by), after.Sees(by))
	}
	mark, err := log.Mark(t.Context())
	if err != nil || after.Sees(mark) {
		t.Errorf("a mark (%v) is seen by what was read before it", err)
	}
	if _, now := since(t, log, postgres.Snapshot{}); !now.Sees(mark) {
		t.Error("a mark is not seen by what was read since")
	}
}

func TestWhereNobodyKeepsCopiesNothingIsWritten(t *testing.T) {
	_, _, pool := open(t)
	var none *change.Log
	tx := begin(t, pool)
	if changes := write(t, none, tx, "x"); changes != nil {
		t.Errorf("changes %v", changes)
	}
	commit(t, tx)
	none.Committed(t.Context(), nil)
	var rows int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM changes`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows (%v)", rows, err)
	}
}

func TestOldChangesAreForgottenHoweverManyThereAre(t *testing.T) {
	log, _, pool := open(t)
	for _, subject := range []string{"old", "new"} {
		tx := begin(t, pool)
		write(t, log, tx, subject)
		commit(t, tx)
	}
	for _, sql := range []string{
		`UPDATE changes SET at = now() - 2 * $1::interval WHERE subject = 'old'`,
		`INSERT INTO changes (what, subject, at) SELECT 'document-added', 'old', now() - 2 * $1::interval FROM generate_series(1, 25000)`,
	} {
		if _, err := pool.Exec(t.Context(), sql, change.Retention); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if subjects, _ := since(t, log, postgres.Snapshot{}); !slices.Equal(subjects, []string{"new"}) {
		t.Errorf("%d are left, the first %q, want the new one", len(subjects), subjects[:min(1, len(subjects))])
	}
}
