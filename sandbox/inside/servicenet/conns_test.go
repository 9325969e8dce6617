package servicenet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestConnectionsToTheTargetAreKept(t *testing.T) {
	connections := make(chan bool, 100)
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) {
		connections <- true
		for answerOnce(out, in, whole("ok")) != "" {
			continue
		}
	})
	for range 10 {
		get(t, url)
	}
	if len(connections) != 1 {
		t.Errorf("%d connections, want 1", len(connections))
	}
}

func TestAnswersReachTheirClients(t *testing.T) {
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/long") {
			io.WriteString(w, strings.Repeat("x", 300_000)) //nolint:errcheck // the reader tells
		}
		io.WriteString(w, r.URL.Path) //nolint:errcheck // as above
	}))
	register(t, n, backend)
	var all sync.WaitGroup
	for client := range 20 {
		all.Go(func() {
			for i := range 50 {
				path := fmt.Sprintf("/%d/%d", client, i)
				if i%10 == 9 { // leaves amid the answer
					if res, err := http.Get(url + "/long" + path); err == nil {
						res.Body.Close() //nolint:errcheck // that is the case
					}
				} else if status, body := get(t, url+path); status != 200 || body != path {
					t.Errorf("%s: %d %.40s", path, status, body)
				}
			}
		})
	}
	all.Wait()
}

func TestIdleConnectionsEnd(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	p := &conns{}
	c := &targetConn{Conn: a, pool: p}
	p.keep(c)
	p.expire(c)
	if got := p.take(); got != nil {
		t.Error("an ended connection is kept")
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing says %v, want that it is closed", err)
	}
	p.keep(c)
	if p.take(); c.expiry.Stop() {
		t.Error("a connection in use expires")
	}
	p.keep(c)
	if !c.expiry.Reset(time.Hour) {
		t.Error("a connection that is kept again does not expire")
	}
}
