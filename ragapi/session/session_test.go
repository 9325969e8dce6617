package session_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/schema"
	"github.com/ragscale/ragscale/ragapi/session"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t *testing.T) (*session.Store, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return session.NewStore(pool, time.Hour), pool
}

func create(t *testing.T, store *session.Store, user string) session.Session {
	t.Helper()
	s, err := store.Create(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func say(t *testing.T, store *session.Store, id uuid.UUID, content string) session.Session {
	t.Helper()
	s, err := store.Append(t.Context(), id, session.Message{Role: "user", Content: content})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASessionKeepsWhatIsSaidInOrder(t *testing.T) {
	store, _ := open(t)
	begun := create(t, store, "u")
	say(t, store, begun.ID, "one")
	said := say(t, store, begun.ID, "two")
	got, err := store.Get(t.Context(), begun.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said, got); diff != "" {
		t.Errorf("session (-appended +read):\n%s", diff)
	}
	if len(got.Messages) != 2 || got.Messages[0].Content != "one" || got.Messages[1].Content != "two" || got.User != "u" {
		t.Errorf("session %+v", got)
	}
	if !got.ExpiresAt.After(begun.ExpiresAt) || !got.UpdatedAt.After(begun.UpdatedAt) {
		t.Errorf("a message did not put off the end: %v, %v", begun.ExpiresAt, got.ExpiresAt)
	}
}

func TestASessionKeepsTheNewestMessages(t *testing.T) {
	store, _ := open(t)
	id := create(t, store, "u").ID
	for i := range session.MostMessages + 3 {
		say(t, store, id, fmt.Sprint(i))
	}
	got, err := store.Get(t.Context(), id)
	if err != nil || len(got.Messages) != session.MostMessages {
		t.Fatalf("%d messages (%v), want %d", len(got.Messages), err, session.MostMessages)
	}
	if first, last := got.Messages[0].Content, got.Messages[session.MostMessages-1].Content; first != "3" || last != fmt.Sprint(session.MostMessages+2) {
		t.Errorf("messages from %s to %s", first, last)
	}
}

func TestMessagesAtOnceAreAllKept(t *testing.T) {
	store, _ := open(t)
	id := create(t, store, "u").ID
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := store.Append(t.Context(), id, session.Message{Role: "user", Content: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := store.Get(t.Context(), id)
	if err != nil || len(got.Messages) != 20 {
		t.Errorf("%d messages (%v), want 20", len(got.Messages), err)
	}
}

func TestAUsersSessionsAreListedNewestFirst(t *testing.T) {
	store, _ := open(t)
	first, _, third := create(t, store, "u"), create(t, store, "other"), create(t, store, "u")
	say(t, store, first.ID, "x")
	page, err := store.List(t.Context(), "u", 1, uuid.Max)
	if err != nil || len(page) != 1 || page[0].ID != third.ID {
		t.Fatalf("first page %+v (%v), want the newest", page, err)
	}
	page, err = store.List(t.Context(), "u", 5, page[0].ID)
	if err != nil || len(page) != 1 || page[0].ID != first.ID || page[0].Messages != nil {
		t.Errorf("second page %+v (%v), want the first session, without messages", page, err)
	}
}

func TestWhatIsGoneIsNotFound(t *testing.T) {
	store, pool := open(t)
	expired, deleted := create(t, store, "u").ID, create(t, store, "u").ID
	if _, err := pool.Exec(t.Context(), `UPDATE sessions SET expires_at = now() WHERE id = $1`, expired); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]uuid.UUID{"expired": expired, "deleted": deleted, "never there": uuid.Max} {
		_, getErr := store.Get(t.Context(), id)
		_, appendErr := store.Append(t.Context(), id, session.Message{Role: "user", Content: "x"})
		for operation, err := range map[string]error{"get": getErr, "append": appendErr, "delete": store.Delete(t.Context(), id)} {
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: %s gives %v, want %v", name, operation, err, session.ErrNotFound)
			}
		}
	}
	if page, err := store.List(t.Context(), "u", 5, uuid.Max); err != nil || len(page) != 0 {
		t.Errorf("the list has %+v (%v)", page, err)
	}
}

func TestExpiringDeletesOnlyWhatHasExpired(t *testing.T) {
	store, pool := open(t)
	kept := create(t, store, "u").ID
	if _, err := pool.Exec(t.Context(), `INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), 'u', now() - interval '1 s' FROM generate_series(1, 12000)`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total int64
	for range 2 {
		wg.Go(func() {
			n, err := store.Expire(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	wg.Wait()
	var left []uuid.UUID
	if err := pool.QueryRow(t.Context(), `SELECT array_agg(id) FROM sessions`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0] != kept || total != 12000 {
		t.Errorf("%d deleted, %v left, want 12000 and %v", total, left, kept)
	}
}
