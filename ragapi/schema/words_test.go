package schema

import (
	"io/fs"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/ragscale/ragscale/ragapi/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// upTo brings a database to a version of the tables.
func upTo(t *testing.T, pool *pgxpool.Pool, version int64) {
	t.Helper()
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, stdlib.OpenDBFromPool(pool), migrations, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	if err := provider.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestChunksAreReadInAnotherWayWithoutBeingWrittenAnew(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	upTo(t, pool, 13)
	// As the release before stores one, and finds it.
	store := func() {
		t.Helper()
		if _, err := pool.Exec(t.Context(), `INSERT INTO chunks (document_id, position, heading, content) VALUES ($1, 0, 'Lamps', 'Ann@mail.example trims the lamp')`, uuid.New()); err != nil {
			t.Fatal(err)
		}
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM chunks WHERE tsv @@ to_tsquery('english', $1)`, query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	file := func() (node uint32) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `SELECT relfilenode FROM pg_class WHERE oid = 'chunks'::regclass`).Scan(&node); err != nil {
			t.Fatal(err)
		}
		return node
	}
	store()
	before := file()
	upTo(t, pool, 14)
	if file() != before {
		t.Error("the table was written anew, and nobody could read it meanwhile")
	}
	store()
	for query, want := range map[string]int{"lamp:A": 2, "trim": 2, "mail": 1, "'ann@mail.example'": 1} {
		if n := count(query); n != want {
			t.Errorf("%s: %d chunks, want %d", query, n, want)
		}
	}
	var reading int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM chunk_rereading`).Scan(&reading); err != nil || reading != 1 {
		t.Errorf("%d rows (%v) say that there is something to read anew, want 1", reading, err)
	}
}

func TestChunksAreReadAnewWhereWordsAreFoldedOtherwise(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	upTo(t, pool, 15)
	if _, err := pool.Exec(t.Context(), `INSERT INTO chunks (document_id, position, heading, content) VALUES ($1, 0, 'a', 'ασσος')`, uuid.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO chunk_rereading VALUES ($1, 7)`, uuid.Max); err != nil { // is at the last one
		t.Fatal(err)
	}
	upTo(t, pool, 16)
	var from uuid.UUID
	if err := pool.QueryRow(t.Context(), `SELECT document_id FROM chunk_rereading`).Scan(&from); err != nil || from != uuid.Nil {
		t.Errorf("read anew from %v on (%v), want from the first", from, err)
	}
	var same bool
	if err := pool.QueryRow(t.Context(), `SELECT chunk_vector('', 'ασσος') = chunk_vector('', 'ΑΣΣΟΣ')`).Scan(&same); err != nil || !same {
		t.Errorf("the same word in capitals is the same: %v (%v)", same, err)
	}
}

func TestAMigrationThatWasCutShortIsRepeated(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	upTo(t, pool, 14)
	if _, err := pool.Exec(t.Context(), `DELETE FROM `+versionTable+` WHERE version_id = 14`); err != nil {
		t.Fatal(err)
	}
	upTo(t, pool, 14)
}
