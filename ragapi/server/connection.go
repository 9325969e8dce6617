package server

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ragscale/ragscale/ragapi/admission"
)

const (
	// connectionCost is what a connection takes whatever it does: its goroutine, its buffers, and a head as clients send them.
	connectionCost = 16 << 10
	usualHead      = 8 << 10
	// headFactor and fieldCost are what the head of a request takes while it is read: its bytes twice, and its fields.
	headFactor = 2
	fieldCost  = 200
	// maxFields is far above what clients and proxies send together. Each takes memory for as long as its request.
	maxFields = 100
)

// connections accepts connections, which share a room. Where it is short, those go first whose heads take the most, then those that
// wait for a head which does not come, then those that have been idle for the longest.
type connections struct {
	net.Listener
	room *admission.Room
}

// Accept implements net.Listener.
func (l *connections) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: accepted}
	c.hold.Enter(l.room)
	c.hold.Take(connectionCost)
	c.awaits(readHeaderTimeout)
	return c, nil
}

// connection is one that waits for a request, or has one that is answered.
type connection struct {
	net.Conn
	hold admission.Hold

	mu    sync.Mutex
	heads bool      // it waits for a head
	head  int64     // what has come of it takes
	began time.Time // when the first of it came
}

func (c *connection) awaits(within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads, c.head = true, 0
	c.hold.Await(time.Now().Add(within), c)
}

// Read implements net.Conn. The memory of a head grows as it comes.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard(b[:n])
	}
	return n, err
}

func (c *connection) heard(piece []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.heads {
		return
	}
	if c.head == 0 {
		c.began = time.Now()
	}
	c.head += headFactor*int64(len(piece)) + fieldCost*int64(bytes.Count(piece, []byte{'\n'}))
	takes := connectionCost + max(c.head-usualHead, 0)
	c.hold.Await(c.began.Add(readHeaderTimeout*connectionCost/time.Duration(takes)), c) // the more it takes, the sooner it has to end
	c.hold.Swell(takes)
}

// CutOff implements admission.Client.
func (c *connection) CutOff() { _ = c.Close() } // it is closed, whatever it says

// CloseWrite lets the server end an answer before the connection, so that its client gets all of it.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// changed hears of a connection's life.
func changed(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateActive: // its head has come
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heads = false
		if c.hold.Work(); c.head > usualHead {
			c.hold.Take(connectionCost)
		}
	case http.StateIdle:
		c.awaits(idleTimeout)
	case http.StateClosed, http.StateHijacked:
		c.hold.Leave()
	}
}

// brief answers requests whose heads are small. Who sends one that is somewhat too large learns why, on either port.
func brief(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bytes, fields := sizeOf(r)
		if bytes <= maxHeaderBytes && fields <= maxFields {
			h.ServeHTTP(w, r)
			return
		}
		x := &exchange{ResponseWriter: w}
		r = r.WithContext(identified(w, r))
		w.Header().Set("Connection", "close")
		detail := fmt.Sprintf("it has %d bytes and %d fields, want at most %d and %d", bytes, fields, maxHeaderBytes, maxFields)
		if writeProblem(x, r, headTooLarge.because(detail)) == nil {
			w.WriteHeader(x.status)
			_, _ = w.Write(x.answer) // a client that has gone needs none
		}
	})
}

// sizeOf is what the head of a request had, line ends and all.
func sizeOf(r *http.Request) (bytes, fields int) {
	bytes = len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("  \r\n\r\n")
	if r.Host != "" {
		bytes += len("Host: \r\n") + len(r.Host)
	}
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			bytes += len(name) + len(v) + len(": \r\n")
		}
	}
	return bytes, fields
}
