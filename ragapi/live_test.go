package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/document"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/queue"
	"github.com/ragscale/ragscale/ragapi/schema"
)

const upload = `{"title":"Lighthouses","text":"The keeper trims the lamp at dusk."}`

// post uploads a document and returns its id.
func post(t *testing.T, api *running, body string) string {
	t.Helper()
	status, answer := ask(t, http.MethodPost, api.http+"/v1/documents", body)
	var doc struct{ ID, Status string }
	if err := json.Unmarshal([]byte(answer), &doc); err != nil || status != http.StatusAccepted || doc.Status != "pending" {
		t.Fatalf("status %d: %s", status, answer)
	}
	return doc.ID
}

func awaitReady(t *testing.T, api *running, id string) {
	t.Helper()
	eventually(t, "ready", func() bool {
		_, answer := ask(t, http.MethodGet, api.http+"/v1/documents/"+id, "")
		return strings.Contains(answer, `"status":"ready"`)
	})
}

func TestAPostedDocumentIsFoundAndADeletedOneIsNot(t *testing.T) {
	db := pgtest.Database(t)
	api := start(t, "serve", db)
	start(t, "worker", db)
	id := post(t, api, upload)
	awaitReady(t, api, id)
	for _, query := range []string{"lamp", "lighthouses", "lam&mode=complex"} {
		if _, answer := ask(t, http.MethodGet, api.http+"/v1/search?q="+query, ""); !strings.Contains(answer, id) {
			t.Errorf("a search for %s does not find the document: %s", query, answer)
		}
	}
	if status, answer := ask(t, http.MethodDelete, api.http+"/v1/documents/"+id, ""); status != http.StatusNoContent {
		t.Fatalf("status %d: %s", status, answer)
	}
	if _, answer := ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", ""); !strings.Contains(answer, `"hits":[]`) {
		t.Errorf("a search finds a deleted document: %s", answer)
	}
	if status, _ := ask(t, http.MethodGet, api.http+"/v1/documents/"+id, ""); status != http.StatusNotFound {
		t.Errorf("a deleted document answers %d, want 404", status)
	}
}

func TestReadinessAnswersOnBothPorts(t *testing.T) {
	api := start(t, "serve", pgtest.Database(t))
	for _, url := range []string{api.http + "/readyz", api.http + "/healthz", api.admin + "/readyz", api.admin + "/healthz"} {
		if status, answer := ask(t, http.MethodGet, url, ""); status != http.StatusOK {
			t.Errorf("%s answers %d: %s", url, status, answer)
		}
	}
}

func TestDocumentedMetricsAndVariablesExist(t *testing.T) {
	db := pgtest.Database(t)
	api, worker := start(t, "serve", db), start(t, "worker", db)
	awaitReady(t, api, post(t, api, upload))
	ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", "")
	_, served := ask(t, http.MethodGet, api.admin+"/metrics", "")
	_, worked := ask(t, http.MethodGet, worker.admin+"/metrics", "")
	contract, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(served + worked) {
		if name, found := strings.CutPrefix(line, "# HELP ragapi_"); found {
			name = "`ragapi_" + strings.Fields(name)[0] + "`"
			if !strings.Contains(string(contract), name) {
				t.Errorf("docs/api.md does not name the metric %s", name)
			}
		}
	}
	for row := range strings.Lines(string(contract)) {
		if name, found := strings.CutPrefix(row, "| `ragapi_"); found {
			name, _, _ = strings.Cut(name, "`")
			if !strings.Contains(served+worked, "# HELP ragapi_"+name+" ") {
				t.Errorf("docs/api.md names the metric ragapi_%s, which is not served", name)
			}
		}
	}
	_, err = config.Load(func(name string) (string, bool) {
		if !strings.Contains(string(contract), "| `"+name+"`") {
			t.Errorf("docs/api.md does not name the variable %s", name)
		}
		return "x", true
	})
	if err == nil {
		t.Error("nonsense was accepted as an environment")
	}
}

