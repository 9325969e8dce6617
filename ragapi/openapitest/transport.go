package openapitest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// Transport returns a transport that checks what the servers of Serves answer; to others it only passes on.
func (c *Checker) Transport(next http.RoundTripper) http.RoundTripper {
	return transport{c, next}
}

type transport struct {
	checker *Checker
	next    http.RoundTripper
}

// CloseIdleConnections is what http.Client asks a transport for.
func (t transport) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// largest bodies of requests are kept, to be checked. Of others only the answer is.
const largest = 64 << 10

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.checker.mu.Lock()
	d := t.checker.hosts[r.URL.Host]
	t.checker.mu.Unlock()
	if d == nil {
		return t.next.RoundTrip(r)
	}
	asked, sent, err := kept(r)
	if err != nil {
		return nil, err
	}
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	copied := *answer
	copied.Body = io.NopCloser(bytes.NewReader(text))
	t.checker.check(d, asked, sent, &copied)
	return answer, nil
}

// kept returns a request and its body, or where that is not kept a request with a body of unknown length.
func kept(r *http.Request) (asked *http.Request, sent []byte, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil, nil
	}
	if r.GetBody == nil || r.ContentLength > largest {
		asked = r.Clone(r.Context())
		asked.ContentLength = -1
		return asked, nil, nil
	}
	again, err := r.GetBody()
	if err != nil {
		return nil, nil, err
	}
	sent, err = io.ReadAll(again)
	return r, sent, err
}

// Serves makes answers of these hosts be checked against the document that the first of them serves.
func (c *Checker) Serves(ctx context.Context, hosts ...string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+hosts[0]+Path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	d, err := c.document(text)
	if err != nil {
		return fmt.Errorf("the document that is served with %s: %w", answer.Status, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hosts == nil {
		c.hosts = map[string]*Document{}
	}
	for _, host := range hosts {
		c.hosts[host] = d
	}
	return nil
}
