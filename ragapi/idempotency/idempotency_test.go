package idempotency_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ragscale/ragscale/ragapi/idempotency"
	"github.com/ragscale/ragscale/ragapi/pgtest"
	"github.com/ragscale/ragscale/ragapi/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// counter numbers the times that a request is carried out.
type counter struct {
	t    *testing.T
	pool *pgxpool.Pool
	done int
}

func open(t *testing.T) *counter {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.Database(t))
	if err := schema.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return &counter{t: t, pool: pool}
}

func (c *counter) send(key idempotency.Key, fault error) (answer int, err error) {
	err = pgx.BeginFunc(c.t.Context(), c.pool, func(tx pgx.Tx) (err error) {
		answer, err = idempotency.Once(c.t.Context(), tx, key, func() (int, error) {
			c.done++
			return c.done, fault
		})
		return err
	})
	return answer, err
}

func key(owner, value string, request byte) idempotency.Key {
	return idempotency.Key{Owner: owner, Value: value, Request: [32]byte{request}}
}

func TestARequestIsCarriedOutOncePerUserAndKey(t *testing.T) {
	c := open(t)
	for _, step := range []struct {
		key  idempotency.Key
		want int
	}{
		{key("u", "a", 1), 1},
		{key("u", "a", 1), 1},
		{key("u", "b", 1), 2},
		{key("v", "a", 2), 3},
		{key("", "a", 2), 4},
		{key("", "a", 2), 4},
		{idempotency.Key{}, 5},
		{idempotency.Key{}, 6},
	} {
		if got, err := c.send(step.key, nil); err != nil || got != step.want {
			t.Errorf("%+v is answered %d (%v), want %d", step.key, got, err, step.want)
		}
	}
	if _, err := c.send(key("u", "a", 9), nil); !errors.Is(err, idempotency.ErrOtherRequest) {
		t.Errorf("another request under the same key: %v", err)
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	c := open(t)
	broken := errors.New("broken")
	if _, err := c.send(key("u", "a", 1), broken); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if got, err := c.send(key("u", "a", 2), nil); err != nil || got != 2 {
		t.Errorf("answered %d (%v), want 2", got, err)
	}
}

func TestAfterADayAKeyIsNew(t *testing.T) {
	c := open(t)
	for _, value := range []string{"old", "older"} {
		if _, err := c.send(key("u", value, 1), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.pool.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = now() - interval '25 hours'`); err != nil {
		t.Fatal(err)
	}
	if got, err := c.send(key("u", "old", 2), nil); err != nil || got != 3 {
		t.Errorf("answered %d (%v), want 3", got, err)
	}
	if n, err := idempotency.Expire(t.Context(), c.pool); err != nil || n != 1 {
		t.Errorf("%d expired (%v), want the other one", n, err)
	}
}

func TestWhileARequestIsCarriedOutItsKeyIsTaken(t *testing.T) {
	c := open(t)
	first, err := c.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := idempotency.Once(t.Context(), first, key("u", "a", 1), func() (int, error) { c.done++; return c.done, nil }); err != nil {
		t.Fatal(err)
	}
	for _, request := range []byte{1, 2} {
		if _, err := c.send(key("u", "a", request), nil); !errors.Is(err, idempotency.ErrInFlight) {
			t.Errorf("request %d: %v, want %v", request, err, idempotency.ErrInFlight)
		}
	}
	if got, err := c.send(key("v", "a", 1), nil); err != nil || got != 2 {
		t.Errorf("another user's is answered %d (%v), want 2", got, err)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.send(key("u", "a", 1), nil); err != nil || got != 1 {
		t.Errorf("sent again it is answered %d (%v), want 1", got, err)
	}
}
