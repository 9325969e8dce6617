package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// hold makes transactions that write to a table wait at their end, until the function that it returns is called.
func hold(t *testing.T, pool *pgxpool.Pool, table string) (release func()) {
	t.Helper()
	const lock = 4711
	for _, sql := range []string{
		`CREATE FUNCTION wait_at_the_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER wait_at_the_end AFTER INSERT ON ` + table + ` DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_the_end()`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	holder, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, lock); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		defer holder.Release()
		if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, lock); err != nil {
			t.Fatal(err)
		}
	}
}

// counted returns the number that a query answers.
func counted(t *testing.T, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// keyed sends a request under a key.
func keyed(ctx context.Context, url, body string) (status int, answer string, header http.Header) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error(), nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "k-1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error(), nil
	}
	return resp.StatusCode, string(raw), resp.Header
}

func TestWhatWasCarriedOutByAProcessThatDiedIsAnsweredAndNotRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		table, body, other string
		path               func(a *running) string
		want               int
	}{
		"an upload": {
			table: "documents", body: upload, other: `{"title":"Lighthouses","text":"Another text."}`,
			path: func(*running) string { return "/v1/documents" }, want: http.StatusAccepted,
		},
		"a message": {
			table: "session_messages", body: `{"role":"user","content":"Where is the lamp?"}`, other: `{"role":"user","content":"Where?"}`,
			path: func(a *running) string {
				_, answer := ask(t, http.MethodPost, a.http+"/v1/sessions", `{"user":"u"}`)
				return "/v1/sessions/" + idIn(answer) + "/messages"
			}, want: http.StatusCreated,
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := pgtest.Database(t)
			dies, lives := start(t, "serve", db), start(t, "serve", db)
			pool := pgtest.Pool(t, db)
			path := c.path(lives)
			release := hold(t, pool, c.table)
			go func() { _, _, _ = keyed(context.WithoutCancel(t.Context()), dies.http+path, c.body) }() // nobody hears its answer
			eventually(t, "at its end", func() bool {
				return counted(t, pool, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711`) == 1
			})
			for _, body := range []string{c.body, c.other} {
				if status, answer, header := keyed(t.Context(), lives.http+path, body); status != http.StatusConflict || !strings.Contains(answer, "idempotency-in-flight") || header.Get("Retry-After") == "" {
					t.Errorf("meanwhile: status %d, %v: %s", status, header, answer)
				}
			}
			dies.kill()
			release()
			eventually(t, "committed", func() bool { return counted(t, pool, `SELECT count(*) FROM `+c.table) == 1 })
			status, first, _ := keyed(t.Context(), lives.http+path, c.body)
			if status != c.want {
				t.Fatalf("sent again: status %d: %s", status, first)
			}
			if status, again, _ := keyed(t.Context(), lives.http+path, c.body); status != c.want || again != first {
				t.Errorf("and again: status %d: %s, want %s", status, again, first)
			}
			if status, answer, _ := keyed(t.Context(), lives.http+path, c.other); status != http.StatusUnprocessableEntity || !strings.Contains(answer, "idempotency-mismatch") {
				t.Errorf("another under the key: status %d: %s", status, answer)
			}
			if n := counted(t, pool, `SELECT count(*) FROM `+c.table); n != 1 {
				t.Errorf("it was carried out %d times", n)
			}
		})
	}
}
