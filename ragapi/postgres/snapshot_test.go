package postgres_test

import (
	"testing"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

func TestALookHasSeenWhatIsCommittedAndNotWhatComesLater(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	reader := postgres.NewReader(pool, nil, nil)
	number := func() (n uint64) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `SELECT pg_current_xact_id()::text::bigint`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	look := func() postgres.Snapshot {
		t.Helper()
		ctx, dated := postgres.Date(t.Context())
		if err := reader.Look(ctx); err != nil {
			t.Fatal(err)
		}
		return dated.Snapshot()
	}
	long, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var began uint64
	if err := long.QueryRow(t.Context(), `SELECT pg_current_xact_id()::text::bigint`).Scan(&began); err != nil {
		t.Fatal(err)
	}
	short := number()
	during := look()
	if err := long.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := number()
	if during.Sees(began) || !during.Sees(short) || during.SeesUpTo(short) || during.Sees(later) {
		t.Errorf("%s: sees %t %t %t, up to the second %t, want only the second and not all before it", during, during.Sees(began), during.Sees(short), during.Sees(later), during.SeesUpTo(short))
	}
	if after := look(); !after.SeesUpTo(later) {
		t.Errorf("%s: does not see up to %d, which is committed", after, later)
	}
}
