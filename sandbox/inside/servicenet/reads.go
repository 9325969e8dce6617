package servicenet

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// isRead says whether a request has no body, may be sent twice and asks for no other protocol. Most do, and their way is
// short: one goroutine, one connection of the target to itself. The others take httputil.ReverseProxy and http.Transport,
// whose copies and two goroutines for each connection cost as much again as all the rest.
func isRead(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength == 0 && len(r.Header["Upgrade"]) == 0
}

// read forwards a request for which isRead holds.
func (m *member) read(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	res, err := m.conns.roundTrip(r)
	if err != nil {
		m.fail(w, r, err)
		return
	}
	m.group.counters.answered(res.StatusCode, time.Since(begin))
	pass(w, res)
}

// pass hands the target's answer to the client. An answer that breaks off breaks off for the client too.
func pass(w http.ResponseWriter, res *http.Response) {
	defer res.Body.Close() //nolint:errcheck // what was not read is not wanted
	header := w.Header()
	for name, values := range res.Header {
		if !endsHere(name, res.Header["Connection"]) {
			header[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	if err := copyBody(w, res); err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range res.Trailer {
		header[http.TrailerPrefix+name] = values
	}
}

// copyBody writes each part at once where the answer's length is not known: its reader may wait for it.
func copyBody(w http.ResponseWriter, res *http.Response) error {
	buffer := copyBuffers.Get()
	defer copyBuffers.Put(buffer)
	flush := func() error { return nil }
	if res.ContentLength < 0 {
		flush = http.NewResponseController(w).Flush
	}
	for {
		n, err := res.Body.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// betweenNeighbours are the headers that are none of the next one's business (RFC 9110, 7.6.1).
var betweenNeighbours = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// endsHere says whether a header goes no further: always, or because the message's Connection header names it.
func endsHere(name string, connection []string) bool {
	if betweenNeighbours[name] {
		return true
	}
	for _, list := range connection {
		for option := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(option), name) {
				return true
			}
		}
	}
	return false
}

// writeHead writes r as the target is to see it. The server has checked method, address, host and headers.
func (c *targetConn) writeHead(r *http.Request) error {
	out := c.out
	for _, part := range []string{r.Method, " ", r.URL.RequestURI(), " HTTP/1.1\r\nHost: ", cmp.Or(r.Host, c.pool.host), "\r\n"} {
		out.WriteString(part) //nolint:errcheck // Flush tells
	}
	forwarded := forwardedHeaders(r)
	for name, values := range r.Header {
		if !endsHere(name, r.Header["Connection"]) && !slices.ContainsFunc(forwarded[:], func(h header) bool { return h.name == name }) {
			c.writeHeader(name, values...)
		}
	}
	for _, h := range forwarded {
		c.writeHeader(h.name, h.value)
	}
	out.WriteString("\r\n") //nolint:errcheck // as above
	return out.Flush()
}

func (c *targetConn) writeHeader(name string, values ...string) {
	for _, v := range values {
		for _, part := range [...]string{name, ": ", v, "\r\n"} {
			c.out.WriteString(part) //nolint:errcheck // Flush tells
		}
	}
}