// quiet discards what migrations log.
var quiet = slog.New(slog.DiscardHandler)

func TestTwentyMigratorsAtOnceAllSucceed(t *testing.T) {
	db := pgtest.Database(t)
	db.PoolSize = 2
	var wg sync.WaitGroup
	for range 20 {
		pool := pgtest.Pool(t, db)
		wg.Go(func() {
			if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := schema.Check(t.Context(), pgtest.Pool(t, db)); err != nil {
		t.Error(err)
	}
}

func TestAMigrationIsNotNeededTwice(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Check(t.Context(), pool); err == nil || !strings.HasPrefix(err.Error(), "schema is at version 0 (queue 0), want ") {
		t.Errorf("an empty database: %v", err)
	}
	for range 2 {
		if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting reports whether some session of the database of pool waits for a lock.
func waiting(t *testing.T, pool *pgxpool.Pool) func() bool {
	return func() bool {
		var n int
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
}

func TestAnInterruptedMigrationIsDoneAgain(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	// An uncommitted table of the same name holds the migration up after its first statement.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `CREATE TABLE chunks (x int)`); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- schema.Migrate(ctx, pool, quiet) }()
	eventually(t, "held up", waiting(t, pool))
	interrupt()
	if err := <-ended; err == nil {
		t.Fatal("an interrupted migration succeeded")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	var half bool
	if err := pool.QueryRow(t.Context(), `SELECT to_regclass('documents') IS NOT NULL`).Scan(&half); err != nil || half {
		t.Errorf("half a migration was left behind (%v)", err)
	}
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Errorf("the next migration: %v", err)
	}
}

func TestAMigrationInterruptedHalfwayGoesOnWhereItStood(t *testing.T) {
	pool := pgtest.Pool(t, pgtest.Database(t))
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Holds up the third of the migrations, after its first statements.
	if _, err := tx.Exec(t.Context(), `CREATE TABLE query_stats (x int)`); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- schema.Migrate(ctx, pool, quiet) }()
	eventually(t, "held up", waiting(t, pool))
	interrupt()
	if err := <-ended; err == nil {
		t.Fatal("an interrupted migration succeeded")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at, err := schema.Current(t.Context(), pool); err != nil || at.Tables != 2 {
		t.Fatalf("the schema is at %+v (%v), want the two migrations before the interrupted one", at, err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, 'u', now())`, uuid.Max); err != nil {
		t.Fatal(err)
	}
	if err := schema.Migrate(t.Context(), pool, quiet); err != nil {
		t.Fatalf("the next migration: %v", err)
	}
	var kept int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d sessions (%v), want the one from before", kept, err)
	}
}

func TestWrongCredentialsEndAProcessWithOneErrorThatNamesThem(t *testing.T) {
	db := pgtest.Database(t)
	stranger := db
	stranger.User = "stranger"
	intruder := db
	intruder.Password = "wrong-secret"
	lost := db
	lost.Name = "no_such_database"
	for name, wrong := range map[string]config.Database{"user": stranger, "password": intruder, "database": lost} {
		for _, process := range []string{"serve", "worker", "migrate", "upkeep"} {
			t.Run(process+" with a wrong "+name, func(t *testing.T) {
				code, output := command(t, process, wrong, "HTTP_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0")
				if code != exitFailed {
					t.Errorf("exit code %d, want %d", code, exitFailed)
				}
				if strings.Count(output, `"level":"ERROR"`) != 1 || strings.Contains(output, `"level":"WARN"`) {
					t.Errorf("want one error and no warning:\n%s", output)
				}
				for _, want := range []string{wrong.Host + ":" + strconv.Itoa(int(wrong.Port)), wrong.User, wrong.Name} {
					if !strings.Contains(output, want) {
						t.Errorf("%s is not named:\n%s", want, output)
					}
				}
				if strings.Contains(output, wrong.Password) {
					t.Errorf("the password is in the log:\n%s", output)
				}
			})
		}
	}
}

// holdRow locks a document's row until the returned function is called, or the test ends.
func holdRow(t *testing.T, pool *pgxpool.Pool, id string) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT 1 FROM documents WHERE id = $1 FOR UPDATE`, id); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(release) // else a failed test would wait for its pool for ever
	return release
}

func TestDrainFinishesRequestsInFlight(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db, "DRAIN_DELAY=2s")
	id := post(t, api, upload)
	release := holdRow(t, pool, id)
	answered := make(chan int, 1)
	go func() {
		status, _ := ask(t, http.MethodDelete, api.http+"/v1/documents/"+id, "")
		answered <- status
	}()
	eventually(t, "in flight", waiting(t, pool))

	api.signal(syscall.SIGTERM)
	eventually(t, "unready", func() bool {
		status, _ := ask(t, http.MethodGet, api.admin+"/readyz", "")
		return status == http.StatusServiceUnavailable
	})
	if status, answer := ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", ""); status != http.StatusOK {
		t.Errorf("a request that came before the balancer noticed got %d: %s", status, answer)
	}
	eventually(t, "closed to new requests", func() bool {
		status, _ := ask(t, http.MethodGet, api.http+"/healthz", "")
		return status == 0
	})
	release()
	if status := <-answered; status != http.StatusNoContent {
		t.Errorf("the request in flight got %d, want 204", status)
	}
	if code := api.exit(); code != exitFine {
		t.Errorf("exit code %d: %s", code, api.output())
	}
}

func TestASecondSignalQuits(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db, "DRAIN_DELAY=0s", "DRAIN_TIMEOUT=10m")
	id := post(t, api, upload)
	holdRow(t, pool, id)
	go ask(t, http.MethodDelete, api.http+"/v1/documents/"+id, "")
	eventually(t, "in flight", waiting(t, pool))
	api.signal(syscall.SIGTERM)
	eventually(t, "draining", func() bool { return strings.Contains(api.output(), "draining") })
	api.signal(syscall.SIGTERM)
	if code := api.exit(); code != exitFailed || !strings.Contains(api.output(), "requests cut off") {
		t.Errorf("exit code %d, want %d and a word on what was cut off: %s", code, exitFailed, api.output())
	}
}

func TestACrashedWorkersDocumentIsProcessedByAnother(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db)
	id := post(t, api, upload)
	release := holdRow(t, pool, id)
	crashing := start(t, "worker", db)
	eventually(t, "at work", func() bool { return jobState(t, pool) == "running/1" && waiting(t, pool)() })
	crashing.kill()
	release()
	// As if the time had passed after which a job is taken from its worker; and the dead one's lead of the queue's upkeep.
	for _, sql := range []string{`UPDATE river_job SET attempted_at = now() - interval '1 day'`, `DELETE FROM river_leader`} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	start(t, "worker", db)
	awaitReady(t, api, id)
	eventually(t, "completed at the second attempt", func() bool { return jobState(t, pool) == "completed/2" })
	if _, answer := ask(t, http.MethodGet, api.http+"/v1/search?q=lamp", ""); strings.Count(answer, id) != 1 {
		t.Errorf("the document is found more or less than once: %s", answer)
	}
}

func TestADocumentWhoseWorkersDieFailsWithItsReason(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db)
	id := post(t, api, upload)
	if _, err := pool.Exec(t.Context(), `UPDATE river_job SET attempt = 4`); err != nil {
		t.Fatal(err)
	}
	release := holdRow(t, pool, id)
	crashing := start(t, "worker", db)
	eventually(t, "at work", func() bool { return jobState(t, pool) == "running/5" && waiting(t, pool)() })
	crashing.kill()
	release()
	for _, sql := range []string{`UPDATE river_job SET attempted_at = now() - interval '1 day'`, `DELETE FROM river_leader`} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	start(t, "worker", db)
	eventually(t, "given up", func() bool { return jobState(t, pool) == "discarded/5" })
	if code, output := command(t, "upkeep", db); code != exitFine {
		t.Fatalf("exit code %d: %s", code, output)
	}
	_, answer := ask(t, http.MethodGet, api.http+"/v1/documents?status=failed", "")
	if !strings.Contains(answer, id) || !strings.Contains(answer, "its worker died") {
		t.Errorf("the failed documents are %s", answer)
	}
	if status, answer := ask(t, http.MethodPost, api.http+"/v1/documents/"+id+"/retry", ""); status != http.StatusAccepted {
		t.Errorf("trying again: status %d: %s", status, answer)
	}
	awaitReady(t, api, id)
}

func TestAReplacedDocumentIsFoundByItsNewText(t *testing.T) {
	db := pgtest.Database(t)
	api := start(t, "serve", db)
	start(t, "worker", db)
	id := post(t, api, upload)
	awaitReady(t, api, id)
	if status, answer := ask(t, http.MethodPut, api.http+"/v1/documents/"+id, `{"title":"Bicycles","text":"Two wheels and a saddle."}`); status != http.StatusAccepted || !strings.Contains(answer, `"version":2`) {
		t.Fatalf("status %d: %s", status, answer)
	}
	awaitReady(t, api, id)
	for query, want := range map[string]bool{"saddle": true, "lamp": false} {
		if _, answer := ask(t, http.MethodGet, api.http+"/v1/search?q="+query, ""); strings.Contains(answer, id) != want {
			t.Errorf("a search for %s: %s", query, answer)
		}
	}
}

func TestProcessingAgainLeavesNoDuplicates(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db)
	id := uuid.MustParse(post(t, api, `{"title":"Long","text":"`+strings.Repeat("A sentence about a lamp. ", 200)+`"}`))
	store := document.NewStore(pool, nil, nil, nil)
	first, _, err := store.Process(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	// As a process that was killed between indexing and saying so would have left it, were that not one transaction.
	if _, err := pool.Exec(t.Context(), `UPDATE documents SET status = 'pending'`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, _, err := store.Process(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var chunks int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM chunks`).Scan(&chunks); err != nil || chunks != first.ChunkCount || chunks < 2 {
		t.Errorf("%d chunks (%v), want %d", chunks, err, first.ChunkCount)
	}
}

func TestAStoppedWorkerFinishesItsJob(t *testing.T) {
	db := pgtest.Database(t)
	pool := pgtest.Pool(t, db)
	api := start(t, "serve", db)
	id := post(t, api, upload)
	release := holdRow(t, pool, id)
	worker := start(t, "worker", db)
	eventually(t, "at work", waiting(t, pool))
	worker.signal(syscall.SIGTERM)
	eventually(t, "unready", func() bool {
		status, _ := ask(t, http.MethodGet, worker.admin+"/readyz", "")
		return status == http.StatusServiceUnavailable
	})
	release()
	if code := worker.exit(); code != exitFine {
		t.Errorf("exit code %d: %s", code, worker.output())
	}
	if got := jobState(t, pool); got != "completed/1" {
		t.Errorf("the job is %s, want completed/1", got)
	}
}

func jobState(t *testing.T, pool *pgxpool.Pool) (state string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT coalesce(max(state || '/' || attempt), '') FROM river_job`).Scan(&state); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestALongQueueIsCountedToABoundOnly(t *testing.T) {
	pool := pgtest.Pool(t, replica(t))
	sql := `INSERT INTO river_job (kind, max_attempts, args, state, finalized_at)
		SELECT 'process_document', 5, '{}', s.state::river_job_state, CASE s.state WHEN 'completed' THEN now() END
		FROM (VALUES ('available', 10050), ('retryable', 7), ('completed', 3)) s(state, jobs), generate_series(1, s.jobs)`
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	counted, err := queue.DepthOf(t.Context(), pool)
	depth := counted.Processing
	if err != nil || depth["available"] != 10_000 || depth["retryable"] != 7 || depth["running"] != 0 || depth["completed"] != 0 {
		t.Errorf("depth %v (%v), want 10,000 available and 7 retryable", depth, err)
	}
}
