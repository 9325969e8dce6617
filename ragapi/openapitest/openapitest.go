// Package openapitest holds what an API answers in tests against the document that it serves.
//
// Owns: seeing every request and answer, on a handler or on the way to a server; reporting what the document does not say.
// Does not own: the document, and what validates it: that is a library which had no part in making it.
package openapitest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
)

// Path is where an API serves its document.
const Path = "/v1/openapi.json"

// Checker remembers what was answered otherwise than documents say. The zero value is ready.
type Checker struct {
	mu        sync.Mutex
	documents map[string]*Document // by their text: each is read once
	hosts     map[string]*Document
	faults    []string
}

// Main runs the tests of a package, and fails if anything was answered that its document does not say. Call it in TestMain.
func (c *Checker) Main(run func() int) int {
	code := run()
	faults := c.Faults()
	for _, fault := range faults {
		fmt.Fprintf(os.Stderr, "not as the document says: %s\n", fault)
	}
	if len(faults) > 0 {
		return max(code, 1)
	}
	return code
}

// Faults are what was answered otherwise than the documents say.
func (c *Checker) Faults() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.faults)
}

// document returns the document with this text.
func (c *Checker) document(text []byte) (*Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.documents[string(text)]; known != nil {
		return known, nil
	}
	d, err := Read(text)
	if err != nil {
		return nil, err
	}
	if c.documents == nil {
		c.documents = map[string]*Document{}
	}
	c.documents[string(text)] = d
	return d, nil
}

// Handler returns an API whose answers are checked against the document that of serves, which may be the API itself.
func (c *Checker) Handler(api, of http.Handler) http.Handler {
	served := httptest.NewRecorder()
	of.ServeHTTP(served, httptest.NewRequest(http.MethodGet, Path, nil))
	d, err := c.document(served.Body.Bytes())
	if err != nil {
		panic(fmt.Sprintf("the document that is served with %d: %v", served.Code, err))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &copied{from: r.Body}
		asked := r.Clone(r.Context())
		r.Body = sent
		seen := &seen{ResponseWriter: w}
		api.ServeHTTP(seen, r)
		c.check(d, asked, sent.text.Bytes(), seen.answer())
	})
}

// check holds an answer against d.
func (c *Checker) check(d *Document, asked *http.Request, sent []byte, answer *http.Response) {
	faults := d.Faults(asked, sent, answer)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fault := range faults {
		c.faults = append(c.faults, fmt.Sprintf("%s %s: %d: %s", asked.Method, asked.URL, answer.StatusCode, fault))
	}
}

// copied keeps what is read of a body.
type copied struct {
	from io.ReadCloser
	text bytes.Buffer
}

func (c *copied) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.text.Write(b[:n])
	return n, err
}

func (c *copied) Close() error { return c.from.Close() }

// seen keeps a copy of what is answered.
type seen struct {
	http.ResponseWriter
	status  int
	headers http.Header // as they were sent
	text    bytes.Buffer
}

func (s *seen) WriteHeader(status int) {
	if s.status == 0 {
		s.status, s.headers = status, s.Header().Clone()
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *seen) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status, s.headers = http.StatusOK, s.Header().Clone()
	}
	s.text.Write(b)
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *seen) answer() *http.Response {
	return &http.Response{StatusCode: s.status, Header: s.headers, Body: io.NopCloser(&s.text)}
}
