package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/cache"
	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/session"
)

// begin makes a transaction, which commit ends: others may end before it. What is read meanwhile has not seen it.
func (w *world) begin() (commit func(c *cache.Cache, what change.What, subject string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	number := w.next
	w.next++
	w.running = number
	return func(c *cache.Cache, what change.What, subject string) {
		w.mu.Lock()
		w.running = 0
		made := change.Change{What: what, Subject: subject, Transaction: number}
		w.changes = append(w.changes, made)
		w.mu.Unlock()
		c.Changed(context.Background(), made)
	}
}

// Two messages at once: the one whose transaction began first may be committed last.
func TestATransactionThatEndsAfterALaterOneIsHeededToo(t *testing.T) {
	w, c, _ := connected(t)
	store := w.session(c, time.Hour)
	kept := cache.NewSessions(store, c)
	said := func() int {
		t.Helper()
		got, err := kept.Get(t.Context(), store.one.ID, session.Span{})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Messages)
	}
	commit := w.begin()
	store.say(session.Message{Role: "user"})
	w.commit(c, change.SessionChanged, store.one.ID.String())
	for range 3 {
		if said() != 1 {
			t.Fatalf("%d messages, want the one that is committed", said())
		}
	}
	store.say(session.Message{Role: "assistant"})
	commit(c, change.SessionChanged, store.one.ID.String())
	for range 3 {
		if got := said(); got != 2 {
			t.Fatalf("%d messages, want 2: both are committed", got)
		}
	}
	untilKept(t, store.count, func() { said() })
}

// A document that takes long to process becomes ready after others that began later.
func TestASearchHearsOfADocumentWhoseTransactionTookLong(t *testing.T) {
	w, c, _ := connected(t)
	engine := &searcher{world: w}
	kept, q := cache.NewSearches(engine, c), query()
	commit := w.begin()
	w.commit(c, change.DocumentReady, uuid.NewString())
	eventually(t, "soft", func() bool { return marked(t, "searches:soft") })
	find(t, kept, q)
	long := uuid.New()
	engine.mu.Lock()
	engine.found = []uuid.UUID{long}
	engine.mu.Unlock()
	commit(c, change.DocumentReady, long.String())
	eventually(t, "found", func() bool { return find(t, kept, q).Count == 1 })
}
