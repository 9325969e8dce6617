package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/search"
)

const largeAnswer = leastAnswers * 3 / 4

// vast answers every search with much.
type vast struct{}

func (vast) Search(context.Context, search.Query) (search.Result, error) {
	return search.Result{Encoded: append(append([]byte("["), bytes.Repeat([]byte{' '}, largeAnswer)...), ']')}, nil
}

// asks sends a search, and reads nothing.
func asks(t *testing.T, address string) net.Conn {
	t.Helper()
	conn := dial(t, address)
	if err := conn.(*net.TCPConn).SetReadBuffer(128 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /v1/search?q=lamp HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// taken reads an answer to its end, wherever that is.
func taken(t *testing.T, conn net.Conn) (status int, whole bool) {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, false
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err == nil && n == answer.ContentLength
}

// vastServer tells when it has done with an answer.
func vastServer(t *testing.T, done chan<- struct{}) string {
	t.Helper()
	o := optionsOf(&fake{})
	o.Search, o.MaxRequests = vast{}, 1
	api := New(o)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { done <- struct{}{} }()
		api.ServeHTTP(w, r)
	}))
	s.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew { // else the kernel takes what the client does not
			_ = conn.(*net.TCPConn).SetWriteBuffer(4096)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestWhoTakesNoAnswerTakesNoPlaceAndIsCutOffForMemory(t *testing.T) {
	address := vastServer(t, make(chan struct{}, 100))
	var idle []net.Conn
	for range 8 {
		conn := asks(t, address)
		if _, err := conn.Read(make([]byte, 1)); err != nil { // its answer has been made
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	if status, whole := taken(t, asks(t, address)); status != http.StatusOK || !whole {
		t.Errorf("who takes the answer gets %d, whole: %v", status, whole)
	}
	for i, conn := range idle[:len(idle)-1] {
		if n, err := io.Copy(io.Discard, conn); err == nil && n >= largeAnswer {
			t.Errorf("the %dth is not cut off: it had %d bytes to read", i, n)
		}
	}
}

func TestWhoTakesAnAnswerTooSlowlyIsCutOff(t *testing.T) {
	defer func(d time.Duration) { paceGrace = d }(paceGrace)
	paceGrace = 200 * time.Millisecond
	done := make(chan struct{}, 1)
	asks(t, vastServer(t, done))
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("an answer that nobody takes is kept")
	}
}
