package daemon

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// forwardDial bounds the connection to a thing inside; it is on the same machine.
const forwardDial = 3 * time.Second

// offer is a port that the host can reach. Somebody inside serves it; while nobody does, connections are closed at
// once rather than left waiting.
type offer struct {
	listener net.Listener

	mu    sync.Mutex
	serve func(net.Conn) // nil: nobody
}

// newOffer starts accepting on l, until l is closed.
func newOffer(l net.Listener, log *slog.Logger) *offer {
	o := &offer{listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				log.Warn("accepting from the host", "address", l.Addr(), "error", err)
				time.Sleep(100 * time.Millisecond) // out of descriptors: wait for some to be closed
				continue
			}
			o.handle(c)
		}
	}()
	return o
}

func (o *offer) handle(c net.Conn) {
	o.mu.Lock()
	serve := o.serve
	o.mu.Unlock()
	if serve == nil {
		_ = c.Close() // the caller sees the end of the stream
		return
	}
	go serve(c)
}

// forward sends connections to address inside.
func (o *offer) forward(address string) {
	o.set(func(c net.Conn) { splice(c, address) })
}

// withdraw closes connections from now on.
func (o *offer) withdraw() { o.set(nil) }

func (o *offer) set(serve func(net.Conn)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.serve = serve
}

// claim hands connections to the listener it returns, until that is closed. One claim holds at a time.
func (o *offer) claim() (net.Listener, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.serve != nil {
		return nil, false
	}
	c := &claimed{offer: o, conns: make(chan net.Conn), closed: make(chan struct{})}
	o.serve = c.hand
	return c, true
}

// claimed is an offer as a net.Listener.
type claimed struct {
	offer  *offer
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (c *claimed) hand(conn net.Conn) {
	select {
	case c.conns <- conn:
	case <-c.closed:
		_ = conn.Close() // nobody is there any more
	}
}

// Accept implements net.Listener.
func (c *claimed) Accept() (net.Conn, error) {
	select {
	case conn := <-c.conns:
		return conn, nil
	case <-c.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener; the port itself stays open.
func (c *claimed) Close() error {
	c.once.Do(func() {
		c.offer.withdraw()
		close(c.closed)
	})
	return nil
}

// Addr implements net.Listener.
func (c *claimed) Addr() net.Addr { return c.offer.listener.Addr() }

// splice joins c with a new connection to address, each direction ending by itself, and closes both.
func splice(c net.Conn, address string) {
	defer c.Close()
	inside, err := net.DialTimeout("tcp", address, forwardDial)
	if err != nil {
		return // c is closed: what the host would see if nothing listened
	}
	defer inside.Close()
	var wg sync.WaitGroup
	wg.Go(func() { copyHalf(inside, c) })
	wg.Go(func() { copyHalf(c, inside) })
	wg.Wait()
}

// copyHalf copies until src ends and tells dst so.
func copyHalf(dst, src net.Conn) {
	_, err := io.Copy(dst, src)
	if half, ok := dst.(*net.TCPConn); ok && err == nil {
		err = half.CloseWrite()
	}
	if err != nil { // broken: the other direction has no use either
		_ = dst.Close()
		_ = src.Close()
	}
}
