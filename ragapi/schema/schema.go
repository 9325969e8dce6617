// Package schema brings the database to the schema that this build wants, and tells whether it is there.
//
// Owns: the migrations (additive, forward only), the lock that keeps processes from migrating at once, the wanted
// version. Does not own: queries on the tables.
package schema

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var files embed.FS

const versionTable = "schema_version"

// Version is the state of the database's schema: of the API's own tables and of the job queue's.
type Version struct {
	Tables int64
	Queue  int64
}

// atLeast reports whether v serves a build that wants w. A newer schema does: migrations only add.
func (v Version) atLeast(w Version) bool { return v.Tables >= w.Tables && v.Queue >= w.Queue }

// Querier is what reading the version needs: a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Wanted is the version that this build needs.
func Wanted() (Version, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return Version{}, fmt.Errorf("embedded migrations: %w", err)
	}
	var want Version
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return Version{}, fmt.Errorf("embedded migration %s, want NUMBER_NAME.sql: %w", name, err)
		}
		want.Tables = max(want.Tables, n)
	}
	queue, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return Version{}, fmt.Errorf("migrations of the queue: %w", err)
	}
	for _, m := range queue.AllVersions() {
		want.Queue = max(want.Queue, int64(m.Version))
	}
	return want, nil
}

// Current reads the version the database is at; both numbers are 0 in an empty database.
func Current(ctx context.Context, db Querier) (Version, error) {
	var tables, queue bool
	err := db.QueryRow(ctx, `SELECT to_regclass('`+versionTable+`') IS NOT NULL, to_regclass('river_migration') IS NOT NULL`).Scan(&tables, &queue)
	if err != nil {
		return Version{}, fmt.Errorf("schema version: %w", err)
	}
	var v Version
	if tables {
		err = db.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM `+versionTable+` WHERE is_applied`).Scan(&v.Tables)
	}
	if err == nil && queue {
		err = db.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM river_migration`).Scan(&v.Queue)
	}
	if err != nil {
		return Version{}, fmt.Errorf("schema version: %w", err)
	}
	return v, nil
}

// OldError means that the database's schema does not serve this build.
type OldError struct{ Got, Want Version }

func (e *OldError) Error() string {
	return fmt.Sprintf("schema is at version %d (queue %d), want %d (queue %d): run `ragapi migrate`", e.Got.Tables, e.Got.Queue, e.Want.Tables, e.Want.Queue)
}

// Check returns nil if the database can be reached and its schema serves this build; an OldError if it is reached.
func Check(ctx context.Context, db Querier) error {
	want, err := Wanted()
	if err != nil {
		return err
	}
	got, err := Current(ctx, db)
	if err != nil {
		return err
	}
	if !got.atLeast(want) {
		return &OldError{Got: got, Want: want}
	}
	return nil
}

// Migrate brings the database of pool to the wanted version. Any number of processes may call it at once: one
// migrates, the others wait for it. A migration is one transaction, or may be repeated at any of its statements, so an
// interrupted one is done again by the next call. The pool needs two connections and must not go through PgBouncer in transaction
// mode, for the lock belongs to a session.
func Migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	want, err := Wanted()
	if err != nil {
		return err
	}
	release, done, err := lock(ctx, pool, want)
	if err != nil || done {
		return err
	}
	return errors.Join(migrateLocked(ctx, pool, log), release())
}

func migrateLocked(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	db := stdlib.OpenDBFromPool(pool)
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return errors.Join(fmt.Errorf("embedded migrations: %w", err), db.Close())
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations, goose.WithTableName(versionTable), goose.WithSlog(log), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return errors.Join(fmt.Errorf("embedded migrations: %w", err), db.Close())
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("migration: %w", err), provider.Close())
	}
	for _, m := range applied {
		log.InfoContext(ctx, "migration applied", "file", m.Source.Path, "duration", m.Duration)
	}
	if err := provider.Close(); err != nil {
		return fmt.Errorf("migration: %w", err)
	}
	return migrateQueue(ctx, pool, log)
}

func migrateQueue(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: log})
	if err != nil {
		return fmt.Errorf("migrations of the queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrations of the queue: %w", err)
	}
	return nil
}
