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
	checks      context.Context // ends with the registration
	stopChecks  context.CancelFunc
	health      health // guarded by group.mu

	connMu sync.Mutex
	conns  map[*trackedConn]struct{} // nil once cut
}

func newMember(g *group, t target) *member {
	m := &member{group: g, target: t, host: t.addr.String(), health: health{state: initial}, conns: map[*trackedConn]struct{}{}}
	m.checks, m.stopChecks = context.WithCancel(context.Background())
	m.transport = &http.Transport{
		DialContext: m.dial, MaxIdleConnsPerHost: targetPool, IdleConnTimeout: targetIdle,
		ResponseHeaderTimeout: idleTimeout, DisableCompression: true, ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10,
	}
	m.proxy = &httputil.ReverseProxy{
		Rewrite: m.rewrite, Transport: m, ErrorHandler: m.fail, BufferPool: &copyBuffers,
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug), // clients that go away while a response is copied
	}
	return m
}

// rewrite addresses the request to the target, with the headers that an application load balancer sets.
func (m *member) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host = "http", m.host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // unchanged, even where it does not parse
	r.Out.Host = r.In.Host
	client, _, err := net.SplitHostPort(r.In.RemoteAddr)
	if err != nil {
		client = r.In.RemoteAddr
	}
	if before := r.In.Header["X-Forwarded-For"]; len(before) > 0 {
		client = strings.Join(before, ", ") + ", " + client
	}
	r.Out.Header["X-Forwarded-For"] = []string{client}
	r.Out.Header["X-Forwarded-Proto"] = forwardedProto
	r.Out.Header["X-Amzn-Trace-Id"] = []string{traceID(r.In.Header.Get("X-Amzn-Trace-Id"), time.Now())}
}

var forwardedProto = []string{"http"}

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
		return nil, err
	}
	t := &trackedConn{TCPConn: conn.(*net.TCPConn), member: m}
	m.connMu.Lock()
	defer m.connMu.Unlock()
	if m.conns == nil {
		return nil, errors.Join(errors.New("the target is deregistered"), conn.Close())
	}
	m.conns[t] = struct{}{}
	return t, nil
}

// cut ends every connection to the target; requests that are still in flight fail.
func (m *member) cut() {
	m.connMu.Lock()
	conns := m.conns
	m.conns = nil
	m.connMu.Unlock()
	for c := range conns {
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
	c.member.connMu.Lock()
	delete(c.member.conns, c)
	c.member.connMu.Unlock()
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
