// Package session keeps conversations: what a user and the assistant have said, so that any process can go on.
//
// Owns: the tables sessions and session_messages, how long a session lives, how many messages it keeps. Does not own: what
// answers a message.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/postgres"
)

var (
	// ErrNotFound means that no session has the given id, or that it has expired.
	ErrNotFound = errors.New("no such session")
	// ErrChanged means that a session is not the one that was meant.
	ErrChanged = errors.New("the session has changed")
)

// Session is a conversation of one user.
type Session struct {
	ID        uuid.UUID
	User      string
	Messages  []Message // as many as were asked for, the oldest first
	Older     bool      // there are others before these
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time
}

// Message is something that was said.
type Message struct {
	Number  int64     `json:"number" jsonschema:"from 1, in the order in which they were said"`
	Role    string    `json:"role"`
	Content string    `json:"content"`
	At      time.Time `json:"at"`
}

// MostMessages of a session are kept; each further one takes the place of the oldest.
const MostMessages = 100

// MostText is how many bytes the messages of an answer have together, unless there is one alone.
const MostText = 192 << 10

// Span is a part of a session's messages: the newest Limit of those before number Before; 0 is no bound. It has no more than MostText.
type Span struct {
	Limit  int
	Before int64
}

// Store keeps sessions in the primary database. They are read from there too: who says something must see it said.
type Store struct {
	pool    *pgxpool.Pool
	reads   *postgres.Reader
	changes *change.Log
	ttl     time.Duration
}

// NewStore returns a store of sessions that expire ttl after their last message. changes may be nil.
func NewStore(pool *pgxpool.Pool, changes *change.Log, ttl time.Duration) *Store {
	return &Store{pool: pool, reads: postgres.NewReader(pool, nil, nil), changes: changes, ttl: ttl}
}

// Condition says whether a session, which is given without its messages, is as it was meant; nil is any. It is held in the
// transaction that changes the session.
type Condition func(Session) bool

// Create begins a session of user. One that was begun under the same key is answered as it was then; ErrOtherRequest and
// ErrInFlight of package idempotency say why it is not.
func (s *Store) Create(ctx context.Context, user string, key idempotency.Key) (Session, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Session{}, fmt.Errorf("session id: %w", err)
	}
	made, err := once(ctx, s, key, change.SessionAdded, user, func(tx pgx.Tx) (Session, []change.Change, error) {
		made := Session{ID: id, User: user}
		changes, err := s.change(ctx, tx, change.SessionAdded, user, createSQL, []any{id, user, s.ttl}, &made.CreatedAt, &made.UpdatedAt, &made.ExpiresAt)
		return made, changes, err
	})
	if err != nil {
		return Session{}, fmt.Errorf("create session: %w", err)
	}
	return made, nil
}

// once makes a change of subject in a transaction, or returns what came of it when it was made under the same key before.
func once[T any](ctx context.Context, s *Store, key idempotency.Key, what change.What, subject string, do func(pgx.Tx) (T, []change.Change, error)) (made T, err error) {
	in := postgres.InTx
	if key.Value != "" {
		in = postgres.InTxOnce
	}
	err = s.changes.Write(ctx, s.pool, in, func(tx pgx.Tx) (changes []change.Change, err error) {
		first := false
		made, err = idempotency.Once(ctx, tx, key, func() (made T, err error) {
			first = true
			made, changes, err = do(tx)
			return made, err
		})
		if err == nil && !first { // who made it may have died before anybody was told
			changes, err = s.changes.Tx(ctx, tx, subject, what)
		}
		return changes, err
	})
	return made, err
}

const createSQL = `INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, now() + $3) RETURNING created_at, updated_at, expires_at`

// getSQL reads a session and its messages as of one moment, the newest first: a row for each message, and one without if there is none.
const getSQL = `
SELECT s.id, s.user_id, s.created_at, s.updated_at, s.expires_at, m.number, m.role, m.content, m.at
FROM sessions s LEFT JOIN LATERAL (
    SELECT number, role, content, at FROM session_messages WHERE session_id = s.id AND ($2::bigint = 0 OR number < $2) ORDER BY number DESC LIMIT $3
) m ON true
WHERE s.id = $1 AND s.expires_at > now() ORDER BY m.number DESC`

// Get returns the session with id and a part of its messages, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id uuid.UUID, part Span) (found Session, err error) {
	err = s.reads.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		rows, err := db.Query(ctx, getSQL, id, part.Before, part.Limit+1) // one more tells whether there are older ones
		if err != nil {
			return err
		}
		found, err = collect(rows, part.Limit)
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	if found.ID == uuid.Nil {
		return Session{}, ErrNotFound
	}
	return found, nil
}

