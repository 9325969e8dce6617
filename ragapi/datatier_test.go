package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestASessionIsKeptFromItsBeginToItsEnd(t *testing.T) {
	api := start(t, "serve", pgtest.Database(t))
	status, answer := ask(t, http.MethodPost, api.http+"/v1/sessions", `{"user":"u"}`)
	var begun struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &begun); err != nil || status != http.StatusCreated {
		t.Fatalf("status %d: %s", status, answer)
	}
	session := api.http + "/v1/sessions/" + begun.ID
	if status, answer := ask(t, http.MethodPost, session+"/messages", `{"role":"user","content":"Where is the lamp?"}`); status != http.StatusCreated {
		t.Fatalf("status %d: %s", status, answer)
	}
	for _, url := range []string{session, api.http + "/v1/sessions?user=u"} {
		if status, answer := ask(t, http.MethodGet, url, ""); status != http.StatusOK || !strings.Contains(answer, begun.ID) {
			t.Errorf("%s answers %d: %s", url, status, answer)
		}
	}
	if _, answer := ask(t, http.MethodGet, session, ""); !strings.Contains(answer, "Where is the lamp?") {
		t.Errorf("the message is not in the session: %s", answer)
	}
	if status, answer := ask(t, http.MethodDelete, session, ""); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, answer)
	}
	if status, _ := ask(t, http.MethodGet, session, ""); status != http.StatusNotFound {
		t.Errorf("an ended session answers %d, want 404", status)
	}
}

func TestTheDashboardCountsTheSearches(t *testing.T) {
	api := start(t, "serve", pgtest.Database(t))
	for range 3 {
		ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", "")
	}
	eventually(t, "counted", func() bool {
		status, answer := ask(t, http.MethodGet, api.http+"/v1/dashboard", "")
		return status == http.StatusOK && strings.Contains(answer, `"modes":{"simple":{"searches":3`)
	})
}

func TestAStoppedAPILeavesNoSearchUnlogged(t *testing.T) {
	db := pgtest.Database(t)
	api := start(t, "serve", db, "DRAIN_DELAY=0s")
	for range 7 {
		ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", "")
	}
	api.signal(syscall.SIGTERM)
	if code := api.exit(); code != exitFine {
		t.Fatalf("exit code %d: %s", code, api.output())
	}
	var logged int
	if err := pgtest.Pool(t, db).QueryRow(t.Context(), `SELECT count(*) FROM query_log`).Scan(&logged); err != nil || logged != 7 {
		t.Errorf("%d searches logged (%v), want 7", logged, err)
	}
}

// command runs a command that ends by itself.
func command(t *testing.T, name string, db config.Database, env ...string) (code int, output string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), exe)
	c.Env = append(append(pgtest.Env(db), envCommand+"="+name), env...)
	out, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

