package servicenet

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	targetDial    = 10 * time.Second // an application load balancer's connection timeout
	targetIdle    = 55 * time.Second // below common servers' 60 s, so that we close first
	targetPool    = 1024             // idle connections kept per target
	copyBufferLen = 32 << 10
)

// member is a registered target with its own pool of connections.
type member struct {
	group       *group
	target      target
	host        string // address:port
	outstanding atomic.Int64
	proxy       *httputil.ReverseProxy
	transport   *http.Transport
	conns       *conns
	checks      context.Context // ends with the registration
	stopChecks  context.CancelFunc
	health      health // guarded by group.mu

	openMu sync.Mutex
	open   map[*trackedConn]struct{} // connections; nil once cut
}

func newMember(g *group, t target) *member {
	m := &member{group: g, target: t, host: t.addr.String(), health: health{state: initial}, open: map[*trackedConn]struct{}{}}
	m.checks, m.stopChecks = context.WithCancel(context.Background())
	m.transport = &http.Transport{
		DialContext: m.dial, MaxIdleConnsPerHost: targetPool, IdleConnTimeout: targetIdle,
		ResponseHeaderTimeout: idleTimeout, DisableCompression: true, ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10,
	}
	m.conns = &conns{host: m.host, dial: m.dial, patience: idleTimeout}
	m.proxy = &httputil.ReverseProxy{
		Rewrite: m.rewrite, Transport: m, ErrorHandler: m.fail, BufferPool: &copyBuffers,
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug), // clients that go away while a response is copied
	}
	return m
}

// ServeHTTP forwards a request to the target.
func (m *member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isRead(r) {
		m.read(w, r)
	} else {
		m.proxy.ServeHTTP(w, r)
	}
}

// rewrite addresses the request to the target.
func (m *member) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host = "http", m.host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // unchanged, even where it does not parse
	r.Out.Host = r.In.Host
	for _, h := range forwardedHeaders(r.In) {
		r.Out.Header[h.name] = []string{h.value}
	}
}

type header struct{ name, value string }

// forwardedHeaders are those that an application load balancer sets, in place of the client's.
func forwardedHeaders(r *http.Request) [4]header {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	if before := r.Header["X-Forwarded-For"]; len(before) > 0 {
		client = strings.Join(before, ", ") + ", " + client
	}
	return [4]header{
		{"X-Forwarded-For", client}, {"X-Forwarded-Proto", "http"},
		{"X-Forwarded-Port", r.Header.Get("X-Forwarded-Port")}, // which the listener has set
		{"X-Amzn-Trace-Id", traceID(r.Header.Get("X-Amzn-Trace-Id"), time.Now())},
	}
}

// traceID continues the trace that the client began, or begins one: Root=1-<seconds>-<96 random bits>, both hex.
func traceID(given string, now time.Time) string {
	id := make([]byte, 0, 48)
	seconds := uint32(now.Unix())
	random, more := rand.Uint64(), rand.Uint32()
	raw := [16]byte{byte(seconds >> 24), byte(seconds >> 16), byte(seconds >> 8), byte(seconds),
		byte(random >> 56), byte(random >> 48), byte(random >> 40), byte(random >> 32), byte(random >> 24), byte(random >> 16), byte(random >> 8), byte(random),
		byte(more >> 24), byte(more >> 16), byte(more >> 8), byte(more)}
	id = hex.AppendEncode(append(id, "1-"...), raw[:4])
	id = hex.AppendEncode(append(id, '-'), raw[4:])
	if strings.Contains(given, "Root=") {
		return "Self=" + string(id) + ";" + given
	}
	if given != "" {
		return "Root=" + string(id) + ";" + given
	}
	return "Root=" + string(id)
}

// RoundTrip sends a request to the target and counts the answer and its time to first byte.
func (m *member) RoundTrip(r *http.Request) (*http.Response, error) {
	begin := time.Now()
	res, err := m.transport.RoundTrip(r)
	if err == nil {
		m.group.counters.answered(res.StatusCode, time.Since(begin))
	}
	return res, err
}

// statusClientGone is what a load balancer logs for a client that closed its connection before the answer.
const statusClientGone = 460

// fail answers a request that the target did not: 504 when it took too long, else 502.
func (m *member) fail(w http.ResponseWriter, r *http.Request, err error) {
	var timeout net.Error
	switch {
	case r.Context().Err() != nil:
		w.WriteHeader(statusClientGone)
	case errors.As(err, &timeout) && timeout.Timeout():
		m.group.counters.refuse(w, http.StatusGatewayTimeout)
	default:
		m.group.log.Debug("target", "target", m.host, "error", err)
		m.group.counters.refuse(w, http.StatusBadGateway)
	}
}

var dialer = net.Dialer{Timeout: targetDial}

// dial connects to the target and keeps track of the connection, so that cut can end it.
func (m *member) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		if ctx.Err() == nil { // else nobody waits any more
			m.group.counters.unreached.Add(1)
		}
		return nil, err
	}
	t := &trackedConn{TCPConn: conn.(*net.TCPConn), member: m}
	m.openMu.Lock()
	defer m.openMu.Unlock()
	if m.open == nil {
		return nil, errors.Join(errors.New("the target is deregistered"), conn.Close())
	}
	m.open[t] = struct{}{}
	return t, nil
}

// connections are those that are open.
func (m *member) connections() int {
	m.openMu.Lock()
	defer m.openMu.Unlock()
	return len(m.open)
}

// cut ends every connection to the target; requests that are still in flight fail.
func (m *member) cut() {
	m.openMu.Lock()
	open := m.open
	m.open = nil
	m.openMu.Unlock()
	for c := range open {
		c.TCPConn.Close() //nolint:errcheck // both sides are done with it
	}
	m.transport.CloseIdleConnections()
}

type trackedConn struct {
	*net.TCPConn
	member *member
}

// Close implements net.Conn.
func (c *trackedConn) Close() error {
	c.member.openMu.Lock()
	delete(c.member.open, c)
	c.member.openMu.Unlock()
	return c.TCPConn.Close()
}

// bufferPool recycles the buffers that responses are copied through.
type bufferPool struct{ pool sync.Pool }

var copyBuffers bufferPool

// Get implements httputil.BufferPool.
func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[copyBufferLen]byte); ok {
		return b[:]
	}
	return new([copyBufferLen]byte)[:]
}

// Put implements httputil.BufferPool.
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[copyBufferLen]byte)(b)) }
