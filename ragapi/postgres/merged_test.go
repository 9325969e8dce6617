package postgres_test

import (
	"context"
	"testing"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

func TestWhatTwoStatementsHaveSeenIsASnapshotThatPostgreSQLTakes(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	for _, pair := range [][2]string{{"842:842:", "842:843:842"}, {"840:845:841,843", "842:843:842"}, {"842:843:842", "842:842:"}, {"10:10:", "20:30:25"}} {
		ctx, dated := postgres.Date(context.Background())
		for _, text := range pair {
			s, err := postgres.ParseSnapshot(text, false)
			if err != nil {
				t.Fatal(err)
			}
			postgres.Seen(ctx, s)
		}
		both := dated.Snapshot().String()
		var taken string
		if err := pool.QueryRow(t.Context(), `SELECT $1::text::pg_snapshot::text`, both).Scan(&taken); err != nil || taken != both {
			t.Errorf("%v: %s is taken for %q (%v)", pair, both, taken, err)
		}
	}
}
