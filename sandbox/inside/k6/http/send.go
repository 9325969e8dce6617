package http

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
)

// got is what came of a request.
type got struct {
	request  *request
	response *http.Response // of the last redirect
	body     []byte
	measured *measure
	code     int
	err      error
}

// send sends a request, follows redirects and samples each of them. It may be called for several requests at once.
func (c *client) send(r *request) *got {
	g := &got{request: r, err: r.fault, measured: &measure{}}
	if g.err != nil {
		g.code = codeURL
		return g
	}
	if err := c.pace(c.Options); err != nil {
		g.err, g.code = err, codeDefault
		return g
	}
	ctx, cancel := context.WithTimeoutCause(c.Ctx, r.timeout, errTimeout)
	defer cancel()
	h := &hops{client: c, request: r, transport: c.connections()}
	g.response, g.body, g.err = h.exchange(ctx)
	if g.err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		g.err = errTimeout
	}
	g.code = codeOf(g.err)
	if g.err == nil && g.response.StatusCode >= http.StatusBadRequest {
		g.code = codeStatus + g.response.StatusCode
	}
	g.measured = h.end(g.response, g.err, g.code)
	return g
}

// exchange sends the request and what it is redirected to, and reads the last answer.
func (h *hops) exchange(ctx context.Context) (*http.Response, []byte, error) {
	r := h.request
	client := &http.Client{Transport: h, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > r.redirects {
			return http.ErrUseLastResponse // the answer is the redirect then
		}
		return nil
	}}
	if r.jar != nil {
		client.Jar = replacing{r.jar, r.replaced}
	}
	wire, err := r.wire(ctx)
	if err != nil {
		return nil, nil, err
	}
	response, err := client.Do(wire)
	if err != nil {
		return response, nil, err
	}
	defer response.Body.Close()
	body, err := readAll(response, r.respond)
	return response, body, err
}

// wire is the request as it is sent.
func (r *request) wire(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	wire, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), body)
	if err != nil {
		return nil, err
	}
	wire.Header = r.header
	if r.host != "" {
		wire.Host = r.host
	}
	for _, cookie := range append(r.cookies, r.replaced...) {
		wire.AddCookie(cookie)
	}
	return wire, nil
}

// readAll reads a body to its end and decodes it.
func readAll(response *http.Response, respond string) ([]byte, error) {
	if respond == "none" {
		_, err := io.Copy(io.Discard, response.Body)
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	for _, encoding := range slices.Backward(strings.Split(response.Header.Get("Content-Encoding"), ",")) {
		if body, err = decode(strings.TrimSpace(encoding), body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func decode(encoding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch {
	case encoding == "" || encoding == "identity" || len(body) == 0:
		return body, nil
	case encoding == "gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case encoding == "deflate":
		r, err = zlib.NewReader(bytes.NewReader(body))
	default:
		return nil, fmt.Errorf("the answer's Content-Encoding %s is not known here, want gzip or deflate", encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("Content-Encoding %s: %w", encoding, err)
	}
	return io.ReadAll(r)
}

// connections are the user's own.
func (c *client) connections() *http.Transport {
	if c.transport == nil {
		o := c.Options
		c.transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: c.dial, DisableCompression: true, DisableKeepAlives: o.NoReuse,
			ForceAttemptHTTP2: true, MaxIdleConns: max(1, o.Batch), MaxIdleConnsPerHost: max(1, o.BatchPerHost),
			TLSClientConfig: &tls.Config{InsecureSkipVerify: o.InsecureTLS}, //nolint:gosec // the script's choice
		}
		c.EndIteration = func() {
			if o.NoUserReuse {
				c.transport.CloseIdleConnections()
			}
		}
		c.EndUser = c.transport.CloseIdleConnections
	}
	return c.transport
}

// dialWithin is how long a connection may take.
const dialWithin = 30 * time.Second

// dial connects as the options say, and counts bytes.
func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(c.Options.BlockHostnames, func(pattern string) bool { return blocks(pattern, host) }) {
		return nil, &blockedError{fmt.Sprintf("hostname (%s) is in a blocked pattern", host), codeBlockedName}
	}
	for _, name := range []string{address, host} {
		if to, ok := c.Options.Hosts[name]; ok {
			if address = to; !strings.Contains(to, ":") {
				address = net.JoinHostPort(to, port)
			}
			break
		}
	}
	dialer := net.Dialer{Timeout: dialWithin, KeepAlive: dialWithin}
	dialer.ControlContext = c.refuse
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &counted{Conn: conn, client: c}, nil
}

func blocks(pattern, host string) bool {
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, suffix)
	}
	return pattern == host
}

// counted counts the bytes of a connection for its user.
type counted struct {
	net.Conn
	client *client
}

// Read implements net.Conn.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.client.Count(0, int64(n))
	return n, err
}

