package nodeagent

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// addressPool hands out the addresses of a prefix from first up, and takes the longest unused one next, so that an
// address rests before it is used again.
type addressPool struct {
	mu     sync.Mutex
	prefix netip.Prefix
	first  netip.Addr
	next   netip.Addr
	used   map[netip.Addr]bool
}

func newAddressPool(prefix netip.Prefix, first netip.Addr) *addressPool {
	return &addressPool{prefix: prefix, first: first, next: first, used: map[netip.Addr]bool{}}
}

// take gives the preferred address if it is free, else another.
func (p *addressPool) take(preferred string) (netip.Addr, error) {
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

func (p *addressPool) release(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, a)
}

// nthAddr is the n-th address of a prefix.
func nthAddr(prefix netip.Prefix, n uint32) netip.Addr {
	b := prefix.Masked().Addr().As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// hostsFile is a pod's /etc/hosts.
func hostsFile(v view) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	names := v.hostname()
	if sub := v.pod.Spec.Subdomain; sub != "" {
		names = fmt.Sprintf("%s.%s.%s.svc.cluster.local\t%s", names, sub, v.pod.Namespace, names)
	}
	fmt.Fprintf(&b, "%s\t%s\n", v.podIP, names)
	for _, alias := range v.pod.Spec.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, "\t"))
	}
	return b.String()
}

// resolvFile is a pod's /etc/resolv.conf; host is the sandbox's own, for dnsPolicy Default.
func resolvFile(pod *corev1.Pod, dns netip.Addr, host string) string {
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
