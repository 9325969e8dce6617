package servicenet

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	clusterDomain = ".cluster.local"
	recordTTL     = 5    // seconds, as CoreDNS in a cluster
	plainLimit    = 512  // bytes of a UDP answer without EDNS (RFC 1035)
	ednsLimit     = 1232 // bytes at most with EDNS: fits every path without fragments (DNS flag day 2020)
)

// Names are records that are not the cluster's: endpoints of databases and load balancers.
type Names struct {
	mu    sync.RWMutex
	a     map[string][]netip.Addr
	is    func(host string) bool // names beside those in a
	addrs []netip.Addr           // what these resolve to
}

func newNames() *Names { return &Names{a: map[string][]netip.Addr{}} }

// Set makes host resolve to addrs.
func (n *Names) Set(host string, addrs ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.a[canonical(host)] = addrs
}

// Match makes every host that is says yes to, and that is not Set, resolve to addrs.
func (n *Names) Match(is func(host string) bool, addrs ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.is, n.addrs = is, addrs
}

// Delete makes host unknown.
func (n *Names) Delete(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.a, canonical(host))
}

func (n *Names) lookup(host string) ([]netip.Addr, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if addrs, ok := n.a[host]; ok || n.is == nil || !n.is(host) {
		return addrs, ok
	}
	return n.addrs, true
}

