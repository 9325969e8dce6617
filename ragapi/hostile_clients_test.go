package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// idlers are clients that send a part of something, or take nothing, and hold on to their connections.
type idlers struct {
	sync.WaitGroup
	seen atomic.Int64
}

// hostileClients has some thousand connections until ctx ends, which are renewed all the time.
func hostileClients(ctx context.Context, t *testing.T, api *running, vast string) *idlers {
	t.Helper()
	all := &idlers{}
	const (
		post    = "POST /v1/documents HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
		get     = "GET /v1/documents HTTP/1.1\r\nHost: a\r\n"
		largest = "Content-Length: 10485760\r\n\r\n"
	)
	for request, n := range map[string]int{
		"":                                   300,
		get + strings.Repeat("a:\r\n", 6000): 200, // a head without an end
		get + "Content-Length: 12\r\n\r\n":   200,
		post + "Content-Length: 12\r\n\r\n":  600,
		post + "Transfer-Encoding: chunked\r\n\r\n":                 200,
		post + largest + strings.Repeat("a", 1<<17):                 100,
		"GET /v1/sessions/" + vast + " HTTP/1.1\r\nHost: a\r\n\r\n": 400,
	} {
		for range n {
			all.Go(func() { all.idle(ctx, strings.TrimPrefix(api.http, "http://"), request) })
		}
	}
	return all
}

// idle holds on to one connection after the other.
func (i *idlers) idle(ctx context.Context, address, request string) {
	for ctx.Err() == nil {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(4096) // it is idle with another, too
		_, err = io.WriteString(conn, request)
		if err == nil {
			i.seen.Add(1)
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
		_ = conn.Close() // the other side may have been first
	}
}

// vastSession is one whose messages take six times their size in an answer.
func vastSession(t *testing.T, api *running) (id string) {
	t.Helper()
	status, answer := ask(t, http.MethodPost, api.http+"/v1/sessions", `{"user":"vast"}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated {
		t.Fatalf("a session: %d, %s", status, answer)
	}
	message, err := json.Marshal(map[string]string{"role": "user", "content": strings.Repeat("\x01", 16<<10)})
	if err != nil {
		t.Fatal(err)
	}
	for range 13 {
		status, answer := ask(t, http.MethodPost, api.http+"/v1/sessions/"+made.ID+"/messages", string(message))
		if status != http.StatusCreated {
			t.Fatalf("a message: %d, %s", status, answer)
		}
	}
	return made.ID
}
