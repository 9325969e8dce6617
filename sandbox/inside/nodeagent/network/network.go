// Package network gives pods their addresses and the files that describe their network.
//
// Owns: which address is given next, /etc/hosts, /etc/resolv.conf. Does not own: interfaces (veth).
package network

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/downward"
)

// Pool hands out the addresses of a prefix from first up, and takes the longest unused one next, so that an
// address rests before it is used again.
type Pool struct {
	mu     sync.Mutex
	prefix netip.Prefix
	first  netip.Addr
	next   netip.Addr
	used   map[netip.Addr]bool
}

// NewPool has the addresses of prefix from first on.
func NewPool(prefix netip.Prefix, first netip.Addr) *Pool {
	return &Pool{prefix: prefix, first: first, next: first, used: map[netip.Addr]bool{}}
}

// Take gives the preferred address if it is free, else another.
func (p *Pool) Take(preferred string) (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, err := netip.ParseAddr(preferred); err == nil && p.prefix.Contains(a) && !a.Less(p.first) && !p.used[a] {
		p.used[a] = true
		return a, nil
	}
	start := p.next
	for {
		a := p.next
		if p.next = a.Next(); !p.prefix.Contains(p.next.Next()) { // the last one is the broadcast address
			p.next = p.first
		}
		if !p.used[a] {
			p.used[a] = true
			return a, nil
		}
		if p.next == start {
			return netip.Addr{}, fmt.Errorf("no address of %s is left: %d are in use", p.prefix, len(p.used))
		}
	}
}

// Release takes an address back.
func (p *Pool) Release(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, a)
}

// Nth is the n-th address of a prefix.
func Nth(prefix netip.Prefix, n uint32) netip.Addr {
	b := prefix.Masked().Addr().As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// Hosts is a pod's /etc/hosts.
func Hosts(v downward.View) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	names := v.Hostname()
	if sub := v.Pod.Spec.Subdomain; sub != "" {
		names = fmt.Sprintf("%s.%s.%s.svc.cluster.local\t%s", names, sub, v.Pod.Namespace, names)
	}
	fmt.Fprintf(&b, "%s\t%s\n", v.PodIP, names)
	for _, alias := range v.Pod.Spec.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, "\t"))
	}
	return b.String()
}

// Resolv is a pod's /etc/resolv.conf; host is the sandbox's own, for dnsPolicy Default.
func Resolv(pod *corev1.Pod, dns netip.Addr, host string) string {
	servers, search, options := []string{dns.String()}, []string{pod.Namespace + ".svc.cluster.local", "svc.cluster.local", "cluster.local"}, []string{"ndots:5"}
	switch policy := pod.Spec.DNSPolicy; {
	case policy == corev1.DNSNone:
		servers, search, options = nil, nil, nil
	case policy == corev1.DNSDefault, policy == corev1.DNSClusterFirst && pod.Spec.HostNetwork:
		if pod.Spec.DNSConfig == nil {
			return host
		}
	}
	if c := pod.Spec.DNSConfig; c != nil {
		servers, search = append(servers, c.Nameservers...), append(search, c.Searches...)
		for _, o := range c.Options {
			option := o.Name
			if o.Value != nil {
				option += ":" + *o.Value
			}
			options = append(options, option)
		}
	}
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(search, " "))
	}
	if len(options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(options, " "))
	}
	return b.String()
}
