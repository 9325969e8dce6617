package servicenet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// talkTo is a load balancer whose target is talk, called for each connection but those of health checks.
func talkTo(t *testing.T, talk func(in *bufio.Reader, out net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // test over
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				if line, err := in.Peek(len("GET /healthz ")); err == nil && string(line) == "GET /healthz " {
					answerOnce(conn, in, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
					return
				}
				talk(in, conn)
			}()
		}
	}()
	n, url, _ := balanced(t, testGroup, http.NotFoundHandler())
	register(t, n, netip.MustParseAddrPort(l.Addr().String()))
	return url
}

// answerOnce reads a request's header and answers; it returns the header, or "" when there is none.
func answerOnce(conn net.Conn, in *bufio.Reader, answer string) string {
	var head strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return ""
		}
		if head.WriteString(line); line == "\r\n" {
			io.WriteString(conn, answer) //nolint:errcheck // the reader tells
			return head.String()
		}
	}
}

func whole(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestATargetThatClosedAKeptConnectionIsAskedOnANewOne(t *testing.T) {
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) { answerOnce(out, in, whole("ok")) })
	for i := range 5 {
		if status, body := get(t, url); status != 200 || body != "ok" {
			t.Errorf("request %d: %d %s", i, status, body)
		}
	}
}

func TestAnAnswerThatHasBegunIsNotAskedForAgain(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) {
		for answerOnce(out, in, "") != "" {
			mu.Lock()
			asked++
			first := asked == 1
			mu.Unlock()
			if !first {
				io.WriteString(out, "HTTP/1.1 2") //nolint:errcheck // the reader tells
				return
			}
			io.WriteString(out, whole("ok")) //nolint:errcheck // as above
		}
	})
	get(t, url)
	if status, _ := get(t, url); status != 502 {
		t.Errorf("status %d, want 502", status)
	}
	if mu.Lock(); asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	mu.Unlock()
}

func TestHeadersBetweenNeighboursGoNoFurther(t *testing.T) {
	heads := make(chan string, 1)
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) {
		heads <- answerOnce(out, in, "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nX-End: 2\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Connection": "X-Mine, x-forwarded-for, X-Forwarded-Port", "X-Mine": "1", "Te": "trailers", "Proxy-Authorization": "Basic x", "X-End": "2",
		"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	head := <-heads
	host := strings.TrimPrefix(url, "http://")
	for _, want := range []string{"GET /x HTTP/1.1\r\n", "Host: " + host, "X-End: 2", "X-Forwarded-For: 203.0.113.9, 127.0.0.1", "X-Forwarded-Proto: http\r", "X-Forwarded-Port: " + strings.Split(host, ":")[1]} {
		if strings.Count(head, want) != 1 {
			t.Errorf("the target was not sent %q once:\n%s", want, head)
		}
	}
	for _, name := range []string{"Connection:", "X-Mine:", "Te:", "Proxy-Authorization:", "https"} {
		if strings.Contains(head, name) {
			t.Errorf("the target was sent %s\n%s", name, head)
		}
	}
	if d := cmp.Diff([]string{"", "", "2", ""}, []string{res.Header.Get("X-Hop"), res.Header.Get("Keep-Alive"), res.Header.Get("X-End"), res.Header.Get("Proxy-Authenticate")}); d != "" {
		t.Error(d)
	}
}

func TestInterimAnswersArePassedOver(t *testing.T) {
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) {
		answerOnce(out, in, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"+whole("ok"))
	})
	if status, body := get(t, url); status != 200 || body != "ok" {
		t.Errorf("%d %s", status, body)
	}
}

func TestAnswersOfNoUseAre502(t *testing.T) {
	for name, answer := range map[string]string{
		"an endless header":     "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 2*mostHeader),
		"interim answers only":  strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 2*mostInterims),
		"not HTTP":              "hello\r\n\r\n",
		"a protocol not wanted": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"two lengths":           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	} {
		t.Run(name, func(t *testing.T) {
			url := talkTo(t, func(in *bufio.Reader, out net.Conn) { answerOnce(out, in, answer) })
			if status, _ := get(t, url); status != 502 {
				t.Errorf("status %d, want 502", status)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffBreaksOffForTheClient(t *testing.T) {
	for name, answer := range map[string]string{
		"before its length":     "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"before its last chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			url := talkTo(t, func(in *bufio.Reader, out net.Conn) { answerOnce(out, in, answer) })
			res, err := http.Get(url)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close() //nolint:errcheck // test over
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				t.Errorf("the client sees %v, want that something is missing", err)
			}
		})
	}
}

func TestAnAnswerOfUnknownLengthIsPassedOnAsItComes(t *testing.T) {
	read := make(chan bool)
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) {
		answerOnce(out, in, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nfirst\r\n")
		<-read
		io.WriteString(out, "4\r\nlast\r\n0\r\nX-Sum: 9\r\n\r\n") //nolint:errcheck // the reader tells
	})
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, first); err != nil {
		t.Fatal(err)
	}
	close(read)
	rest, err := io.ReadAll(res.Body)
	if err != nil || string(first)+string(rest) != "firstlast" || res.Trailer.Get("X-Sum") != "9" {
		t.Errorf("%s%s, trailer %v, %v", first, rest, res.Trailer, err)
	}
}

func TestAClientThatLeavesFreesItsTarget(t *testing.T) {
	arrived, gone := make(chan bool), make(chan error)
	url := talkTo(t, func(in *bufio.Reader, out net.Conn) {
		answerOnce(out, in, "")
		arrived <- true
		_, err := in.ReadByte()
		gone <- err
	})
	conn, err := net.Dial("tcp4", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-gone; err == nil {
		t.Error("the target was sent more")
	}
}

// What follows a request on its connection is never taken for another request than the load balancer took it for.
func TestTargetsSeeTheRequestsThatTheLoadBalancerSaw(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"a read with a body":       {"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\nGET /evil HTTP/1.1\r\n\r\n\r\n" + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n", "/a /b"},
		"both framings":            {"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "/a /b"},
		"framing named Connection": {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\nhello" + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n", "/a /b"},
		"length 0":                 {"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "/a /b"},
		"two lengths":              {"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello", ""},
		"a line in a header":       {"GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\rX-B: 2\r\n\r\n", ""},
		"an unknown coding":        {"GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var seen []string
			n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != testGroup.HealthPath {
					mu.Lock()
					defer mu.Unlock()
					seen = append(seen, r.URL.Path)
				}
			}))
			register(t, n, backend)
			conn, err := net.Dial("tcp4", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, c.sent); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			for range max(1, len(strings.Fields(c.want))) {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, res.Body) //nolint:errcheck // only its end matters
			}
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(seen, " "); got != c.want {
				t.Errorf("the target saw %q, want %q", got, c.want)
			}
		})
	}
}
