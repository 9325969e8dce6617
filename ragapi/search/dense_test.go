package search_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/search"
)

// denseChunks are of nothing but single letters, each of them some thirty times in a chunk.
const denseChunks = 6000

// patient is many times what a search of dense texts takes, and less than it takes where each chunk is ranked by how near its words are: 2 ms.
const patient = 8 * time.Second

func seedDense(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, sql := range []string{
		`INSERT INTO documents (id, title, body, bytes, metadata, status, chunk_count)
			SELECT gen_random_uuid(), 'Letters', 'x', 1, '{}', 'ready', 1000 FROM generate_series(1, $1::int / 1000)`,
		`INSERT INTO chunks (document_id, version, position, heading, content)
			SELECT d.id, 1, p, '', (SELECT string_agg(substr('bcefghjklmnopquvw', 1 + floor(random() * 17)::int, 1), ' ') FROM generate_series(1, 500 + 0 * p))
			FROM documents d, generate_series(0, 999) p WHERE $1::int > 0`,
	} {
		if _, err := pool.Exec(t.Context(), sql, denseChunks); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), `VACUUM ANALYZE chunks`); err != nil {
		t.Fatal(err)
	}
}

// TestDenseTextsHoldNoConnectionForLong: whatever the words and the mode, also where all matches are looked at.
func TestDenseTextsHoldNoConnectionForLong(t *testing.T) {
	pool := database(t)
	seedDense(t, pool)
	letters := "b c e f g h j k l m n o p q u v w"
	for name, text := range map[string]string{
		"eight letters": letters[:15], "all letters": letters, "excluded": letters + " -zebra", "alternatives": strings.ReplaceAll(letters, " ", " or "),
		"a phrase": `"b c" ` + letters, "phrases": `"b c" or "e f" or "g h" or "j k" or "l m" or "n o" or "p q" or "u v"`,
	} {
		for _, mode := range search.Modes {
			ctx, cancel := context.WithTimeout(t.Context(), patient)
			began := time.Now()
			result, err := engine(pool).Search(ctx, search.Query{Text: text, Mode: mode, Limit: 10})
			cancel()
			if err != nil || len(result.Hits) != 10 {
				t.Errorf("%s, %s: %d hits (%v)", name, mode, len(result.Hits), err)
			}
			t.Logf("%s, %s: %v", name, mode, time.Since(began))
		}
	}
}

// TestAChunkThatIsFullOfItsWordsComesFirst, and one that has them near each other before one that has them far apart.
func TestAChunkThatIsFullOfItsWordsComesFirst(t *testing.T) {
	pool := database(t)
	far := strings.Repeat("and then came somebody else. ", 10)
	add(t, pool,
		[2]string{"far", "The keeper. " + far + "The lamp. " + far + "The dusk."},
		[2]string{"full", strings.Repeat("A keeper, a lamp, some dusk and nobody. ", 8)},
		[2]string{"near", far + "The keeper trims the lamp at dusk. " + far},
	)
	result, err := engine(pool).Search(t.Context(), search.Query{Text: "keeper lamp dusk", Mode: search.Simple, Limit: 10})
	if err != nil || strings.Join(titlesOf(result.Hits), " ") != "full near far" {
		t.Errorf("%q (%v), want full, near, far", titlesOf(result.Hits), err)
	}
}
