package session_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/idempotency"
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
	return session.NewStore(pool, nil, time.Hour), pool
}

func create(t *testing.T, store *session.Store, user string) session.Session {
	t.Helper()
	s, err := store.Create(t.Context(), user, idempotency.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func say(t *testing.T, store *session.Store, id uuid.UUID, content string) session.Message {
	t.Helper()
	s, err := store.Append(t.Context(), id, session.Message{Role: "user", Content: content}, idempotency.Key{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASessionKeepsWhatIsSaidInOrder(t *testing.T) {
	store, _ := open(t)
	begun := create(t, store, "u")
	said := []session.Message{say(t, store, begun.ID, "one"), say(t, store, begun.ID, "two")}
	got, err := store.Get(t.Context(), begun.ID, whole)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said, got.Messages); diff != "" {
		t.Errorf("messages (-appended +read):\n%s", diff)
	}
	if len(got.Messages) != 2 || got.Messages[0].Content != "one" || got.Messages[1].Content != "two" || got.User != "u" {
		t.Errorf("session %+v", got)
	}
	if !got.ExpiresAt.After(begun.ExpiresAt) || !got.UpdatedAt.After(begun.UpdatedAt) {
		t.Errorf("a message did not put off the end: %v, %v", begun.ExpiresAt, got.ExpiresAt)
	}
}

// whole are all messages that are kept.
var whole = session.Span{Limit: session.MostMessages}

func TestMessagesAreReadPageByPage(t *testing.T) {
	store, _ := open(t)
	id := create(t, store, "u").ID
	for i := range 7 {
		say(t, store, id, fmt.Sprint(i))
	}
	var read []string
	for before := int64(0); ; {
		got, err := store.Get(t.Context(), id, session.Span{Limit: 3, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			break
		}
		for _, m := range slices.Backward(got.Messages) {
			read = append(read, m.Content)
		}
		before = got.Messages[0].Number
	}
	if diff := cmp.Diff([]string{"6", "5", "4", "3", "2", "1", "0"}, read); diff != "" {
		t.Errorf("messages (-want +read):\n%s", diff)
	}
}

func TestAPageOfLargeMessagesIsShorter(t *testing.T) {
	store, _ := open(t)
	id := create(t, store, "u").ID
	large := strings.Repeat("\x01", 16<<10)
	for range 30 {
		say(t, store, id, large)
	}
	var sizes []int
	for before := int64(0); ; {
		got, err := store.Get(t.Context(), id, session.Span{Limit: session.MostMessages, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(got.Messages))
		if before = got.Messages[0].Number; !got.Older {
			break
		}
	}
	if diff := cmp.Diff([]int{12, 12, 6}, sizes); diff != "" {
		t.Errorf("messages of pages (-want +got):\n%s", diff)
	}
	got, err := store.Get(t.Context(), id, session.Span{Limit: 1, Before: 2})
	if err != nil || got.Older || len(got.Messages) != 1 {
		t.Errorf("the oldest: %d messages, older ones: %v (%v)", len(got.Messages), got.Older, err)
	}
}

func TestAMessageCostsItsOwnSize(t *testing.T) {
	store, pool := open(t)
	id := create(t, store, "u").ID
	for range session.MostMessages {
		say(t, store, id, strings.Repeat("x", 16<<10))
	}
	var before, after int64
	for _, into := range []*int64{&before, &after} {
		if into == &after {
			say(t, store, id, "ok")
		}
		if err := pool.QueryRow(t.Context(), `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`).Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	// Some pages are written whole after a checkpoint.
	if cost := after - before; cost > 100_000 {
		t.Errorf("a message of 2 bytes is %d bytes of WAL", cost)
	}
}

func TestTheReleaseBeforeMayAddMessages(t *testing.T) {
	store, pool := open(t)
	id := create(t, store, "u").ID
	say(t, store, id, "new")
	if _, err := pool.Exec(t.Context(), `UPDATE sessions SET messages = messages || jsonb_build_array('{"role": "user", "content": "old", "at": "2026-11-23T12:00:00Z"}'::jsonb) WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	say(t, store, id, "newer")
	got, err := store.Get(t.Context(), id, whole)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range got.Messages {
		said = append(said, m.Content)
	}
	if diff := cmp.Diff([]string{"new", "old", "newer"}, said); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestASessionKeepsTheNewestMessages(t *testing.T) {
	store, _ := open(t)
	id := create(t, store, "u").ID
	for i := range session.MostMessages + 3 {
		say(t, store, id, fmt.Sprint(i))
	}
	got, err := store.Get(t.Context(), id, whole)
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
			if _, err := store.Append(t.Context(), id, session.Message{Role: "user", Content: fmt.Sprint(i)}, idempotency.Key{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := store.Get(t.Context(), id, whole)
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
	if err := store.Delete(t.Context(), deleted, nil); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]uuid.UUID{"expired": expired, "deleted": deleted, "never there": uuid.Max} {
		_, getErr := store.Get(t.Context(), id, whole)
		_, appendErr := store.Append(t.Context(), id, session.Message{Role: "user", Content: "x"}, idempotency.Key{}, nil)
		for operation, err := range map[string]error{"get": getErr, "append": appendErr, "delete": store.Delete(t.Context(), id, nil)} {
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: %s gives %v, want %v", name, operation, err, session.ErrNotFound)
			}
		}
	}
	if page, err := store.List(t.Context(), "u", 5, uuid.Max); err != nil || len(page) != 0 {
		t.Errorf("the list has %+v (%v)", page, err)
	}
}

func TestMessagesBeforeAnyNumberAreRead(t *testing.T) {
	store, _ := open(t)
	id := create(t, store, "u").ID
	say(t, store, id, "x")
	for _, before := range []int64{2, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt64} {
		if got, err := store.Get(t.Context(), id, session.Span{Limit: 1, Before: before}); err != nil || len(got.Messages) != 1 {
			t.Errorf("before %d: %+v (%v)", before, got, err)
		}
	}
}

func TestOnlyTheSessionThatWasMeantIsChanged(t *testing.T) {
	store, _ := open(t)
	begun := create(t, store, "u")
	asBegun := func(s session.Session) bool { return s.UpdatedAt.Equal(begun.UpdatedAt) }
	message := session.Message{Role: "user", Content: "x"}
	ends := make(chan error)
	for range 8 {
		go func() {
			_, err := store.Append(t.Context(), begun.ID, message, idempotency.Key{}, asBegun)
			ends <- err
		}()
	}
	done := 0
	for range 8 {
		if err := <-ends; err == nil {
			done++
		} else if !errors.Is(err, session.ErrChanged) {
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d of 8 that meant one session have said something, want 1", done)
	}
	if err := store.Delete(t.Context(), begun.ID, asBegun); !errors.Is(err, session.ErrChanged) {
		t.Errorf("deleting another session: %v", err)
	}
	if err := store.Delete(t.Context(), begun.ID, func(session.Session) bool { return true }); err != nil {
		t.Error(err)
	}
	if err := store.Delete(t.Context(), begun.ID, asBegun); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("deleting an absent session: %v", err)
	}
}

func TestASessionThatIsBegunAgainIsTheSame(t *testing.T) {
	store, _ := open(t)
	key := idempotency.Key{Owner: "u", Value: "k", Request: [32]byte{1}}
	first, err := store.Create(t.Context(), "u", key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.Create(t.Context(), "u", key)
	if err != nil || again.ID != first.ID || !again.ExpiresAt.Equal(first.ExpiresAt) {
		t.Errorf("%+v (%v), want %+v", again, err, first)
	}
	key.Request = [32]byte{2}
	if _, err := store.Create(t.Context(), "v", key); !errors.Is(err, idempotency.ErrOtherRequest) {
		t.Errorf("the same key for another user: %v", err)
	}
	if page, err := store.List(t.Context(), "u", 5, uuid.Max); err != nil || len(page) != 1 {
		t.Errorf("%d sessions (%v), want 1", len(page), err)
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
