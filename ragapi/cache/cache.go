// Package cache keeps answers in Redis: documents, pages of them, searches, sessions, the dashboard.
//
// Owns: keys, how long what is kept, what invalidates it, what happens when Redis is gone. Does not own: the answers, and
// what is changed (package change).
//
// An entry says what its source had seen when it was read: a snapshot of transactions. What changes something leaves a mark
// in Redis: the transaction that did so, under the name of what it changed. An entry counts only if it has seen all marks of
// the names that it depends on. So one small write invalidates any number of entries, whatever else Redis holds; an answer
// that was on its way meanwhile is caught, and so is one from a replica that lags; and no clock of any process matters.
//
// Changes are also in the database, in the transaction that made them. Every second some process tells Redis of those that
// it has not heard of: a process may die between the two. Redis may be gone at any time: then there is no cache, and no
// error either. A process that had to do without uses the cache again when Redis has been told of everything.
package cache

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/ragapi/circuit"
	"github.com/ragscale/ragscale/ragapi/config"
)

const (
	// operationWithin bounds every question to Redis, which answers within a millisecond, and waits longer only where the
	// CPU is short. What it costs at most when Redis hangs is paid by what is in flight, then by one in each pause. Who loads an
	// answer asks three times, one after the other: together less than the 2 s that a request has.
	operationWithin = 600 * time.Millisecond
	failuresToOpen  = 3
	pause           = 2 * time.Second
	dialWithin      = 2 * time.Second
	// writeWithin also bounds the pings that find a dead connection.
	writeWithin    = 5 * time.Second
	retryInterval  = 200 * time.Millisecond
	localCacheSize = 32 << 20 // bytes per connection, of which there are two
	connections    = 1        // as a power of two
)

// Observer is told what the cache did; metrics are one.
type Observer interface {
	// CacheRequest hears of an answer that was looked for: result is hit, stale (a hit that is being read anew), miss or
	// error; level is where it was, process or redis.
	CacheRequest(kind, result, level string)
	CacheOperation(operation string, took time.Duration)
	CacheAvailable(available bool)
}

// Cache is one process' way to Redis.
type Cache struct {
	options rueidis.ClientOption
	seen    Observer
	log     *slog.Logger
	breaker circuit.Breaker
	changes Changes
	// existing says which documents there are, as the primary knows it.
	existing func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error)

	own        own
	flights    flights
	refreshing sync.Map     // keys
	doubts     atomic.Int64 // reasons to think that Redis has not been told of everything
	settled    atomic.Int64 // those of them that have been met
	said       atomic.Int64 // those of them that the log has
	answered   atomic.Int64 // when Redis did so last: on this process' own, steady clock

	mu     sync.Mutex
	client rueidis.Client // nil until Redis answered for the first time
}

// errGone means that Redis was not asked.
var errGone = errors.New("the cache is not available")

// Open returns a cache. It does nothing before Follow. Its error is one of settings.
func Open(settings config.Cache, name string, seen Observer, log *slog.Logger) (*Cache, error) {
	secure, err := tlsSettings(settings)
	if err != nil {
		return nil, err
	}
	c := &Cache{
		seen: seen, log: log, breaker: circuit.Breaker{Failures: failuresToOpen, Pause: pause},
		options: rueidis.ClientOption{
			InitAddress: []string{settings.Addr}, Username: settings.Username, Password: settings.Password, ClientName: name, TLSConfig: secure,
			// A replication group's primary endpoint is one address, not a cluster to be explored.
			ForceSingleClient: true,
			DisableRetry:      true, // the database is the retry
			Dialer:            net.Dialer{Timeout: dialWithin}, ConnWriteTimeout: writeWithin,
			PipelineMultiplex: connections, CacheSizeEachConn: localCacheSize,
		},
	}
	c.doubts.Store(1) // of what was before this process
	c.options.DialCtxFn = c.dial
	return c, nil
}

// dial makes a connection. It may lead to another Redis than the one before, or to one that has lost its last moments, and
// nobody need have noticed that the one before was gone.
func (c *Cache) dial(ctx context.Context, address string, dialer *net.Dialer, secure *tls.Config) (net.Conn, error) {
	c.doubt()
	if secure != nil {
		return (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, "tcp", address)
	}
	return dialer.DialContext(ctx, "tcp", address)
}