func canonical(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// found is what a name stands for. A name may exist and have no address.
type found struct {
	exists  bool
	alias   string // CNAME
	addrs   []netip.Addr
	service []srv
}

type srv struct {
	port   uint16
	target string
}

// resolve looks host (canonical) up among names and the cluster's services.
func resolve(host string, names *Names, s *snapshot) found {
	if addrs, ok := names.lookup(host); ok {
		return found{exists: true, addrs: addrs}
	}
	base, ok := strings.CutSuffix(host, clusterDomain)
	if !ok {
		return found{}
	}
	labels := strings.Split(base, ".")
	switch kind := labels[len(labels)-1]; {
	case kind == "pod" && len(labels) == 3:
		if a, ok := dashed(labels[0]); ok {
			return found{exists: true, addrs: []netip.Addr{a}}
		}
	case kind == "svc" && len(labels) >= 3 && len(labels) <= 5:
		n := len(labels)
		svc := s.services[objectName{labels[n-2], labels[n-3]}]
		if svc == nil {
			return found{}
		}
		return svc.resolve(labels[:n-3], host)
	}
	return found{}
}

// resolve answers for the service: prefix is what stands before its name.
func (s *service) resolve(prefix []string, host string) found {
	switch {
	case len(prefix) == 2:
		return s.records(prefix[0], prefix[1], host)
	case len(prefix) == 1 && !s.clusterIP.IsValid():
		return s.member(prefix[0])
	case len(prefix) == 1:
		return found{}
	case s.externalName != "":
		return found{exists: true, alias: canonical(s.externalName)}
	case s.clusterIP.IsValid():
		return found{exists: true, addrs: []netip.Addr{s.clusterIP}}
	}
	return found{exists: true, addrs: s.addresses(func(endpoint) bool { return true })}
}

// member is one endpoint of a headless service, by hostname or by address (10-77-1-2).
func (s *service) member(label string) found {
	addr, byAddr := dashed(label)
	addrs := s.addresses(func(e endpoint) bool { return e.hostname == label || byAddr && e.addr.Addr() == addr })
	return found{exists: len(addrs) > 0, addrs: addrs}
}

// addresses are the distinct addresses of the service's ready endpoints that match.
func (s *service) addresses(match func(endpoint) bool) []netip.Addr {
	var out []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, e := range s.members {
		if a := e.addr.Addr(); (e.ready || s.allReady) && match(e) && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// records answers for _port._protocol.service.
func (s *service) records(port, protocol, host string) found {
	base := strings.Join(strings.Split(host, ".")[2:], ".")
	for _, p := range s.ports {
		if port != "_"+p.name || protocol != "_"+strings.ToLower(string(p.protocol)) {
			continue
		}
		if s.clusterIP.IsValid() {
			return found{exists: true, service: []srv{{uint16(p.port), base}}}
		}
		f := found{exists: true}
		for _, e := range p.endpoints {
			if !e.ready && !s.allReady {
				continue
			}
			label := e.hostname
			if label == "" {
				label = strings.ReplaceAll(e.addr.Addr().String(), ".", "-")
			}
			f.service = append(f.service, srv{e.addr.Port(), label + "." + base})
		}
		return f
	}
	return found{}
}

// dashed reads an address written as 10-77-1-2.
func dashed(label string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.ReplaceAll(label, "-", "."))
	return a, err == nil && a.Is4()
}

// answer answers one query in at most limit bytes (or what the query allows over UDP when limit is 0); nil for
// what is no query. Names that are neither the cluster's nor the sandbox's do not exist: there is no network outside.
func answer(query []byte, limit int, names *Names, s *snapshot) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || m.Response || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	reply := dnsmessage.Message{Questions: m.Questions, Header: dnsmessage.Header{
		ID: m.ID, Response: true, OpCode: m.OpCode, Authoritative: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true}}
	if limit == 0 {
		limit = udpLimit(m.Additionals)
	}
	f := resolve(canonical(q.Name.String()), names, s)
	if !f.exists {
		reply.RCode = dnsmessage.RCodeNameError
	}
	reply.Answers = f.resources(q, names, s)
	packed, err := reply.Pack()
	if err == nil && len(packed) > limit {
		reply.Answers, reply.Truncated = nil, true // the client asks again over TCP
		packed, err = reply.Pack()
	}
	if err != nil {
		return nil // a name that cannot be written: the client's query times out
	}
	return packed
}

func udpLimit(additionals []dnsmessage.Resource) int {
	for _, a := range additionals {
		if a.Header.Type == dnsmessage.TypeOPT {
			return max(plainLimit, min(int(a.Header.Class), ednsLimit))
		}
	}
	return plainLimit
}

// resources writes f as the records that q asks for.
func (f found) resources(q dnsmessage.Question, names *Names, s *snapshot) []dnsmessage.Resource {
	var out []dnsmessage.Resource
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: recordTTL}
	if f.alias != "" {
		name, err := dnsmessage.NewName(f.alias + ".")
		if err != nil {
			return nil
		}
		out = append(out, dnsmessage.Resource{Header: head, Body: &dnsmessage.CNAMEResource{CNAME: name}})
		head.Name = name
		f = resolve(f.alias, names, s) // one step: an alias of an alias is the client's to follow
	}
	switch q.Type {
	case dnsmessage.TypeA:
		for _, a := range f.addrs {
			out = append(out, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		}
	case dnsmessage.TypeSRV:
		for _, r := range f.service {
			if name, err := dnsmessage.NewName(r.target + "."); err == nil {
				out = append(out, dnsmessage.Resource{Header: head, Body: &dnsmessage.SRVResource{Weight: 1, Port: r.port, Target: name}})
			}
		}
	}
	return out
}

// resolver serves answers at one address.
type resolver struct {
	at     netip.AddrPort
	udp    net.PacketConn
	tcp    net.Listener
	answer func(query []byte, limit int) []byte
}

func listenDNS(at netip.AddrPort, answer func([]byte, int) []byte) (*resolver, error) {
	udp, err := net.ListenPacket("udp4", at.String())
	if err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp4", at.String())
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	r := &resolver{at: at, udp: udp, tcp: tcp, answer: answer}
	go r.serveUDP()
	go r.serveTCP()
	return r, nil
}

func (r *resolver) address() netip.AddrPort {
	if r == nil {
		return netip.AddrPort{}
	}
	return r.at
}

func (r *resolver) close() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.udp.Close(), r.tcp.Close())
}

func (r *resolver) serveUDP() {
	buf := make([]byte, 4096)
	for {
		n, from, err := r.udp.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP answer to an earlier reply
		}
		if reply := r.answer(buf[:n], 0); reply != nil {
			r.udp.WriteTo(reply, from) //nolint:errcheck // the client asks again
		}
	}
}

func (r *resolver) serveTCP() {
	for {
		conn, err := r.tcp.Accept()
		if err != nil {
			return // closed
		}
		go r.converse(conn)
	}
}

// converse answers queries on conn, each preceded by its length, until the client is done or idle.
func (r *resolver) converse(conn net.Conn) {
	defer conn.Close()
	var head [2]byte
	for {
		if conn.SetDeadline(time.Now().Add(10*time.Second)) != nil {
			return
		}
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := r.answer(query, 1<<16-1)
		if reply == nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
