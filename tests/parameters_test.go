package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// engines is what tells a changed engine from a restarted one.
type engines struct {
	slowMillis, querySize string // two of PostgreSQL's parameters: a dynamic and a static one
	starts                int    // of PostgreSQL
	cache                 string // the process of Valkey
	cacheBytes            int64  // its maxmemory
}

func lookAtEngines(t *testing.T, s *sandboxTarget) engines {
	t.Helper()
	status := s.status(t)
	var e engines
	for _, c := range status.Caches {
		e.cacheBytes += c.MemoryBytes
	}
	for _, p := range status.Processes {
		if strings.HasPrefix(p.Name, "cache-") {
			e.cache += fmt.Sprintf("%s %d %s;", p.Name, p.PID, p.Since)
		}
	}
	for _, db := range status.Databases {
		if db.Source != "" {
			continue
		}
		log, err := os.ReadFile(filepath.Join(s.layout.Log(), "postgres-"+db.ID+".log"))
		if err != nil {
			t.Fatal(err)
		}
		e.starts += strings.Count(string(log), "starting PostgreSQL")
	}
	conn, err := pgx.Connect(t.Context(), status.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const sql = `SELECT a.setting, b.setting FROM pg_settings a, pg_settings b WHERE a.name = 'log_min_duration_statement' AND b.name = 'track_activity_query_size'`
	if err := conn.QueryRow(t.Context(), sql).Scan(&e.slowMillis, &e.querySize); err != nil {
		t.Fatal(err)
	}
	if e.cache == "" || e.cacheBytes == 0 || e.starts == 0 {
		t.Fatalf("the engines are %+v, want all of them to run", e)
	}
	return e
}

// upWith brings the stack to its configuration with lines more about the database and the cache.
func upWith(t *testing.T, s *sandboxTarget, database, cache string) engines {
	t.Helper()
	dir := checkoutWith(t, s.root, "local", func(f string) string {
		f = strings.Replace(f, "ragscale:database:\n", "ragscale:database:\n"+database, 1)
		return strings.Replace(f, "ragscale:cache:\n", "ragscale:cache:\n"+cache, 1)
	})
	if err := os.Symlink(filepath.Join(s.root, "policies"), filepath.Join(dir, "policies")); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := s.ragscale(t, dir, "up"); code != 0 {
		t.Fatalf("up: exit code %d\n%s\n%s", code, out, errs)
	}
	awaitHealthy(t, s)
	return lookAtEngines(t, s)
}

// changedParametersReachTheEngines: at the next up, with a restart only where a parameter is static, and no data lost.
func changedParametersReachTheEngines(t *testing.T, where target) {
	s := where.(*sandboxTarget)
	word := fmt.Sprintf("parameter%d", time.Now().UnixNano())
	id := post(t, s.apiURL(t), "Parameters", "What is kept: "+word)
	awaitFound(t, s, word, id)
	declared := lookAtEngines(t, s)

	dynamic := upWith(t, s, "    parameters: {log_min_duration_statement: \"321\"}\n", "    parameters: {reserved-memory-percent: \"40\"}\n")
	if dynamic.slowMillis != "321" || dynamic.starts != declared.starts {
		t.Errorf("with another dynamic parameter: %+v after %+v, want log_min_duration_statement 321 and no start", dynamic, declared)
	}
	if dynamic.cacheBytes <= declared.cacheBytes || dynamic.cache != declared.cache {
		t.Errorf("with less of the cache's memory reserved: %+v after %+v, want more for data and no start", dynamic, declared)
	}
	static := upWith(t, s, "    parameters: {track_activity_query_size: \"8192\"}\n", "")
	if static.querySize != "8192" || static.starts != dynamic.starts+1 {
		t.Errorf("with another static parameter: %+v after %+v, want track_activity_query_size 8192 and one start", static, dynamic)
	}
	awaitFound(t, s, word, id)

	again := upWith(t, s, "", "")
	if again.starts != static.starts+1 {
		t.Errorf("with the declared parameters again: %+v after %+v, want one start", again, static)
	}
	again.starts, again.cache = declared.starts, declared.cache
	if again != declared {
		t.Errorf("with the declared parameters again: %+v, want %+v", again, declared)
	}
	awaitFound(t, s, word, id)
}
