package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/embedding"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/schema"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/session"
	"github.com/ragscale/ragscale/ragapi/vector"
)

// Sizes of the seeded tables: 300,000 chunks, and others in proportion to a year of use.
const seedSQL = `
DROP INDEX chunks_search;
INSERT INTO documents (id, title, body, bytes, status, chunk_count, metadata)
	SELECT ('01930000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Document ' || i, '', 0, 'ready', CASE WHEN i <= 3000 THEN 100 ELSE 0 END, jsonb_build_object('group', i % 1000) FROM generate_series(1, 100000) i;
INSERT INTO chunks (document_id, position, heading, content)
	SELECT ('01930000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, p, '', 'w' || (i * p) % 4999 || ' w' || (i + p) % 97 || ' w' || (i * i + p) % 2003 || ' lamp' || i % 10
	FROM generate_series(1, 3000) i, generate_series(0, 99) p;
INSERT INTO sessions (id, user_id, messages, expires_at)
	SELECT ('01930000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'user-' || i % 20000, '[]', now() + (i - 2000) * interval '1 second' FROM generate_series(1, 200000) i;
INSERT INTO query_stats (hour, mode, bucket, searches, cached)
	SELECT date_trunc('hour', now()) - h * interval '1 hour', m, b, 10, 5 FROM generate_series(0, 719) h, unnest(ARRAY['simple', 'complex']) m, generate_series(0, 30) b;
INSERT INTO vector_collections (name, model, dimensions, version) VALUES ('c', 'm', 1, 1);
INSERT INTO document_embeddings (document_id, collection, chunks) SELECT id, 'c', chunk_count FROM documents;`

// spy hands on what is sent, so that plans are those of the very statements that the API sends.
type spy struct {
	mu   sync.Mutex
	seen map[string]statement // by text
}

type statement struct {
	sql  string
	args []any
}

func (s *spy) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	verb := strings.ToUpper(strings.Fields(data.SQL)[0])
	if slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}, verb) {
		s.seen[data.SQL] = statement{data.SQL, data.Args}
	}
	return ctx
}

func (s *spy) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (s *spy) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: data.SQL, Args: data.Args})
}

func (s *spy) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (s *spy) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// spied returns a pool on db and what it sends.
func spied(t *testing.T, db config.Database) (*pgxpool.Pool, *spy) {
	t.Helper()
	settings, err := postgres.Settings(db, "spied")
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{seen: map[string]statement{}}
	settings.ConnConfig.Tracer = s
	pool, err := pgxpool.NewWithConfig(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, s
}

// seeded returns a database with 300,000 chunks.
func seeded(t *testing.T) config.Database {
	t.Helper()
	if testing.Short() {
		t.Skip("seeds 300,000 chunks")
	}
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatal(err)
	}
	var index string
	if err := pool.QueryRow(t.Context(), `SELECT pg_get_indexdef('chunks_search'::regclass)`).Scan(&index); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	// Many statements at once: the index is built afterwards, as it was defined.
	if _, err := conn.Conn().PgConn().Exec(t.Context(), seedSQL+index+`; ANALYZE`).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return db
}

type noJobs struct{}

func (noJobs) EnqueueTx(context.Context, pgx.Tx, document.Document) error { return nil }
func (noJobs) ForgetTx(context.Context, pgx.Tx, uuid.UUID) error          { return nil }

// fixed finds the same chunks whatever it is asked.
type fixed struct{}

func (fixed) Similar(context.Context, string, int) ([]search.Piece, error) {
	return []search.Piece{{Place: search.Place{DocumentID: seededID(77), Position: 5}}, {Place: search.Place{DocumentID: seededID(78), Position: 6}}}, nil
}

func seededID(i int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("01930000-0000-7000-8000-%012x", i))
}

