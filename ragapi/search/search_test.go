package search_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/metrics"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/schema"
	"github.com/ragscale/ragscale/ragapi/search"
	"github.com/ragscale/ragscale/ragapi/server"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// quiet discards what migrations log.
var quiet = slog.New(slog.DiscardHandler)

func database(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool := pgtest.Pool(tb, pgtest.Database(tb))
	if err := schema.Migrate(tb.Context(), pool, quiet); err != nil {
		tb.Fatal(err)
	}
	return pool
}

type noQueue struct{}

func (noQueue) EnqueueTx(context.Context, pgx.Tx, document.Document) error { return nil }
func (noQueue) ForgetTx(context.Context, pgx.Tx, uuid.UUID) error          { return nil }

// engine searches pool for everything.
func engine(pool *pgxpool.Pool) *search.Engine {
	return search.New(postgres.NewReader(pool, nil, nil), nil)
}

// add stores and indexes documents, title to text.
func add(t *testing.T, pool *pgxpool.Pool, documents ...[2]string) {
	t.Helper()
	store := document.NewStore(pool, postgres.NewReader(pool, nil, nil), noQueue{}, nil)
	for _, d := range documents {
		doc, err := store.Create(t.Context(), document.Upload{Title: d[0], Text: d[1]})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Process(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// found returns the hits of a query as "title: match".
func found(t *testing.T, pool *pgxpool.Pool, text string, mode search.Mode, limit int) []string {
	t.Helper()
	result, err := engine(pool).Search(t.Context(), search.Query{Text: text, Mode: mode, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, h := range result.Hits {
		got = append(got, h.Title+": "+string(h.Match))
	}
	return got
}

func TestQueriesFindAndRank(t *testing.T) {
	pool := database(t)
	add(t, pool,
		[2]string{"far", "The index answers slowly; many pages later, after other matters, someone builds one for a vector of numbers."},
		[2]string{"near", "A vector index answers quickly."},
		[2]string{"one", "Only indexing is said here."},
		[2]string{"Bicycles", "Two wheels and a saddle."},
	)
	for name, c := range map[string]struct {
		text  string
		mode  search.Mode
		limit int
		want  []string
	}{
		"every word, near ones first":           {"index vector", search.Simple, 10, []string{"near: terms", "far: terms"}},
		"a phrase first, then any word":         {"vector index", search.Complex, 10, []string{"near: phrase", "far: terms", "one: prefix"}},
		"no fallback while there are enough":    {"vector index", search.Complex, 2, []string{"near: phrase", "far: terms"}},
		"the beginning of a word":               {"quick", search.Complex, 10, []string{"near: terms"}},
		"the beginning of a word, as fallback":  {"sadd", search.Complex, 10, []string{"Bicycles: prefix"}},
		"not the beginning of a word if simple": {"sadd", search.Simple, 10, []string{}},
		"a title":                               {"bicycle", search.Simple, 10, []string{"Bicycles: title"}},
		"an excluded word":                      {"index -vector", search.Simple, 10, []string{"one: terms"}},
		"a quoted phrase":                       {`"vector index"`, search.Simple, 10, []string{"near: terms"}},
		"stop words only":                       {"the of", search.Complex, 10, []string{}},
		"operators are words, not syntax":       {`'); & | ! <-> :* \ "`, search.Complex, 10, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, found(t, pool, c.text, c.mode, c.limit)); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSnippetsAreEscaped(t *testing.T) {
	pool := database(t)
	add(t, pool, [2]string{"x", `A needle in <img src=x onerror="alert(1)"> hay & straw.`})
	result, err := engine(pool).Search(t.Context(), search.Query{Text: "needle", Mode: search.Simple, Limit: 1})
	if err != nil || len(result.Hits) != 1 {
		t.Fatal(result.Hits, err)
	}
	if s := result.Hits[0].Snippet; !strings.Contains(s, "<mark>needle</mark>") || strings.Contains(s, "<img") {
		t.Errorf("snippet %q, want the word marked and the markup escaped", s)
	}
}

func TestTheFallbackAsksForAnyWordAndForBeginningsOfLongOnes(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"one two one":                  "'one':* | 'two':*",
		"a-b -c or d":                  "'a' | 'b' | 'd'",
		`it's "quoted" & (odd) -"x y"`: "'it' | 's' | 'quoted':* | 'odd':*",
		"灯塔 灯":                         "'灯塔':* | '灯'",
	} {
		if got := search.AnyWord(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// seed writes n chunks of some words each: w0 … w4999 in the manner of a language, the higher the rarer. The index is built
// afterwards, as it was defined.
func seed(tb testing.TB, pool *pgxpool.Pool, n, words int) {
	tb.Helper()
	var index string
	if err := pool.QueryRow(tb.Context(), `SELECT pg_get_indexdef('chunks_search'::regclass)`).Scan(&index); err != nil {
		tb.Fatal(err)
	}
	for _, sql := range []string{
		`DROP INDEX chunks_search`,
		fmt.Sprintf(`INSERT INTO documents (id, title, body, bytes, status, chunk_count) SELECT gen_random_uuid(), 'Document '||i, '', 0, 'ready', 100 FROM generate_series(1, %d) i`, n/100),
		// The sub-select names p so that it is run for each row.
		fmt.Sprintf(`INSERT INTO chunks (document_id, position, heading, content)
		 SELECT d.id, p, '', (SELECT string_agg('w'||floor(5000 * power(random(), 3))::int, ' ') FROM generate_series(1, %d + 0 * p))
		 FROM documents d, generate_series(0, 99) p`, words),
		index, `ANALYZE documents`, `ANALYZE chunks`,
	} {
		if _, err := pool.Exec(tb.Context(), sql); err != nil {
			tb.Fatalf("%s: %v", sql, err)
		}
	}
}

type noLog struct{}

func (noLog) Record(querylog.Record) {}

// BenchmarkSearchHandler is one request at a time through the whole API, at 50,000 chunks of 150 words: a rare word, a frequent one (in most
// chunks, so that the bound on candidates holds), and both modes.
func BenchmarkSearchHandler(b *testing.B) {
	pool := database(b)
	seed(b, pool, 50_000, 150)
	log := slog.New(slog.DiscardHandler)
	api := server.New(server.Options{
		Documents: document.NewStore(pool, postgres.NewReader(pool, nil, nil), noQueue{}, nil), Search: engine(pool), QueryLog: noLog{}, Metrics: metrics.New(metrics.Build{}), Log: log,
		Auth: auth.Off{}, RateLimit: &server.RateLimit{}, Readiness: server.NewReadiness(func(context.Context) error { return nil }, log), MaxUploadBytes: 1 << 20, RequestTimeout: time.Minute,
	})
	for name, query := range map[string]string{
		"rare/simple": "q=w4000+w4100", "rare/complex": "q=w4000+w4100&mode=complex",
		"frequent/simple": "q=w1", "frequent/complex": "q=w1+w2&mode=complex",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				answer := httptest.NewRecorder()
				api.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v1/search?"+query, nil))
				if answer.Code != http.StatusOK {
					b.Fatalf("status %d: %s", answer.Code, answer.Body)
				}
			}
		})
	}
}
