package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// listen serves on a port whose connections may take some memory.
func listen(t *testing.T, memory int64) string {
	t.Helper()
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	l, err := Listen(t.Context(), Port{Name: "HTTP_ADDR", Addr: "127.0.0.1:0", Handler: served, Memory: memory}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.server.Close() }) // idle sockets would be waited for
	return l.Addr().String()
}

// getOn sends a request on a connection and wants it to be answered by a status. It is the answer's body.
func getOn(t *testing.T, conn net.Conn, head string, want int) string {
	t.Helper()
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n"+head+"\r\n")
	var answer *http.Response
	if err == nil {
		answer, err = http.ReadResponse(bufio.NewReader(conn), nil)
	}
	if err != nil || answer.StatusCode != want {
		t.Fatalf("%v (%v), want %d", answer, err, want)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func closed(conn net.Conn) bool {
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		return true
	}
	_, err := conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestIdleSocketsMakeRoomForThoseThatAsk(t *testing.T) {
	address := listen(t, 10*connectionCost)
	used := dial(t, address)
	getOn(t, used, "", http.StatusNoContent)
	var idle []net.Conn
	for range 30 {
		idle = append(idle, dial(t, address))
	}
	getOn(t, dial(t, address), "", http.StatusNoContent)
	getOn(t, used, "", http.StatusNoContent) // it waits for a request less urgently than they do
	open := 0
	for _, conn := range idle {
		if !closed(conn) {
			open++
		}
	}
	if open > 9 || !closed(idle[0]) {
		t.Errorf("of %d idle sockets %d are open, the first is closed: %v; want the newest 8 or 9 open", len(idle), open, closed(idle[0]))
	}
}

func TestAHeadThatDoesNotEndMakesRoomForThoseThatAsk(t *testing.T) {
	address := listen(t, 10*connectionCost)
	endless := dial(t, address)
	if _, err := io.WriteString(endless, "GET / HTTP/1.1\r\n"+strings.Repeat("a:\r\n", 600)); err != nil {
		t.Fatal(err)
	}
	other := dial(t, address)
	getOn(t, other, "", http.StatusNoContent)
	for range 4 {
		getOn(t, dial(t, address), "", http.StatusNoContent)
	}
	if !closed(endless) {
		t.Error("a head that takes most of the memory is waited for")
	}
	getOn(t, other, "", http.StatusNoContent)
}

func TestAHeadThatGrowsCutsOffNobodyWhoseHeadIsSmall(t *testing.T) {
	address := listen(t, 20*connectionCost)
	var honest []net.Conn
	for range 8 {
		honest = append(honest, dial(t, address))
		if _, err := io.WriteString(honest[len(honest)-1], "GET / HTTP/1.1\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond) // they came first, so they are late first
	greedy := dial(t, address)
	if _, err := io.WriteString(greedy, "GET / HTTP/1.1\r\n"+strings.Repeat("a:\r\n", 2000)); err == nil && !closed(greedy) {
		t.Error("a head that takes more than all of the memory is waited for")
	}
	for _, conn := range honest {
		if _, err := io.WriteString(conn, "Host: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("one who sends a head in pieces: %v", err)
		}
		answer.Body.Close()
	}
}

func TestTheFieldsOfAHeadAreBounded(t *testing.T) {
	address := listen(t, 1<<20)
	fields := func(n int) string {
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, "X-%d: v\r\n", i)
		}
		return all.String()
	}
	getOn(t, dial(t, address), fields(maxFields), http.StatusNoContent)
	getOn(t, dial(t, address), fields(maxFields+1), http.StatusRequestHeaderFieldsTooLarge)
	getOn(t, dial(t, address), strings.Repeat("X: v\r\n", maxFields+1), http.StatusRequestHeaderFieldsTooLarge)
	beside := len("GET / HTTP/1.1\r\nHost: a\r\n\r\n") + len("X: \r\n")
	getOn(t, dial(t, address), "X: "+strings.Repeat("v", maxHeaderBytes-beside)+"\r\n", http.StatusNoContent)
	for _, bytes := range []int{maxHeaderBytes + 1, readHeaderBytes} {
		for _, id := range []string{"", "X-Request-Id: mine\r\n"} {
			head := id + "X: " + strings.Repeat("v", bytes-beside-len(id)) + "\r\n"
			if got := getOn(t, dial(t, address), head, http.StatusRequestHeaderFieldsTooLarge); !strings.Contains(got, problemPrefix+"head-too-large") {
				t.Errorf("a head of %d bytes gets %q, want a problem", bytes, got)
			}
		}
	}
	getOn(t, dial(t, address), "X: "+strings.Repeat("v", readHeaderBytes+8192)+"\r\n", http.StatusRequestHeaderFieldsTooLarge)
}
