package servicenet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	answerBuffer = 16 << 10
	mostHeader   = 1 << 20 // bytes of an answer's header
	mostInterims = 5       // 1xx answers before the one that counts
)

// conns are a target's connections for reads. Each serves one request after the other.
type conns struct {
	host     string
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	patience time.Duration // for an answer's header

	mu   sync.Mutex
	idle []*targetConn // the one used last comes last, and is used first
}

type targetConn struct {
	net.Conn
	pool   *conns
	in     *bufio.Reader
	out    *bufio.Writer
	left   int64       // bytes that may still be read
	expiry *time.Timer // nil until it is idle for the first time
}

// roundTrip sends r, for which isRead holds. When a kept connection ends without a word, which is how a target closes it,
// r is sent again on a new one.
func (p *conns) roundTrip(r *http.Request) (*http.Response, error) {
	if c := p.take(); c != nil {
		res, err := c.exchange(r)
		if err == nil || c.heard() || isTimeout(err) || r.Context().Err() != nil {
			return res, err
		}
	}
	conn, err := p.dial(r.Context(), "tcp4", p.host)
	if err != nil {
		return nil, err
	}
	c := &targetConn{Conn: conn, pool: p, out: bufio.NewWriter(conn)}
	c.in = bufio.NewReaderSize(c, answerBuffer)
	return c.exchange(r)
}

func isTimeout(err error) bool {
	var fault net.Error
	return errors.As(err, &fault) && fault.Timeout()
}

// take takes an idle connection; nil if there is none.
func (p *conns) take() *targetConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	c.expiry.Stop()
	return c
}

// keep makes c idle.
func (p *conns) keep(c *targetConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == targetPool {
		c.Close() //nolint:errcheck // nothing waits for it
		return
	}
	p.idle = append(p.idle, c)
	if c.expiry == nil {
		c.expiry = time.AfterFunc(targetIdle, func() { p.expire(c) })
	} else {
		c.expiry.Reset(targetIdle)
	}
}

func (p *conns) expire(c *targetConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, c); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		c.Close() //nolint:errcheck // nothing waits for it
	}
}

// Read implements io.Reader.
func (c *targetConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("the answer's header has more than %d bytes", mostHeader)
	}
	n, err := c.Conn.Read(b)
	c.left -= int64(n)
	return n, err
}

// heard says whether anything came of the answer.
func (c *targetConn) heard() bool { return c.left < mostHeader }

// exchange sends r and reads the answer up to its body, which gives the connection back. It is closed when the client
// goes away.
func (c *targetConn) exchange(r *http.Request) (*http.Response, error) {
	stop := context.AfterFunc(r.Context(), func() { c.Close() }) //nolint:errcheck // nothing waits for it
	c.left = mostHeader
	res, err := c.ask(r)
	if err != nil {
		stop()
		return nil, errors.Join(err, c.Close())
	}
	c.left = math.MaxInt64
	body := &answerBody{conn: c, in: res.Body, release: stop, reusable: !res.Close}
	if res.Body == http.NoBody {
		body.end(true)
		return res, nil
	}
	res.Body = body
	return res, nil
}

func (c *targetConn) ask(r *http.Request) (*http.Response, error) {
	if err := c.SetDeadline(time.Now().Add(c.pool.patience)); err != nil {
		return nil, err
	}
	if err := c.writeHead(r); err != nil {
		return nil, err
	}
	for range mostInterims {
		res, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, err
		}
		if res.StatusCode >= http.StatusOK {
			return res, c.SetDeadline(time.Time{})
		}
	}
	return nil, fmt.Errorf("%d interim answers, want one that counts", mostInterims)
}

// answerBody is an answer's body. Read to its end, it leaves its connection for the next request.
type answerBody struct {
	conn     *targetConn
	in       io.Reader
	release  func() bool // from the client; false if that has gone
	reusable bool
	ended    bool
}

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if err == io.EOF {
		b.end(true)
	}
	return n, err
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	b.end(false)
	return nil
}

func (b *answerBody) end(whole bool) {
	if b.ended {
		return
	}
	b.ended = true
	if b.release() && whole && b.reusable && b.conn.in.Buffered() == 0 {
		b.conn.pool.keep(b.conn)
		return
	}
	b.conn.Close() //nolint:errcheck // nothing waits for it
}