// Follow connects the cache, tells it of changes and mends it, in the background until ctx ends.
func (c *Cache) Follow(ctx context.Context, changes Changes, existing func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error)) {
	c.changes, c.existing = changes, existing
	go c.mend(ctx)
	go c.forget(ctx)
}

func tlsSettings(settings config.Cache) (*tls.Config, error) {
	if !settings.TLS {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(settings.Addr)
	if err != nil {
		return nil, fmt.Errorf("cache address: %w", err)
	}
	secure := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if settings.CAFile == "" {
		return secure, nil
	}
	pem, err := os.ReadFile(settings.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cache certificates: %w", err)
	}
	secure.RootCAs = x509.NewCertPool()
	if !secure.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cache certificates: %s has none, want PEM", settings.CAFile)
	}
	return secure, nil
}

// mend connects until that succeeds (afterwards the client does so itself), and tells Redis of changes.
func (c *Cache) mend(ctx context.Context) {
	tick := time.NewTicker(retryInterval)
	defer tick.Stop()
	var said sync.Once
	for {
		if c.current() == nil {
			if err := c.connect(); err != nil {
				said.Do(func() { c.log.Warn("the cache does not answer yet", "error", err.Error()) })
			}
		}
		c.settle(ctx)
		c.seen.CacheAvailable(c.sure() && !c.breaker.Open())
		select {
		case <-ctx.Done():
			c.close()
			return
		case <-tick.C:
		}
	}
}

// settle tells Redis of what it has not heard of: at once if this process is in doubt, else where it is its turn.
func (c *Cache) settle(ctx context.Context) {
	if c.current() == nil {
		return
	}
	doubts, inDoubt := c.doubts.Load(), !c.sure()
	if !inDoubt && !c.first(ctx, "relay", relayInterval) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, relayWithin)
	defer cancel()
	if err := c.relay(ctx); err != nil {
		if !errors.Is(err, errGone) && c.said.Swap(doubts) != doubts { // once for each reason
			c.log.Warn("the cache could not be told of all changes", "used", !inDoubt, "error", err.Error())
		}
		return
	}
	if c.settled.Store(doubts); inDoubt && c.sure() {
		c.log.Info("the cache is used: it has been told of all changes")
	}
}

// relayWithin bounds the question to the database.
const relayWithin = 5 * time.Second

// doubt keeps this process from using the cache until it has been told of everything.
func (c *Cache) doubt() { c.doubts.Add(1) }

// sure reports whether the cache may be used.
func (c *Cache) sure() bool { return c.current() != nil && c.settled.Load() == c.doubts.Load() }

func (c *Cache) connect() error {
	client, err := rueidis.NewClient(c.options)
	if err != nil {
		return err
	}
	// Each question takes one of the connections at random, which is made then: one that is made later is a reason for doubt.
	ctx, cancel := context.WithTimeout(context.Background(), operationWithin)
	defer cancel()
	for range 32 {
		if err := client.Do(ctx, client.B().Exists().Key(positionKey).Build()).Error(); err != nil {
			client.Close()
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client = client
	c.log.Info("cache connected")
	return nil
}

func (c *Cache) current() rueidis.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client
}

func (c *Cache) close() {
	if client := c.current(); client != nil {
		client.Close()
	}
}

// silence is how long Redis must not have answered anybody before a question that takes too long is its fault: where the
// CPU is short, some do.
const silence = time.Second

var started = time.Now()

// do asks Redis, unless it is being spared. It does not end with the request: a client that goes away is no fault of Redis.
func (c *Cache) do(ctx context.Context, operation string, ask func(ctx context.Context, client rueidis.Client) error) error {
	client := c.current()
	if client == nil || !c.breaker.Allow() {
		return errGone
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationWithin)
	defer cancel()
	began := time.Now()
	err := ask(ctx, client)
	c.seen.CacheOperation(operation, time.Since(began))
	if err == nil {
		c.answered.Store(int64(time.Since(started)))
		c.breaker.Done(true)
		return nil
	}
	slow := errors.Is(err, context.DeadlineExceeded)
	if !slow {
		c.doubt() // the connection may lead to another Redis than before
	}
	c.breaker.Done(slow && time.Since(started)-time.Duration(c.answered.Load()) < silence)
	c.log.Warn("cache", "operation", operation, "error", err.Error())
	return fmt.Errorf("cache: %w", err)
}
