package main

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is a process' way to a server, which can be cut and slowed.
type line struct {
	net.Listener
	target string
	delay  atomic.Int64 // of whatever passes, in either direction
	mu     sync.Mutex
	cut    bool
	open   []net.Conn
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: listener, target: target}
	t.Cleanup(func() { listener.Close(); l.set(true) })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.join(client)
		}
	}()
	return l
}

func (l *line) join(client net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		client.Close()
		return
	}
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		client.Close()
		return
	}
	l.open = append(l.open, client, server)
	go l.pass(client, server)
	go l.pass(server, client)
}

// pass hands on what comes, until either side ends.
func (l *line) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	some := make([]byte, 64<<10)
	for {
		n, err := from.Read(some)
		if n > 0 {
			time.Sleep(time.Duration(l.delay.Load()))
			if _, err := to.Write(some[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// set cuts it, or mends it.
func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut = cut; cut {
		for _, c := range l.open {
			c.Close()
		}
		l.open = nil
	}
}

// slow delays whatever passes from now on.
func (l *line) slow(by time.Duration) { l.delay.Store(int64(by)) }
