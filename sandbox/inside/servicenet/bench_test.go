package servicenet

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const benchAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 0123456789abcdef\r\nContent-Length: 3\r\n\r\nok\n"

// BenchmarkLoadBalancer forwards GETs the short way and as httputil.ReverseProxy does. Clients and target are as lean as
// the kernel lets them be; "none" is without a load balancer.
func BenchmarkLoadBalancer(b *testing.B) {
	backend := netip.MustParseAddrPort(serveBench(b, benchAnswer))
	g := groupOf(leastOutstanding)
	m := newMember(g, target{addr: backend})
	front := func(h http.Handler) string {
		s := httptest.NewServer(h)
		b.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	for _, way := range []struct{ name, addr string }{{"none", backend.String()}, {"short", front(m)}, {"ReverseProxy", front(m.proxy)}} {
		for _, clients := range []int{1, 50} {
			b.Run(fmt.Sprintf("%s/%d", way.name, clients), func(b *testing.B) {
				drive(b, way.addr, clients, "GET /healthz HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", "ok\n")
			})
		}
	}
}

// BenchmarkClusterIP sends a message of PostgreSQL's and Redis' size and gets one of a page back.
func BenchmarkClusterIP(b *testing.B) {
	for _, size := range []int{64, 8 << 10} {
		target := serveBench(b, string(bytes.Repeat([]byte("."), size-1))+"\n")
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { l.Close() }) //nolint:errcheck // benchmark over
		f := &forwarder{listener: l}
		f.endpoints.Store(&[]netip.AddrPort{netip.MustParseAddrPort(target)})
		go f.serve()
		for _, way := range []struct{ name, addr string }{{"none", target}, {"joined", l.Addr().String()}} {
			b.Run(fmt.Sprintf("%s/%dB", way.name, size), func(b *testing.B) { drive(b, way.addr, 20, "question\r\n\r\n", ".\n") })
		}
	}
}

// serveBench answers each empty line.
func serveBench(b *testing.B, answer string) (addr string) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() }) //nolint:errcheck // benchmark over
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					line, err := in.ReadSlice('\n')
					if err == nil && len(line) == 2 {
						_, err = io.WriteString(conn, answer)
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// drive has clients ask b.N times in all, each when it has its answer, whose end is end.
func drive(b *testing.B, addr string, clients int, request, end string) {
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	before := processor(b)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if err := askAll(&left, addr, request, end); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64((processor(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func askAll(left *atomic.Int64, addr, request, end string) error {
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	answer := make([]byte, 64<<10)
	for left.Add(-1) >= 0 {
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		for n := 0; n == 0 || !bytes.HasSuffix(answer[:n], []byte(end)); {
			more, err := conn.Read(answer[n:])
			if err != nil {
				return err
			}
			n += more
		}
	}
	return nil
}

// processor is what this process has used of the CPU: unlike time, it says something on a busy machine.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
