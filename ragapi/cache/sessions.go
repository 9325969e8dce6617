package cache

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/session"
)

// SessionStore is where sessions are; session.Store is one.
type SessionStore interface {
	Create(ctx context.Context, user string) (session.Session, error)
	Get(ctx context.Context, id uuid.UUID) (session.Session, error)
	Append(ctx context.Context, id uuid.UUID, m session.Message) (session.Session, error)
	List(ctx context.Context, user string, limit int, before uuid.UUID) ([]session.Session, error)
	Delete(ctx context.Context, id uuid.UUID) error
}

// Sessions keeps the sessions of a store. Lists are not kept: they change with every session.
type Sessions struct {
	SessionStore
	cache *Cache
}

// NewSessions returns the sessions of store, kept in c.
func NewSessions(store SessionStore, c *Cache) *Sessions {
	return &Sessions{SessionStore: store, cache: c}
}

var sessionKind = kind[session.Session]{
	name: "session", ttl: 5 * time.Minute,
	dependsOn: func(s session.Session) []string { return []string{userStamp(s.User)} },
}

// Get returns the session with id, or session.ErrNotFound.
func (s *Sessions) Get(ctx context.Context, id uuid.UUID) (session.Session, error) {
	found, _, err := fetch(ctx, s.cache, sessionKind, sessionEntry(id), []string{sessionStamp(id)}, func(ctx context.Context) (session.Session, error) {
		return s.SessionStore.Get(ctx, id)
	})
	if err == nil && !found.ExpiresAt.After(time.Now()) {
		return session.Session{}, session.ErrNotFound
	}
	return found, err
}

// Append adds a message; the next reader sees it.
func (s *Sessions) Append(ctx context.Context, id uuid.UUID, m session.Message) (session.Session, error) {
	changed, err := s.SessionStore.Append(ctx, id, m)
	if err == nil {
		s.cache.invalidate(ctx, sessionStamp(id))
	}
	return changed, err
}

// Delete ends the session with id.
func (s *Sessions) Delete(ctx context.Context, id uuid.UUID) error {
	err := s.SessionStore.Delete(ctx, id)
	if err == nil {
		s.cache.invalidate(ctx, sessionStamp(id))
	}
	return err
}

var summaryKind = kind[querylog.Summary]{name: "summary", ttl: 10 * time.Second}

// Summary returns summarize with its answers kept in c.
func Summary(summarize func(context.Context) (querylog.Summary, error), c *Cache) func(context.Context) (querylog.Summary, error) {
	return func(ctx context.Context) (querylog.Summary, error) {
		s, _, err := fetch(ctx, c, summaryKind, "summary", nil, summarize)
		return s, err
	}
}