// collect reads a session with at most limit messages.
func collect(rows pgx.Rows, limit int) (found Session, err error) {
	defer rows.Close()
	var number *int64
	var role, content *string
	var at *time.Time
	for size := 0; rows.Next(); {
		err := rows.Scan(&found.ID, &found.User, &found.CreatedAt, &found.UpdatedAt, &found.ExpiresAt, &number, &role, &content, &at)
		if err != nil {
			return found, err
		}
		if number == nil {
			continue
		}
		size += len(*content)
		if read := len(found.Messages); read == limit || read > 0 && size > MostText {
			found.Older = true
			break
		}
		found.Messages = append(found.Messages, Message{Number: *number, Role: *role, Content: *content, At: at.UTC()})
	}
	slices.Reverse(found.Messages)
	rows.Close()
	return found, rows.Err()
}

// appendSQL adds a message and puts off the session's end, in one statement: the row's lock makes one message wait for
// the other.
const appendSQL = `
WITH touched AS (
    UPDATE sessions SET last_message = last_message + 1, updated_at = clock_timestamp(), expires_at = now() + $4
    WHERE id = $1 AND expires_at > now() RETURNING id, last_message, updated_at
), dropped AS (
    DELETE FROM session_messages m USING touched t WHERE m.session_id = t.id AND m.number <= t.last_message - $5
)
INSERT INTO session_messages (session_id, number, role, content, at) SELECT id, last_message, $2, $3, updated_at FROM touched RETURNING number, at`

// Append adds a message. Messages that arrive at once are all kept, in some order. m gets its number and time. One that was added
// under the same key is answered as it was then; ErrOtherRequest and ErrInFlight of package idempotency say why it is not.
// ErrChanged: the session is not the one that was meant.
func (s *Store) Append(ctx context.Context, id uuid.UUID, m Message, key idempotency.Key, meant Condition) (Message, error) {
	added, err := once(ctx, s, key, change.SessionChanged, id.String(), func(tx pgx.Tx) (Message, []change.Change, error) {
		if err := lock(ctx, tx, id, meant); err != nil {
			return Message{}, nil, err
		}
		made := m
		changes, err := s.change(ctx, tx, change.SessionChanged, id.String(), appendSQL, []any{id, m.Role, m.Content, s.ttl, MostMessages}, &made.Number, &made.At)
		made.At = made.At.UTC()
		return made, changes, err
	})
	if err != nil {
		return Message{}, notFoundOr(err, "append to session")
	}
	return added, nil
}

// lockSQL keeps others from changing a session before the transaction ends.
const lockSQL = `SELECT id, user_id, created_at, updated_at, expires_at FROM sessions WHERE id = $1 AND expires_at > now() FOR UPDATE`

// lock holds a session to a condition, if there is one: it returns ErrChanged if it is not the one that was meant.
func lock(ctx context.Context, tx pgx.Tx, id uuid.UUID, meant Condition) error {
	if meant == nil {
		return nil
	}
	var found Session
	err := tx.QueryRow(ctx, lockSQL, id).Scan(&found.ID, &found.User, &found.CreatedAt, &found.UpdatedAt, &found.ExpiresAt)
	if err == nil && !meant(found) {
		err = ErrChanged
	}
	return err
}

// Delete ends the session with id, or returns ErrNotFound, or ErrChanged if it is not the one that was meant.
func (s *Store) Delete(ctx context.Context, id uuid.UUID, meant Condition) error {
	err := s.changes.Write(ctx, s.pool, postgres.InTx, func(tx pgx.Tx) ([]change.Change, error) {
		if err := lock(ctx, tx, id, meant); err != nil {
			return nil, err
		}
		return s.change(ctx, tx, change.SessionChanged, id.String(), `DELETE FROM sessions WHERE id = $1 AND expires_at > now() RETURNING id`, []any{id}, &id)
	})
	if err != nil {
		return notFoundOr(err, "delete session")
	}
	return nil
}

// change runs a statement that changes a subject, and says so. The statement's row is read into the given variables; without one,
// nothing has changed and nobody needs to know.
func (s *Store) change(ctx context.Context, tx pgx.Tx, what change.What, subject, sql string, args []any, into ...any) (changes []change.Change, err error) {
	batch := &pgx.Batch{}
	batch.Queue(sql, args...)
	s.changes.Queue(batch, subject, what)
	results := tx.SendBatch(ctx, batch)
	if err = results.QueryRow().Scan(into...); err == nil {
		changes, err = s.changes.Answer(results)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return changes, err
}

func notFoundOr(err error, what string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}

const listSQL = `SELECT id, user_id, created_at, updated_at, expires_at FROM sessions WHERE user_id = $1 AND id < $2 AND expires_at > now() ORDER BY id DESC LIMIT $3`

// List returns at most limit sessions of user without their messages, the newest first, beginning after the one with id before.
func (s *Store) List(ctx context.Context, user string, limit int, before uuid.UUID) (sessions []Session, err error) {
	err = s.reads.Read(ctx, func(ctx context.Context, db postgres.Querier) error {
		rows, err := db.Query(ctx, listSQL, user, before, limit)
		if err != nil {
			return err
		}
		sessions, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (found Session, err error) {
			err = row.Scan(&found.ID, &found.User, &found.CreatedAt, &found.UpdatedAt, &found.ExpiresAt)
			return found, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return sessions, nil
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
