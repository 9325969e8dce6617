package server

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The factor that memory is reserved with counts these, and twice the text for the database.
func TestABodyIsHeldAtMostTwice(t *testing.T) {
	const size = 4 << 20
	plain, escaped := strings.Repeat("lamp ", size/5), strings.Repeat(`lam\n`, size/5)
	for name, c := range map[string]struct {
		kind, body string
		most       float64 // of all that was allocated, in sizes of the body
	}{
		"text":          {asText, plain, 1.1},
		"JSON":          {asJSON, `{"title":"t","text":"` + plain + `"}`, 1.1},
		"escaped JSON":  {asJSON, `{"title":"t","text":"` + escaped + `"}`, 2.1},
		"a form":        {asForm, part("name=file; filename=f", plain) + "--b--", 2.6},
		"members":       {asJSON, `{` + strings.Repeat(`"aa":1,`, size/7) + `"z":1}`, 1.1},
		"metadata":      {asJSON, `{"metadata":{` + strings.Repeat(`"aa":[1],`, size/9) + `"z":1}}`, 1.1},
		"names":         {asJSON, `{"` + strings.Repeat("n", size) + `":1}`, 2.1},
		"nesting":       {asJSON, `{"a":` + strings.Repeat("[", size), 1.1},
		"heads":         {asForm, "--b\r\n" + strings.Repeat("a: b\r\n", size/6), 0.2},
		"parts":         {asForm, strings.Repeat(part("name=x", ""), size/50), 0.2},
		"a decomposed":  {asText, strings.Repeat("e\u0301 ", size/4), 2.5},
		"one of marks":  {asText, strings.Repeat("\ue000", size/3), 3.2},
		"one too large": {asText, strings.Repeat("x", 5<<20), 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			api := New(largeOptions(&fake{}, size+1024)) // unchecked: a check takes memory, too
			r := httptest.NewRequest("POST", docs+"?title=t", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.kind)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			api.ServeHTTP(httptest.NewRecorder(), r)
			runtime.ReadMemStats(&after)
			if took := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(c.body)); took > c.most {
				t.Errorf("allocated %.2f times the body, want %.2f at most", took, c.most)
			}
		})
	}
}

func TestBodiesWaitForMemoryBrieflyAndSmallOnesForSmallOnesOnly(t *testing.T) {
	m := newMemory(0, 1<<20)
	release, err := m.reserve(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{1 << 20, smallBody + 1, -1} {
		var p *Problem
		if _, err := m.reserve(t.Context(), size); err == nil {
			t.Errorf("%d more bytes were given memory", size)
		} else if p = problemOf(err); p.Status != http.StatusServiceUnavailable || p.Type != problemPrefix+"overloaded" {
			t.Errorf("%d more bytes: %+v", size, p)
		}
	}
	small, err := m.reserve(t.Context(), smallBody)
	if err != nil {
		t.Fatalf("a small body waits for a large one: %v", err)
	}
	small()
	release()
	if release, err = m.reserve(t.Context(), -1); err != nil {
		t.Fatalf("memory was not given back: %v", err)
	}
	release()
	if _, err := m.reserve(t.Context(), 1<<20+1); problemOf(err).Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit: %v", err)
	}
}

// overTCP serves an API on a real connection.
func overTCP(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have closed it
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestABodyThatComesTooSlowlyIs408(t *testing.T) {
	defer func(d time.Duration) { bodyGrace = d }(bodyGrace)
	bodyGrace = 200 * time.Millisecond
	for kind, body := range map[string]string{asText: "some", asJSON: `{"title":`, asForm: "--b\r\n"} {
		conn := overTCP(t, newAPI(&fake{}))
		if _, err := io.WriteString(conn, "POST /v1/documents?title=t HTTP/1.1\r\nHost: a\r\nContent-Type: "+kind+"\r\nContent-Length: 1000\r\n\r\n"+body); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) || !bytes.Contains(answer, []byte(problemPrefix+"too-slow")) {
			t.Errorf("%s: %s (%v), want 408 and the connection closed", kind, answer, err)
		}
	}
}

func TestABodyThatEndsEarlyIs400(t *testing.T) {
	for _, head := range []string{"Content-Length: 1000\r\n\r\nsome", "Transfer-Encoding: chunked\r\n\r\n9\r\nsome", "Transfer-Encoding: chunked\r\n\r\nzz\r\nsome"} {
		conn := overTCP(t, newAPI(&fake{}))
		if _, err := io.WriteString(conn, "POST /v1/documents?title=t HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\n"+head); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) || bytes.Contains(answer, []byte("127.0.0.1")) {
			t.Errorf("%q: %s (%v), want 400", head, answer, err)
		}
	}
}

func TestTheTimeOfABodyIsNotThatOfItsAnswer(t *testing.T) {
	defer func(d time.Duration) { bodyGrace = d }(bodyGrace)
	bodyGrace = 200 * time.Millisecond
	conn := overTCP(t, large(&fake{waits: 3 * bodyGrace}, 1024))
	if _, err := io.WriteString(conn, "POST /v1/documents?title=t HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nsome"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 202 ")) {
		t.Errorf("%s (%v), want 202", answer, err)
	}
}
