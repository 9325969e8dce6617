package search_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/postgres"
	"github.com/ragscale/ragscale/ragapi/schema"
	"github.com/ragscale/ragscale/ragapi/search"
)

const (
	written    = 9000 // chunks of real size
	ofDocument = 4
)

func writtenID(i int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("01930000-0000-7000-8000-%012x", 2*i)) // room for others between
}

// words are as frequent as those of a language, by Zipf's law.
type words struct {
	random *rand.Rand
	zipf   *rand.Zipf
}

func newWords(seed uint64) words {
	random := rand.New(rand.NewPCG(seed, 1))
	return words{random, rand.NewZipf(random, 1.1, 3, 20_000)}
}

// chunk returns some 1,000 bytes. All have the words lorem, ipsum and dolor somewhere, in this order, and further on some of them more than
// once; one in fifty has the rare word.
func (w words) chunk(i int) string {
	var all []string
	for length := 0; length < 950; {
		word := fmt.Sprintf("wo%xrd", w.zipf.Uint64())
		all = append(all, word)
		length += len(word) + 1
	}
	for k, word := range []string{"lorem", "ipsum", "dolor"} {
		all[len(all)*k/3+w.random.IntN(len(all)/3)] = word
	}
	for range w.random.IntN(20) {
		all[w.random.IntN(len(all))] = []string{"lorem", "ipsum", "dolor"}[w.random.IntN(3)]
	}
	if i%50 == 7 {
		all[0] = "seldom"
	}
	return strings.Join(all, " ")
}

// put writes one chunk of a document of its own.
func put(t *testing.T, pool *pgxpool.Pool, id uuid.UUID, title, content string) {
	t.Helper()
	for _, sql := range []string{
		`INSERT INTO documents (id, title, body, bytes, status, chunk_count) SELECT $1, $2, $3, 0, 'ready', 1`,
		`INSERT INTO chunks (document_id, position, heading, content) VALUES ($1, 0, $2, $3)`,
	} {
		if _, err := pool.Exec(t.Context(), sql, id, title, content); err != nil {
			t.Fatal(err)
		}
	}
}