func TestUpkeepKeepsTheDatabaseOfAnAPIThatNeverRan(t *testing.T) {
	db := pgtest.Database(t)
	for range 2 {
		if code, output := command(t, "upkeep", db); code != exitFine {
			t.Fatalf("exit code %d: %s", code, output)
		}
	}
	pool := pgtest.Pool(t, db)
	if err := schema.Check(t.Context(), pool); err != nil {
		t.Error(err)
	}
	var days int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_inherits WHERE inhparent = 'query_log'::regclass`).Scan(&days); err != nil || days != 4 {
		t.Errorf("%d partitions (%v), want three days and the default", days, err)
	}
}

// days are the partitions of the query log that have a date.
func days(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'query_log'::regclass AND inhrelid <> 'query_log_default'::regclass ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestProcessesThatStartAtOnceMakeTheFirstDaysOfTheQueryLog(t *testing.T) {
	db := pgtest.Database(t)
	today := time.Now().UTC()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if code, output := command(t, "migrate", db); code != exitFine || strings.Contains(output, `"WARN"`) {
				t.Errorf("exit code %d: %s", code, output)
			}
		})
	}
	wg.Wait()
	made := days(t, pgtest.Pool(t, db))
	for i := range 2 {
		if want := "query_log_" + today.AddDate(0, 0, i).Format("20060102"); !slices.Contains(made, want) {
			t.Errorf("the days are %v, want %s among them", made, want)
		}
	}
}

func TestAProcessStartsThoughTheQueryLogIsHeld(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatal(err)
	}
	reader, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), `SELECT FROM query_log`); err != nil {
		t.Fatal(err)
	}
	if code, output := command(t, "migrate", db); code != exitFine || !strings.Contains(output, "left to the daily upkeep") {
		t.Errorf("exit code %d: %s", code, output)
	}
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if made := days(t, pool); len(made) > 0 {
		t.Errorf("the days %v were made while the log was read", made)
	}
}

// replica returns a database that stands for a replica: it has the schema, and is behind by everything.
func replica(t *testing.T) config.Database {
	t.Helper()
	db := pgtest.Database(t)
	if err := schema.Migrate(t.Context(), pgtest.Pool(t, db), quiet); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAnUploadIsReadBackThoughTheReplicaLags(t *testing.T) {
	api := start(t, "serve", pgtest.Database(t), "DATABASE_READ_NAME="+replica(t).Name)
	id := post(t, api, upload)
	if status, answer := ask(t, http.MethodGet, api.http+"/v1/documents/"+id, ""); status != http.StatusOK {
		t.Errorf("status %d: %s", status, answer)
	}
	if _, answer := ask(t, http.MethodGet, api.http+"/v1/documents", ""); strings.Contains(answer, id) {
		t.Errorf("the list is not the replica's: %s", answer)
	}
}

func TestTheAPIServesOnWithoutItsReplica(t *testing.T) {
	db := pgtest.Database(t)
	api := start(t, "serve", db, "DATABASE_READ_NAME=absent")
	start(t, "worker", db)
	awaitReady(t, api, post(t, api, upload))
	if status, answer := ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", ""); status != http.StatusOK || !strings.Contains(answer, "Lighthouses") {
		t.Errorf("status %d: %s", status, answer)
	}
	if _, served := ask(t, http.MethodGet, api.admin+"/metrics", ""); strings.Contains(served, `ragapi_degraded_total{missing="replica"} 0`) {
		t.Error("the reads from the primary are not counted")
	}
}

func TestTheAPIWorksThroughTransactionPooling(t *testing.T) {
	db := pgtest.Database(t)
	pooled := pgtest.StartPooler(t, db, 1).Database
	direct := []string{
		"DATABASE_DIRECT_HOST=" + db.Host, "DATABASE_DIRECT_PORT=" + strconv.Itoa(int(db.Port)), "DATABASE_DIRECT_SSLMODE=" + db.SSLMode,
		"DATABASE_READ_NAME=" + db.Name,
	}
	api, worker := start(t, "serve", pooled, direct...), start(t, "worker", pooled, direct...)
	const undisturbed = `ragapi_degraded_total{missing="replica"} `
	degraded := func(p *running) string {
		_, served := ask(t, http.MethodGet, p.admin+"/metrics", "")
		_, after, _ := strings.Cut(served, undisturbed)
		count, _, _ := strings.Cut(after, "\n")
		return count
	}
	awaitReady(t, api, post(t, api, upload)) // what was read before the replica had been looked at went to the primary
	before := degraded(api) + degraded(worker)
	for i := range 5 {
		awaitReady(t, api, post(t, api, fmt.Sprintf(`{"title":"Lighthouse %d","text":"The keeper trims the lamp at dusk."}`, i)))
		for _, mode := range []string{"simple", "complex"} {
			if status, answer := ask(t, http.MethodGet, api.http+"/v1/search?q=lamp&mode="+mode, ""); status != http.StatusOK || !strings.Contains(answer, "Lighthouse") {
				t.Errorf("status %d: %s", status, answer)
			}
		}
	}
	eventually(t, "logged", func() bool {
		_, answer := ask(t, http.MethodGet, api.http+"/v1/dashboard", "")
		return strings.Contains(answer, `"simple":{"searches":5`)
	})
	if after := degraded(api) + degraded(worker); after != before {
		t.Errorf("reads were degraded: %s before, %s after", before, after)
	}
}

// Names of the variables with the servers of the other tiers.
const (
	envRedis  = "RAGAPI_TEST_REDIS_URL"
	envChroma = "RAGAPI_TEST_CHROMA_URL"
)

// tiers returns the environment of a process that uses all of them.
func tiers(t *testing.T) []string {
	t.Helper()
	given := os.Getenv(envRedis)
	if given == "" || os.Getenv(envChroma) == "" {
		t.Skipf("no Redis and Chroma to test with: set %s and %s", envRedis, envChroma)
	}
	redis, err := url.Parse(given)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := redis.User.Password() // absent is empty: none
	secure := map[bool]string{true: "on", false: "off"}
	return []string{
		"CACHE_ADDR=" + redis.Host, "CACHE_USERNAME=" + redis.User.Username(), "CACHE_PASSWORD=" + password, "CACHE_TLS=" + secure[redis.Scheme == "rediss"],
		"CACHE_CA_FILE=" + redis.Query().Get("ca"), "VECTOR_URL=" + os.Getenv(envChroma),
	}
}

func TestADocumentIsFoundByItsVectorAndForgottenEverywhere(t *testing.T) {
	env := tiers(t)
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db, env...)
	start(t, "worker", db, env...)
	id := post(t, api, `{"title":"Streets","text":"Lamplighters kept the streetlamps."}`)
	awaitReady(t, api, id)
	eventually(t, "embedded", func() bool {
		var n int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM document_embeddings`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	eventually(t, "told to forget what another run has kept", func() bool {
		status, _ := ask(t, http.MethodPost, api.admin+"/v1/cache/invalidations", `{"search":"lamplihters"}`)
		return status == http.StatusNoContent
	})
	search := api.http + "/v1/search?mode=complex&q=lamplihters+streetlmps" // misspelt: no index of words has them
	for range 3 {                                                           // from the database, then from the cache
		if status, answer := ask(t, http.MethodGet, search, ""); status != http.StatusOK || !strings.Contains(answer, `"match":"similar"`) {
			t.Fatalf("status %d: %s", status, answer)
		}
	}
	if status, answer := ask(t, http.MethodDelete, api.http+"/v1/documents/"+id, ""); status != http.StatusNoContent {
		t.Fatalf("status %d: %s", status, answer)
	}
	if _, answer := ask(t, http.MethodGet, search, ""); strings.Contains(answer, id) {
		t.Errorf("a search finds a deleted document: %s", answer)
	}
	eventually(t, "forgotten by the vector store", func() bool {
		var done int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'forget_document' AND state = 'completed'`).Scan(&done); err != nil {
			t.Fatal(err)
		}
		return done == 1
	})
}

func TestUpkeepAsksForVectorsThatAreMissing(t *testing.T) {
	env := tiers(t)
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api, worker := start(t, "serve", db), start(t, "worker", db) // without a vector store
	awaitReady(t, api, post(t, api, upload))
	worker.kill()
	for range 2 { // the second asks for nothing: the job is there
		if code, output := command(t, "upkeep", db, env...); code != exitFine {
			t.Fatalf("exit code %d: %s", code, output)
		}
	}
	start(t, "worker", db, env...)
	eventually(t, "embedded once", func() bool {
		var embedded, jobs int
		err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM document_embeddings), (SELECT count(*) FROM river_job WHERE kind = 'embed_document')`).Scan(&embedded, &jobs)
		if err != nil || jobs != 1 {
			t.Fatalf("%d jobs (%v), want 1", jobs, err)
		}
		return embedded == 1
	})
}

