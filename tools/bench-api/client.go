package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const patience = 30 * time.Second // for an answer

// request is what a client asks for and the status that it wants.
type request struct {
	method, path, body string
	want               int
}

// client is one connection that is kept, as lean as may be: what the generator uses the API lacks.
type client struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

// ask sends r and reads the whole answer. After a fault the next request has a new connection.
func (c *client) ask(ctx context.Context, r request) (status int, body []byte, err error) {
	if c.conn == nil {
		var d net.Dialer
		if c.conn, err = d.DialContext(ctx, "tcp", c.addr); err != nil {
			return 0, nil, err
		}
		c.in = bufio.NewReader(c.conn)
	}
	conn := c.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) }) //nolint:errcheck // a deadline is there
	defer stop()
	status, body, err = c.exchange(r)
	if err != nil {
		c.close()
	}
	return status, body, err
}

func (c *client) exchange(r request) (int, []byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench-api\r\n", r.method, r.path, c.addr)
	if r.body != "" {
		head += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
	}
	if _, err := io.WriteString(c.conn, head+"\r\n"+r.body); err != nil {
		return 0, nil, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.Close {
		c.close()
	}
	return res.StatusCode, body, err
}

// close ends the connection; the next request makes another.
func (c *client) close() {
	if c.conn != nil {
		c.conn.Close() // nothing is asked on it any more
		c.conn = nil
	}
}