// Write implements net.Conn.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.client.Count(int64(n), 0)
	return n, err
}

// blacklisted tells whether an address is one that options forbid.
func (c *client) blacklisted(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil //nolint:nilerr // no address of IP
	}
	for _, prefix := range c.Options.BlacklistIPs {
		if prefix.Contains(at.Addr().Unmap()) {
			return &blockedError{fmt.Sprintf("IP (%s) is in a blacklisted range (%s)", at.Addr(), prefix), codeBlacklisted}
		}
	}
	return nil
}

// sample counts a request, or one of its redirects.
func (c *client) sample(r *request, m *measure, response *http.Response, err error, code int) {
	tags := c.requestTags(r, m, response, err, code)
	e, now := c.Engine, time.Now()
	of := func(metric *metrics.Metric, value float64) metrics.Sample {
		return metrics.Sample{Metric: metric, Value: value, Time: now, Tags: tags}
	}
	samples := []metrics.Sample{
		of(e.Requests, 1), of(e.Duration, m.duration()), of(e.Blocked, m.blocked), of(e.Connecting, m.connecting),
		of(e.Handshaking, m.handshaking), of(e.Sending, m.sending), of(e.Waiting, m.waiting), of(e.Receiving, m.receiving),
	}
	if r.expected != nil {
		failed := 1.0
		if r.fine(response, err) {
			failed = 0
		}
		samples = append(samples, of(e.Failed, failed))
	}
	c.Emit(samples...)
}

func (c *client) requestTags(r *request, m *measure, response *http.Response, err error, code int) metrics.Tags {
	name := m.url
	if r.name != cleaned(r.url) {
		name = r.name
	}
	if own, ok := r.tags["name"]; ok {
		name = own
	}
	all := metrics.Tags{"method": m.method, "url": name, "name": name, "status": "0"} // url as name: ids are in neither
	if response != nil && err == nil {
		maps.Copy(all, answerTags(response))
	}
	if code != 0 {
		all["error_code"] = strconv.Itoa(code)
	}
	if err != nil {
		all["error"] = short(err)
	}
	if r.expected != nil {
		all["expected_response"] = strconv.FormatBool(r.fine(response, err))
	}
	if host, _ := address(m.remote); host != "" {
		all["ip"] = host
	}
	tags := maps.Clone(r.base)
	for key, value := range all {
		if c.System(key) {
			tags[key] = value
		}
	}
	maps.Copy(tags, r.tags)
	return tags
}

func answerTags(response *http.Response) metrics.Tags {
	tags := metrics.Tags{"status": strconv.Itoa(response.StatusCode), "proto": response.Proto}
	if response.TLS != nil {
		tags["tls_version"] = tlsName(response.TLS.Version)
	}
	return tags
}

// fine tells whether an answer is one that the script expects.
func (r *request) fine(response *http.Response, err error) bool {
	return response != nil && err == nil && r.expected.have(response.StatusCode)
}

func tlsName(version uint16) string {
	return map[uint16]string{
		tls.VersionTLS10: "tls1.0", tls.VersionTLS11: "tls1.1", tls.VersionTLS12: "tls1.2", tls.VersionTLS13: "tls1.3",
	}[version]
}