// shelves returns a database with more chunks than a search ranks, and what is sent to it. Indexes are built afterwards, as they were defined.
func shelves(t *testing.T) (*pgxpool.Pool, *spy) {
	t.Helper()
	if testing.Short() {
		t.Skipf("writes %d chunks", written)
	}
	settings, err := postgres.Settings(pgtest.Database(t), "shelves")
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{}
	settings.ConnConfig.Tracer = s
	pool, err := pgxpool.NewWithConfig(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatal(err)
	}
	var index string
	if err := pool.QueryRow(t.Context(), `SELECT pg_get_indexdef('chunks_search'::regclass)`).Scan(&index); err != nil {
		t.Fatal(err)
	}
	w := newWords(7)
	for _, sql := range []string{
		`DROP INDEX chunks_search`,
		fmt.Sprintf(`INSERT INTO documents (id, title, body, bytes, status, chunk_count, metadata) SELECT ('01930000-0000-7000-8000-' || lpad(to_hex(2 * i), 12, '0'))::uuid, 'Shelf ' || i, '', 0, 'ready', %d,
			jsonb_build_object('half', i %% 2, 'hundredth', i %% 100) FROM generate_series(0, %d) i`, ofDocument, written/ofDocument-1),
		"", index, `VACUUM ANALYZE documents`, `VACUUM ANALYZE chunks`,
	} {
		if sql != "" {
			if _, err := pool.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			continue
		}
		_, err := pool.CopyFrom(t.Context(), pgx.Identifier{"chunks"}, []string{"document_id", "position", "heading", "content"}, pgx.CopyFromSlice(written, func(i int) ([]any, error) {
			heading := ""
			if i%ofDocument == 0 {
				heading = fmt.Sprintf("Shelf %d", i/ofDocument)
			}
			return []any{writtenID(i / ofDocument), i % ofDocument, heading, w.chunk(i)}, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	return pool, s
}

// spy keeps the last of the statements that rank.
type spy struct {
	mu   sync.Mutex
	sql  string
	args []any
}

func (s *spy) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "ts_rank_cd") && !strings.HasPrefix(data.SQL, "EXPLAIN") {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sql, s.args = data.SQL, data.Args
	}
	return ctx
}

func (s *spy) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestOfFrequentWordsWhatMattersMostIsFound(t *testing.T) {
	pool, sent := shelves(t)
	w := newWords(9)
	between := func(i int) uuid.UUID { id := writtenID(i); id[15]++; return id }
	put(t, pool, between(1000), "Lorem  Ipsum Dolor", "The definitive guide.")
	put(t, pool, between(1001), "The dolor of lorem and ipsum, a handbook", "Another guide.")
	put(t, pool, between(1002), "lorem", "One word.")
	put(t, pool, uuid.Must(uuid.NewV7()), "new", w.chunk(0)+strings.Repeat(" lorem ipsum dolor", 12))
	reads := postgres.NewReader(pool, nil, nil)
	engine := search.New(reads, nil)
	for text, wanted := range map[string][]string{
		"lorem ipsum dolor":   {"Lorem  Ipsum Dolor", "The dolor of lorem and ipsum, a handbook", "new"},
		"LOREM  ipsum dolor":  {"Lorem  Ipsum Dolor"},
		`"lorem ipsum dolor"`: {"Lorem  Ipsum Dolor", "new"},
		"lorem":               {"lorem", "Lorem  Ipsum Dolor", "The dolor of lorem and ipsum, a handbook", "new"},
		"lorem -absent":       {"Lorem  Ipsum Dolor", "new"},
		"lorem dolor -seldom": {"Lorem  Ipsum Dolor"},
		"the dolor of lorem and ipsum, a handbook": {"The dolor of lorem and ipsum, a handbook"},
	} {
		for _, mode := range []search.Mode{search.Simple, search.Complex} {
			result, err := engine.Search(t.Context(), search.Query{Text: text, Mode: mode, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			for _, title := range wanted {
				if !slices.Contains(titlesOf(result.Hits), title) {
					t.Errorf("%s, %s: %q is not among %q", mode, text, title, titlesOf(result.Hits))
				}
			}
		}
	}
	t.Run("the others are a sample of all, another one for each query", func(t *testing.T) { samplesAreEven(t, engine) })
	t.Run("a search reads a bounded part", func(t *testing.T) { readsAreBounded(t, pool, engine, sent) })
}

// samplesAreEven: the hits of a word that all have are of the whole, the old and the young, and differ from those of another.
func samplesAreEven(t *testing.T, engine *search.Engine) {
	places := map[uuid.UUID]int{}
	for _, text := range []string{"lorem", "ipsum", "dolor", "lorem ipsum"} {
		result, err := engine.Search(t.Context(), search.Query{Text: text, Mode: search.Simple, Limit: 50, PerDocument: 1})
		if err != nil {
			t.Fatal(err)
		}
		quarters := map[int]int{}
		for _, h := range result.Hits {
			places[h.DocumentID]++
			for quarter := range 4 {
				if strings.Compare(h.DocumentID.String(), writtenID(written/ofDocument*quarter/4).String()) >= 0 && strings.Compare(h.DocumentID.String(), writtenID(written/ofDocument*(quarter+1)/4).String()) < 0 {
					quarters[quarter]++
				}
			}
		}
		if len(result.Hits) != 50 || len(quarters) != 4 {
			t.Errorf("%s: %d hits by age %v, want some of each quarter", text, len(result.Hits), quarters)
		}
	}
	if len(places) < 75 {
		t.Errorf("four queries find %d documents in all: they are of one sample", len(places))
	}
}

// readsAreBounded: ranking touches a block for each match and not its text's too, and a bounded part of what frequent words match.
func readsAreBounded(t *testing.T, pool *pgxpool.Pool, engine *search.Engine, sent *spy) {
	for _, c := range []struct {
		name  string
		query search.Query
		most  int
	}{
		{"one match in fifty", search.Query{Text: "seldom", Mode: search.Simple}, written/50 + 60},
		{"every chunk", search.Query{Text: "lorem ipsum", Mode: search.Simple}, 4600},
		{"every chunk, and a phrase", search.Query{Text: `"lorem ipsum"`, Mode: search.Complex}, 4600},
		{"a filter that leaves half", search.Query{Text: "lorem", Mode: search.Simple, Filter: []search.Condition{{Key: "half", Value: "1"}}}, 20_000},
		{"a filter that leaves few", search.Query{Text: "lorem", Mode: search.Simple, Filter: []search.Condition{{Key: "hundredth", Value: "1"}}}, 600},
	} {
		c.query.Limit = 10
		if _, err := engine.Search(t.Context(), c.query); err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			blocks, plan := explain(t, pool, mode, sent.sql, sent.args)
			if blocks > c.most || strings.Contains(plan, `"Seq Scan"`) && strings.Contains(plan, `"Relation Name": "chunks"`) && !strings.Contains(plan, "chunks_search") {
				t.Errorf("%s, %s: %d blocks, want %d at most:\n%s", c.name, mode, blocks, c.most, plan)
			}
		}
	}
}

// explain runs a statement with the plan that mode makes, and returns the blocks it touched.
func explain(t *testing.T, pool *pgxpool.Pool, mode, sql string, args []any) (blocks int, plan string) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SET plan_cache_mode = `+mode); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+sql, args...).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal([]byte(plan), &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan.Hit + plans[0].Plan.Read, plan
}