// headerOf is a header of the answer to a GET.
func headerOf(t *testing.T, url, name string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Header.Get(name)
}

func TestTheAPIServesOnWithoutCacheAndVectors(t *testing.T) {
	db := pgtest.Database(t)
	gone := []string{"CACHE_ADDR=127.0.0.1:1", "CACHE_TLS=off", "VECTOR_URL=http://127.0.0.1:1"}
	api := start(t, "serve", db, gone...)
	start(t, "worker", db, gone...)
	id := post(t, api, upload)
	awaitReady(t, api, id)
	if status, answer := ask(t, http.MethodGet, api.http+"/v1/search?q=lamp&mode=complex", ""); status != http.StatusOK || !strings.Contains(answer, id) {
		t.Errorf("status %d: %s", status, answer)
	}
	for mode, want := range map[string]string{"complex": "vector", "simple": ""} {
		if got := headerOf(t, api.http+"/v1/search?q=lamp&mode="+mode, "X-Degraded"); got != want {
			t.Errorf("%s: X-Degraded %q, want %q", mode, got, want)
		}
	}
	if status, answer := ask(t, http.MethodDelete, api.http+"/v1/documents/"+id, ""); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, answer)
	}
	_, served := ask(t, http.MethodGet, api.admin+"/metrics", "")
	for _, line := range []string{`ragapi_cache_available 0`, `ragapi_degraded_total{missing="vector"} 2`} {
		if !strings.Contains(served, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if status, answer := ask(t, http.MethodPost, api.admin+"/v1/cache/invalidations", `{"all":true}`); status != http.StatusServiceUnavailable {
		t.Errorf("an invalidation without a cache answers %d: %s", status, answer)
	}
}
