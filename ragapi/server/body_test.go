package server

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The factor that memory is reserved with counts these, and twice the text for the database. A third more is allocated while the
// body grows, and is not held.
func TestABodyIsHeldAtMostTwice(t *testing.T) {
	const size = 4 << 20
	plain, escaped := strings.Repeat("lamp ", size/5), strings.Repeat(`lam\n`, size/5)
	for name, c := range map[string]struct {
		kind, body string
		most       float64 // of all that was allocated, in sizes of the body
	}{
		"text":          {asText, plain, 1.5},
		"JSON":          {asJSON, `{"title":"t","text":"` + plain + `"}`, 1.5},
		"escaped JSON":  {asJSON, `{"title":"t","text":"` + escaped + `"}`, 2.5},
		"a form":        {asForm, part("name=file; filename=f", plain) + "--b--", 2.6},
		"members":       {asJSON, `{` + strings.Repeat(`"aa":1,`, size/7) + `"z":1}`, 1.5},
		"metadata":      {asJSON, `{"metadata":{` + strings.Repeat(`"aa":[1],`, size/9) + `"z":1}}`, 1.5},
		"names":         {asJSON, `{"` + strings.Repeat("n", size) + `":1}`, 2.5},
		"nesting":       {asJSON, `{"a":` + strings.Repeat("[", size), 1.5},
		"heads":         {asForm, "--b\r\n" + strings.Repeat("a: b\r\n", size/6), 1.6},
		"parts":         {asForm, strings.Repeat(part("name=x", ""), size/50), 1.6},
		"a decomposed":  {asText, strings.Repeat("e\u0301 ", size/4), 2.9},
		"one of marks":  {asText, strings.Repeat("\ue000", size/3), 3.6},
		"a run":         {asText, "a" + strings.Repeat("\u0301\u0316", size/4), 5},
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

// TestABodyThatIsCutOffByTheProcessIsNotTheClientsFault: neither in the log nor in the metrics, which are told the same.
func TestABodyThatIsCutOffByTheProcessIsNotTheClientsFault(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(s *httptest.Server, client net.Conn)
		status string
	}{
		"the process ends":     {func(s *httptest.Server, _ net.Conn) { _ = s.Config.Close() }, "status=503"},
		"the client goes away": {func(_ *httptest.Server, client net.Conn) { client.Close() }, "status=400"},
	} {
		var log bytes.Buffer
		o := largeOptions(&fake{}, 1<<20)
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		h := New(o) // unchecked: there is no answer
		began, ended := make(chan struct{}), make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			close(began)
			h.ServeHTTP(w, r)
		}))
		client := dial(t, s.Listener.Addr().String())
		if _, err := io.WriteString(client, "POST "+docs+"?title=t HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbegin"); err != nil {
			t.Fatal(err)
		}
		<-began
		c.end(s, client)
		<-ended
		s.Close()
		if !strings.Contains(log.String(), c.status) {
			t.Errorf("%s: logged %q, want %s", name, log.String(), c.status)
		}
	}
}

// incoming bodies of clients that send nothing.
func idle(t *testing.T, address string, n int, head string) (all []net.Conn) {
	t.Helper()
	for range n {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, head+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	return all
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have closed it
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// send sends a request with a body of unknown length.
func send(t *testing.T, address, path, kind, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, io.MultiReader(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode > 299 {
		t.Errorf("%s answers %d: %s (%v)", path, answer.StatusCode, text, err)
	}
}

const (
	sessionHead  = "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 12"
	documentHead = "POST /v1/documents HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: "
)

func TestWhoSendsNothingTakesNoPlace(t *testing.T) {
	for name, head := range map[string]string{
		"sessions": sessionHead, "small uploads": documentHead + "65536", "large uploads": documentHead + strconv.Itoa(1<<20),
		"reads with a body": "GET /v1/documents HTTP/1.1\r\nHost: a\r\nContent-Length: 12",
	} {
		t.Run(name, func(t *testing.T) {
			o := largeOptions(&fake{}, 1<<20)
			o.MaxRequests, o.UploadMemory = 2, 8<<20
			s := httptest.NewServer(checked(o))
			defer s.Close()
			address := s.Listener.Addr().String()
			// More than there are places, and more than there is memory for.
			conns := idle(t, address, 60, head)
			for range 3 {
				send(t, address, "/v1/sessions", asJSON, `{"user":"u"}`)
				send(t, address, docs+"?title=t", asText, strings.Repeat("lamp ", 1<<17))
			}
			for _, conn := range conns {
				_ = conn.Close() // the server waits for them
			}
		})
	}
}

func TestWhoIsCutOffForMemoryIsTold(t *testing.T) {
	o := largeOptions(&fake{}, 1<<20)
	o.UploadMemory = 1
	s := httptest.NewServer(checked(o))
	defer s.Close()
	conns := idle(t, s.Listener.Addr().String(), 60, sessionHead)
	defer func() {
		for _, conn := range conns {
			_ = conn.Close() // the server waits for them
		}
	}()
	answer, err := io.ReadAll(conns[0])
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 503 ")) || !bytes.Contains(answer, []byte(problemPrefix+"overloaded")) || !bytes.Contains(answer, []byte("\r\nRetry-After: ")) {
		t.Errorf("%s (%v), want 503 overloaded and the connection closed", answer, err)
	}
}

func TestAnAnswerDoesNotWaitForABodyThatNobodyReads(t *testing.T) {
	for head, want := range map[string]string{
		"GET /v1/documents HTTP/1.1":                                   "200",
		"GET /readyz HTTP/1.1":                                         "200",
		"DELETE /v1/documents/" + id.String() + " HTTP/1.1":            "204",
		"POST /v1/nowhere HTTP/1.1":                                    "404",
		"POST /v1/documents HTTP/1.1\r\nContent-Type: image/png":       "415",
		"POST /v1/documents/" + id.String() + "/retry HTTP/1.1":        "202",
		"GET /v1/documents?limit=0 HTTP/1.1\r\nExpect: 100-continue":   "400",
		"GET /v1/search?q=lamp HTTP/1.1\r\nTransfer-Encoding: chunked": "200",
	} {
		if !strings.Contains(head, "chunked") {
			head += "\r\nContent-Length: 12"
		}
		conn := overTCP(t, newAPI(&fake{}))
		if _, err := io.WriteString(conn, head+"\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 "+want)) {
			t.Errorf("%q: %s (%v), want %s and the connection closed", head, answer, err, want)
		}
	}
}

// overTCP serves an API on a real connection.
func overTCP(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return dial(t, s.Listener.Addr().String())
}

func TestABodyThatComesTooSlowlyIs408(t *testing.T) {
	defer func(d time.Duration) { paceGrace = d }(paceGrace)
	paceGrace = 200 * time.Millisecond
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
	defer func(d time.Duration) { paceGrace = d }(paceGrace)
	paceGrace = 200 * time.Millisecond
	conn := overTCP(t, large(&fake{waits: 3 * paceGrace}, 1024))
	if _, err := io.WriteString(conn, "POST /v1/documents?title=t HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nsome"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 202 ")) {
		t.Errorf("%s (%v), want 202", answer, err)
	}
}
