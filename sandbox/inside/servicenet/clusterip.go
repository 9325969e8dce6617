package servicenet

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const endpointDial = 2 * time.Second // a pod is on this machine: it answers at once or not at all

// clusterIPs forwards each service's cluster IP and TCP ports to its ready endpoints, in turn.
type clusterIPs struct {
	log     *slog.Logger
	except  netip.AddrPort // the resolver's own address
	mu      sync.Mutex
	forward map[netip.AddrPort]*forwarder
}

func newClusterIPs(log *slog.Logger, except netip.AddrPort) *clusterIPs {
	return &clusterIPs{log: log, except: except, forward: map[netip.AddrPort]*forwarder{}}
}

// sync makes the listeners those of s.
func (c *clusterIPs) sync(s *snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[netip.AddrPort][]netip.AddrPort{}
	for _, svc := range s.services {
		for _, p := range svc.ports {
			at := netip.AddrPortFrom(svc.clusterIP, uint16(p.port))
			if svc.clusterIP.IsValid() && p.protocol == corev1.ProtocolTCP && at != c.except {
				wanted[at] = readyAddresses(p.endpoints, svc.allReady)
			}
		}
	}
	for at, f := range c.forward {
		if _, ok := wanted[at]; !ok {
			f.listener.Close() //nolint:errcheck // accepting ends, which is all that is wanted
			delete(c.forward, at)
		}
	}
	for at, endpoints := range wanted {
		if err := c.set(at, endpoints); err != nil {
			c.log.Error("cluster IP", "address", at, "error", err)
		}
	}
}

func (c *clusterIPs) set(at netip.AddrPort, endpoints []netip.AddrPort) error {
	f := c.forward[at]
	if f == nil {
		l, err := net.Listen("tcp4", at.String())
		if err != nil {
			return err
		}
		f = &forwarder{listener: l}
		c.forward[at] = f
		defer func() { go f.serve() }()
	}
	f.endpoints.Store(&endpoints)
	return nil
}

func readyAddresses(endpoints []endpoint, all bool) []netip.AddrPort {
	var out []netip.AddrPort
	for _, e := range endpoints {
		if e.ready || all {
			out = append(out, e.addr)
		}
	}
	return out
}

type forwarder struct {
	listener  net.Listener
	endpoints atomic.Pointer[[]netip.AddrPort]
	next      atomic.Uint64
}

func (f *forwarder) serve() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		go f.handle(conn.(*net.TCPConn))
	}
}

// handle joins conn with the next endpoint that answers; without one the caller's connection is reset, as kube-proxy
// refuses it.
func (f *forwarder) handle(conn *net.TCPConn) {
	defer conn.Close()
	endpoints := *f.endpoints.Load()
	start := f.next.Add(1)
	for i := range uint64(len(endpoints)) {
		at := endpoints[(start+i)%uint64(len(endpoints))]
		up, err := net.DialTimeout("tcp4", at.String(), endpointDial)
		if err == nil {
			join(conn, up.(*net.TCPConn))
			return
		}
	}
	conn.SetLinger(0) //nolint:errcheck // a plain close will do then
}

// join copies both ways until both are done; an end of one direction is passed on.
func join(a, b *net.TCPConn) {
	defer b.Close()
	var wg sync.WaitGroup
	half := func(dst, src *net.TCPConn) {
		_, err := io.Copy(dst, src) // the kernel splices
		if err == nil {
			err = dst.CloseWrite()
		}
		if err != nil { // broken: the other direction has no use either
			a.Close() //nolint:errcheck // as above
			b.Close() //nolint:errcheck // as above
		}
	}
	wg.Go(func() { half(a, b) })
	wg.Go(func() { half(b, a) })
	wg.Wait()
}
