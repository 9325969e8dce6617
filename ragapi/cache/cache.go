// Package cache keeps answers in Redis: documents, searches, sessions, the dashboard.
//
// Owns: keys, how long what is kept, how it is invalidated, what happens when Redis is gone. Does not own: the answers.
//
// Every entry says when it was read. Invalidating writes a stamp, a key with the present time; an entry that is not
// younger than the stamps it depends on is not used. So one small write invalidates any number of entries, whatever else
// Redis holds, and an answer that was on its way meanwhile is caught too. Stamps live longer than entries.
//
// Redis may be gone at any time: then there is no cache, and no error either. What could not be invalidated meanwhile is
// made good for by a stamp on everything as soon as Redis is back.
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

	"github.com/redis/rueidis"
	"golang.org/x/sync/singleflight"

	"github.com/ragscale/ragscale/ragapi/circuit"
	"github.com/ragscale/ragscale/ragapi/config"
)

const (
	// operationWithin bounds every question to Redis, which answers within a millisecond. What it costs at most when Redis
	// hangs is paid by failuresToOpen requests, then by one in each pause.
	operationWithin = 100 * time.Millisecond
	failuresToOpen  = 3
	pause           = 2 * time.Second
	dialWithin      = 2 * time.Second
	// writeWithin also bounds the pings that find a dead connection.
	writeWithin    = time.Second
	retryInterval  = time.Second
	localCacheSize = 32 << 20 // bytes per connection, of which there are two
	connections    = 1        // as a power of two
)

// Observer is told what the cache did; metrics are one.
type Observer interface {
	CacheRequest(kind, result string) // result is hit, miss or error
	CacheOperation(operation string, took time.Duration)
	CacheAvailable(available bool)
}

// Cache is one process' way to Redis.
type Cache struct {
	options rueidis.ClientOption
	seen    Observer
	log     *slog.Logger
	breaker circuit.Breaker
	flights singleflight.Group
	lost    atomic.Bool // an invalidation did not reach Redis

	mu     sync.Mutex
	client rueidis.Client // nil until Redis answered for the first time
}

// errGone means that Redis was not asked.
var errGone = errors.New("the cache is not available")

// Open returns a cache, which connects and mends itself in the background until ctx ends. Its error is one of settings.
func Open(ctx context.Context, settings config.Cache, name string, seen Observer, log *slog.Logger) (*Cache, error) {
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
	go c.mend(ctx)
	return c, nil
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

// mend connects until that succeeds (afterwards the client does so itself), and makes good for lost invalidations.
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
		if c.lost.Load() && c.stamp(ctx, everything) == nil {
			c.lost.Store(false)
			c.log.Info("cache invalidated as a whole: it had been out of reach")
		}
		c.seen.CacheAvailable(c.usable())
		select {
		case <-ctx.Done():
			c.close()
			return
		case <-tick.C:
		}
	}
}

func (c *Cache) connect() error {
	client, err := rueidis.NewClient(c.options)
	if err != nil {
		return err
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

func (c *Cache) usable() bool { return c.current() != nil && !c.breaker.Open() && !c.lost.Load() }

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
	c.breaker.Done(err == nil)
	if err != nil {
		c.log.Warn("cache", "operation", operation, "error", err.Error())
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}