// emptyStore answers like Chroma with nothing in it.
func emptyStore(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"`+uuid.Max.String()+`","ids":[[]],"distances":[[]]}`) // a client that went away notices itself
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// sent does everything once that requests, workers and upkeep do often, and returns the statements by what was done.
func sent(t *testing.T, db config.Database) map[string][]statement {
	pool, seen := spied(t, db)
	reads := postgres.NewReader(pool, nil, nil)
	documents, sessions := document.NewStore(pool, reads, noJobs{}, nil), session.NewStore(pool, nil, time.Hour)
	engine := search.New(reads, fixed{})
	index := vector.New(emptyStore(t), embedding.Hashing{}, pool, nil, metrics.New(metrics.Build{}), func() {}, quiet)
	all := map[string][]statement{}
	for name, do := range map[string]func(ctx context.Context) error{
		"search, simple": func(ctx context.Context) error {
			_, err := engine.Search(ctx, search.Query{Text: "w1234 lamp4", Mode: search.Simple, Limit: 10})
			return err
		},
		"search, complex": func(ctx context.Context) error {
			_, err := engine.Search(ctx, search.Query{Text: "w1234 w17", Mode: search.Complex, Limit: 10})
			return err
		},
		"search, filtered": func(ctx context.Context) error {
			_, err := engine.Search(ctx, search.Query{Text: "w1234 w17", Mode: search.Complex, Limit: 10, Filter: []search.Condition{{Key: "group", Value: "7"}}})
			return err
		},
		"read chunks": func(ctx context.Context) error {
			_, err := documents.Chunks(ctx, seededID(77), 20, 20)
			return err
		},
		"read a document": func(ctx context.Context) error { _, err := documents.Get(ctx, seededID(5000)); return err },
		"list documents":  func(ctx context.Context) error { _, err := documents.List(ctx, 21, seededID(50_000)); return err },
		"list failed documents": func(ctx context.Context) error {
			_, err := documents.ListStatus(ctx, document.Failed, 21, uuid.Max)
			return err
		},
		"find lost documents": func(ctx context.Context) error { _, err := queue.Recover(ctx, pool, documents); return err },
		"delete a document":   func(ctx context.Context) error { return documents.Delete(ctx, seededID(2999), nil) },
		"process a document": func(ctx context.Context) error {
			doc, err := documents.Create(ctx, document.Upload{Title: "t", Text: "text"})
			if err == nil {
				_, _, err = documents.Process(ctx, doc.ID)
			}
			return err
		},
		"read a session": func(ctx context.Context) error {
			_, err := sessions.Get(ctx, seededID(150_000), session.Span{Limit: session.MostMessages})
			return err
		},
		"append to a session": func(ctx context.Context) error {
			_, err := sessions.Append(ctx, seededID(150_000), session.Message{Role: "user", Content: "x"}, idempotency.Key{}, nil)
			return err
		},
		"list sessions":    func(ctx context.Context) error { _, err := sessions.List(ctx, "user-77", 21, uuid.Max); return err },
		"delete a session": func(ctx context.Context) error { return sessions.Delete(ctx, seededID(150_001), nil) },
		"expire sessions":  func(ctx context.Context) error { _, err := sessions.Expire(ctx); return err },
		"dashboard":        func(ctx context.Context) error { _, err := querylog.Summarize(ctx, reads, time.Now()); return err },
		"embed a document": func(ctx context.Context) error { return index.Embed(ctx, seededID(2000))[0] },
	} {
		clear(seen.seen)
		if err := do(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range seen.seen {
			all[name] = append(all[name], s)
		}
		if len(all[name]) == 0 {
			t.Fatalf("%s sends nothing", name)
		}
	}
	return all
}

// planned is a node of a plan as EXPLAIN (FORMAT JSON) answers it.
type planned struct {
	Type     string    `json:"Node Type"`
	Relation string    `json:"Relation Name"`
	Index    string    `json:"Index Name"`
	Arbiters []string  `json:"Conflict Arbiter Indexes"`
	Cost     float64   `json:"Total Cost"`
	Hit      int       `json:"Shared Hit Blocks"`
	Read     int       `json:"Shared Read Blocks"`
	Plans    []planned `json:"Plans"`
}

// walk calls visit for a plan and all in it.
func (p planned) walk(visit func(planned)) {
	visit(p)
	for _, child := range p.Plans {
		child.walk(visit)
	}
}

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// explain returns the plan of a statement, and its text.
func explain(t *testing.T, db queryer, options string, s statement) (planned, string) {
	t.Helper()
	var raw string
	if err := db.QueryRow(t.Context(), `EXPLAIN (FORMAT JSON`+options+`) `+s.sql, s.args...).Scan(&raw); err != nil {
		t.Fatalf("%s: %v", s.sql, err)
	}
	var plans []struct{ Plan planned }
	if err := json.Unmarshal([]byte(raw), &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan, raw
}

// TestPlansAt300000Chunks has three claims on one seeded database.
func TestPlansAt300000Chunks(t *testing.T) {
	db := seeded(t)
	statements := sent(t, db)
	t.Run("no hot path reads a whole table", func(t *testing.T) { noHotPathReadsAWholeTable(t, db, statements) })
	t.Run("each index saves nine tenths of the blocks", func(t *testing.T) { eachIndexSaves(t, db, statements) })
	t.Run("hypopg would have proposed the indexes", func(t *testing.T) { hypopgProposes(t, db, statements) })
}

func noHotPathReadsAWholeTable(t *testing.T, db config.Database, sent map[string][]statement) {
	pool := pgtest.Pool(t, db)
	large := []string{"documents", "chunks", "sessions", "query_stats", "document_embeddings"}
	used := map[string]bool{}
	for name, statements := range sent {
		for _, s := range statements {
			plan, raw := explain(t, pool, "", s)
			plan.walk(func(p planned) {
				used[p.Index] = true
				for _, arbiter := range p.Arbiters {
					used[arbiter] = true
				}
				if p.Type == "Seq Scan" && slices.Contains(large, p.Relation) {
					t.Errorf("%s reads all of %s:\n%s\n%s", name, p.Relation, s.sql, raw)
				}
			})
		}
	}
	rows, err := pool.Query(t.Context(), `SELECT indexrelname FROM pg_stat_user_indexes WHERE relname = ANY ($1)`, append(large, "vector_collections"))
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(indexes) < 8 {
		t.Fatalf("indexes %v (%v)", indexes, err)
	}
	before := []string{"chunks_title", "chunks_heading"} // of the release before: the next migration may drop them
	for _, index := range indexes {
		if !used[index] && !slices.Contains(before, index) {
			t.Errorf("no hot path uses the index %s", index)
		}
	}
}

// earners are the indexes beside the primary keys, and what they are for.
var earners = map[string]string{"chunks_search": "search, simple", "sessions_user": "list sessions", "sessions_expiry": "expire sessions"}

// begin returns a transaction that is rolled back at the end of the test, before its pool is closed.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tx
}

// blocks is how many a statement touches.
func blocks(t *testing.T, tx pgx.Tx, s statement) int {
	t.Helper()
	nested, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan, _ := explain(t, nested, ", ANALYZE, BUFFERS", s)
	if err := nested.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	return plan.Hit + plan.Read
}

func eachIndexSaves(t *testing.T, db config.Database, statements map[string][]statement) {
	for index, purpose := range earners {
		t.Run(index, func(t *testing.T) {
			tx := begin(t, pgtest.Pool(t, db))
			var with, without []int // by statement
			for _, s := range statements[purpose] {
				with = append(with, blocks(t, tx, s))
			}
			if _, err := tx.Exec(t.Context(), `DROP INDEX `+index); err != nil {
				t.Fatal(err)
			}
			saves := false
			for i, s := range statements[purpose] {
				without = append(without, blocks(t, tx, s))
				saves = saves || with[i]*10 <= without[i]
			}
			t.Logf("%s: %d blocks with it, %d without", purpose, with, without)
			if !saves {
				t.Errorf("%d blocks with the index, %d without: it does not earn its place", with, without)
			}
		})
	}
}

func hypopgProposes(t *testing.T, db config.Database, statements map[string][]statement) {
	pool := pgtest.Pool(t, db)
	var available bool
	if err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'hypopg')`).Scan(&available); err != nil {
		t.Fatal(err)
	}
	if !available {
		t.Skip("the server has no hypopg (Debian: postgresql-17-hypopg)")
	}
	if _, err := pool.Exec(t.Context(), `CREATE EXTENSION hypopg`); err != nil {
		t.Fatal(err)
	}
	for index, purpose := range earners {
		if index == "chunks_search" {
			continue // it refuses GIN
		}
		t.Run(index, func(t *testing.T) {
			tx := begin(t, pool)
			s := statements[purpose][0]
			var definition string
			if err := tx.QueryRow(t.Context(), `SELECT pg_get_indexdef($1::regclass)`, index).Scan(&definition); err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `DROP INDEX `+index); err != nil {
				t.Fatal(err)
			}
			without, _ := explain(t, tx, "", s)
			var proposed string
			if err := tx.QueryRow(t.Context(), `SELECT indexname FROM hypopg_create_index($1)`, definition).Scan(&proposed); err != nil {
				t.Fatal(err)
			}
			with, raw := explain(t, tx, "", s)
			if !strings.Contains(raw, proposed) || with.Cost*2 > without.Cost {
				t.Errorf("cost %.0f with %s, %.0f without:\n%s", with.Cost, proposed, without.Cost, raw)
			}
		})
	}
}
