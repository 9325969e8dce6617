// Package session keeps conversations: what a user and the assistant have said, so that any process can go on.
//
// Owns: the table sessions, how long a session lives, how many messages it keeps. Does not own: what answers a message.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNotFound means that no session has the given id, or that it has expired.
var ErrNotFound = errors.New("no such session")

// Session is a conversation of one user.
type Session struct {
	ID        uuid.UUID
	User      string
	Messages  []Message // the newest MostMessages, the oldest first
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time
}

// Message is something that was said.
type Message struct {
	Role    string    `json:"role"`
	Content string    `json:"content"`
	At      time.Time `json:"at"`
}

// MostMessages of a session are kept; each further one takes the place of the oldest.
const MostMessages = 100

// Store keeps sessions in the primary database. They are read from there too: who says something must see it said.
type Store struct {
	pool *pgxpool.Pool
	ttl  time.Duration
}

// NewStore returns a store of sessions that expire ttl after their last message.
func NewStore(pool *pgxpool.Pool, ttl time.Duration) *Store { return &Store{pool: pool, ttl: ttl} }

const columns = `id, user_id, messages, created_at, updated_at, expires_at`

// Create begins a session of user.
func (s *Store) Create(ctx context.Context, user string) (Session, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Session{}, fmt.Errorf("session id: %w", err)
	}
	return s.one(ctx, "create session", `INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, now() + $3) RETURNING `+columns, id, user, s.ttl)
}

// Get returns the session with id, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (Session, error) {
	return s.one(ctx, "read session", `SELECT `+columns+` FROM sessions WHERE id = $1 AND expires_at > now()`, id)
}

// Append adds a message and puts off the session's end. Messages that arrive at once are all kept, in some order.
func (s *Store) Append(ctx context.Context, id uuid.UUID, m Message) (Session, error) {
	m.At = time.Now().UTC().Truncate(time.Microsecond)
	raw, err := json.Marshal(m)
	if err != nil {
		return Session{}, fmt.Errorf("message: %w", err)
	}
	return s.one(ctx, "append to session", `UPDATE sessions
		SET messages = CASE WHEN jsonb_array_length(messages) < $3 THEN messages ELSE messages - 0 END || jsonb_build_array($2::jsonb), updated_at = clock_timestamp(), expires_at = now() + $4
		WHERE id = $1 AND expires_at > now() RETURNING `+columns, id, raw, MostMessages, s.ttl)
}

// List returns at most limit sessions of user without their messages, the newest first, beginning after the one with id before.
func (s *Store) List(ctx context.Context, user string, limit int, before uuid.UUID) ([]Session, error) {
	rows, err := s.pool.Query(ctx, listSQL, user, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return sessions, nil
}

const listSQL = `SELECT id, user_id, NULL::jsonb, created_at, updated_at, expires_at FROM sessions WHERE user_id = $1 AND id < $2 AND expires_at > now() ORDER BY id DESC LIMIT $3`

// Delete ends the session with id, or returns ErrNotFound.
func (s *Store) Delete(ctx context.Context, id uuid.UUID) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE id = $1 AND expires_at > now()`, id)
	if err != nil {
		return fmt.Errorf("delete session %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotFound
	}
	return nil
}

// expireBatch bounds one statement, so that it holds few locks and little of it is lost when it is interrupted.
const expireBatch = 5000

const expireSQL = `DELETE FROM sessions WHERE id = ANY (ARRAY(SELECT id FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`

// Expire deletes the sessions that have expired and returns how many. Several may do so at once.
func (s *Store) Expire(ctx context.Context) (int64, error) {
	var total int64
	for {
		tag, err := s.pool.Exec(ctx, expireSQL, expireBatch)
		if err != nil {
			return total, fmt.Errorf("expire sessions: %w", err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < expireBatch {
			return total, nil
		}
	}
}

func (s *Store) one(ctx context.Context, what, sql string, args ...any) (Session, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return Session{}, fmt.Errorf("%s: %w", what, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Session])
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, ErrNotFound
	}
	if err != nil {
		return Session{}, fmt.Errorf("%s: %w", what, err)
	}
	return found, nil
}
