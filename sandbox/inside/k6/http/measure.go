package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"syscall"
	"time"
)

// measure is how long the parts of a request took, in ms.
type measure struct {
	blocked, connecting, handshaking, sending, waiting, receiving float64
	method, url, remote                                           string
}

func (m *measure) duration() float64 { return m.sending + m.waiting + m.receiving }

// trace notes when the parts of a request begin and end. The transport may still write to it when the request is over.
type trace struct {
	one                                               sync.Mutex
	asked, gotConn, connect, connected, shake, shaken time.Time
	wrote, first                                      time.Time
	remote                                            string
	reused                                            bool
}

func (t *trace) note(at *time.Time) {
	t.one.Lock()
	defer t.one.Unlock()
	*at = time.Now()
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:              func(string) { t.note(&t.asked) },
		ConnectStart:         func(string, string) { t.note(&t.connect) },
		ConnectDone:          func(string, string, error) { t.note(&t.connected) },
		TLSHandshakeStart:    func() { t.note(&t.shake) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { t.note(&t.shaken) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { t.note(&t.wrote) },
		GotFirstResponseByte: func() { t.note(&t.first) },
		GotConn: func(info httptrace.GotConnInfo) {
			t.note(&t.gotConn)
			t.one.Lock()
			defer t.one.Unlock()
			t.reused, t.remote = info.Reused, info.Conn.RemoteAddr().String()
		},
	}
}

// between is from one time to another, 0 where either is unknown.
func between(from, to time.Time) float64 {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return 0
	}
	return float64(to.Sub(from)) / float64(time.Millisecond)
}

func (t *trace) measure(request *http.Request) *measure {
	t.one.Lock()
	defer t.one.Unlock()
	now := time.Now()
	m := &measure{
		method: request.Method, url: cleaned(request.URL), remote: t.remote,
		blocked: between(t.asked, t.gotConn), sending: between(t.gotConn, t.wrote),
		waiting: between(t.wrote, t.first), receiving: between(t.first, now),
	}
	if !t.reused && !t.gotConn.IsZero() {
		m.connecting, m.handshaking = between(t.connect, t.connected), between(t.shake, t.shaken)
	}
	if t.first.IsZero() && !t.wrote.IsZero() {
		m.waiting = between(t.wrote, now)
	}
	return m
}

// hops are the redirects of one request: each is a request of its own to the metrics.
type hops struct {
	client    *client
	request   *request
	transport *http.Transport
	trace     *trace
	asked     *http.Request
	response  *http.Response
}

// RoundTrip implements http.RoundTripper.
func (h *hops) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.trace != nil {
		h.client.sample(h.request, h.trace.measure(h.asked), h.response, nil, 0)
	}
	h.trace, h.asked = &trace{}, r
	var err error
	h.response, err = h.transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), h.trace.hooks())))
	return h.response, err
}

// end samples the last of them.
func (h *hops) end(response *http.Response, err error, code int) *measure {
	if h.trace == nil { // it was not sent
		h.trace, h.asked = &trace{}, &http.Request{Method: h.request.method, URL: h.request.url}
	}
	m := h.trace.measure(h.asked)
	h.client.sample(h.request, m, response, err, code)
	return m
}

// Error codes.
const (
	codeDefault     = 1000
	codeURL         = 1020
	codeTimeout     = 1050
	codeDNS         = 1100
	codeNoHost      = 1101
	codeBlacklisted = 1110
	codeBlockedName = 1111
	codeTCP         = 1200
	codePipe        = 1201
	codeDial        = 1210
	codeDialTimeout = 1211
	codeRefused     = 1212
	codeReset       = 1220
	codeTLS         = 1300
	codeHostname    = 1311
	codeAuthority   = 1310
	codeStatus      = 1000 // with the status
)

var errTimeout = errors.New("request timeout")

// blockedError is a connection that options forbid.
type blockedError struct {
	text string
	code int
}

func (b *blockedError) Error() string { return b.text }

// refuse keeps connections from addresses that options forbid.
func (c *client) refuse(_ context.Context, _, address string, _ syscall.RawConn) error {
	return c.blacklisted(address)
}

// codeOf is the code of a fault, 0 of none.
func codeOf(err error) int {
	var blocked *blockedError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errTimeout):
		return codeTimeout
	case errors.As(err, &blocked):
		return blocked.code
	case errors.As(err, &dns) && dns.IsNotFound:
		return codeNoHost
	case errors.As(err, &dns):
		return codeDNS
	case errors.As(err, &op):
		return codeOfConnection(op)
	}
	return codeOfTLS(err)
}

func codeOfConnection(op *net.OpError) int {
	switch {
	case errors.Is(op, syscall.ECONNREFUSED):
		return codeRefused
	case errors.Is(op, syscall.ECONNRESET):
		return codeReset
	case errors.Is(op, syscall.EPIPE):
		return codePipe
	case op.Op == "dial" && (op.Timeout() || errors.Is(op, os.ErrDeadlineExceeded)):
		return codeDialTimeout
	case op.Op == "dial":
		return codeDial
	}
	return codeTCP
}

func codeOfTLS(err error) int {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return codeAuthority
	case errors.As(err, &hostname):
		return codeHostname
	case errors.As(err, &record):
		return codeTLS
	}
	return codeDefault
}

// short is a fault without what its request says already.
func short(err error) string {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "lookup " + dns.Name + ": no such host"
	case errors.As(err, &op) && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED):
		return "dial: connection refused"
	case errors.As(err, &op) && errors.Is(err, syscall.ECONNRESET):
		return op.Op + ": connection reset by peer"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
