package cache

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/querylog"
	"github.com/ragscale/ragscale/ragapi/session"
)

// SessionStore is where sessions are; session.Store is one.
type SessionStore interface {
	Create(ctx context.Context, user string, key idempotency.Key) (session.Session, error)
	Get(ctx context.Context, id uuid.UUID, part session.Span) (session.Session, error)
	Append(ctx context.Context, id uuid.UUID, m session.Message, key idempotency.Key, meant session.Condition) (session.Message, error)
	List(ctx context.Context, user string, limit int, before uuid.UUID) ([]session.Session, error)
	Delete(ctx context.Context, id uuid.UUID, meant session.Condition) error
}

// Sessions keeps the sessions of a store, and users' lists of them.
type Sessions struct {
	SessionStore
	cache *Cache
}

// NewSessions returns the sessions of store, kept in c.
func NewSessions(store SessionStore, c *Cache) *Sessions {
	return &Sessions{SessionStore: store, cache: c}
}

var sessionKind = &kind[session.Session]{
	name: "session", ttl: 5 * time.Minute, strict: true, absent: session.ErrNotFound,
	marks: func(s session.Session) []string { return []string{userMark(s.User)} },
}

// Get returns the session with id and a part of its messages, or session.ErrNotFound.
func (s *Sessions) Get(ctx context.Context, id uuid.UUID, part session.Span) (session.Session, error) {
	q := question{key: fmt.Sprintf("session:%s:%d:%d", id, part.Limit, part.Before), marks: []string{sessionMark(id.String())}}
	found, _, err := fetch(ctx, s.cache, sessionKind, q, func(ctx context.Context) (session.Session, error) {
		return s.SessionStore.Get(ctx, id, part)
	})
	if err == nil && ended(found) {
		return session.Session{}, session.ErrNotFound
	}
	return found, err
}

var sessionsKind = &kind[[]session.Session]{
	name: "sessions", ttl: time.Minute, strict: true,
	marks: func(list []session.Session) (names []string) {
		for _, s := range list {
			names = append(names, sessionMark(s.ID.String()))
		}
		return names
	},
}

// List returns a page of a user's sessions. One that has ended since is no part of it, and another may be in its place.
func (s *Sessions) List(ctx context.Context, user string, limit int, before uuid.UUID) ([]session.Session, error) {
	q := question{key: fmt.Sprintf("sessions:%s:%d:%s", digest(user), limit, before), marks: []string{sessionsMark(user), userMark(user)}}
	load := func(ctx context.Context) ([]session.Session, error) {
		return s.SessionStore.List(ctx, user, limit, before)
	}
	list, _, err := fetch(ctx, s.cache, sessionsKind, q, load)
	if err == nil && slices.ContainsFunc(list, ended) {
		return load(ctx)
	}
	return list, err
}

func ended(s session.Session) bool { return !s.ExpiresAt.After(time.Now()) }

var summaryKind = &kind[querylog.Summary]{name: "summary", ttl: 10 * time.Second, shared: true}

// Summary returns summarize with its answers kept in c.
func Summary(summarize func(context.Context) (querylog.Summary, error), c *Cache) func(context.Context) (querylog.Summary, error) {
	return func(ctx context.Context) (querylog.Summary, error) {
		s, _, err := fetch(ctx, c, summaryKind, question{key: "summary"}, summarize)
		return s, err
	}
}
