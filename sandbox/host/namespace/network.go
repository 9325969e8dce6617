//go:build linux

package namespace

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// BridgeName is the network device pods are attached to.
const BridgeName = "br0"

const loopbackName = "lo"

// sysctls of the namespace's own network stack.
var sysctls = []struct{ file, value string }{
	{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"}, // pods bind port 80 as any user
	{"/proc/sys/net/ipv4/ip_forward", "1"},                 // pods reach cluster IPs through the bridge
}

// bringUpNetwork makes the address plan of package layout true.
func bringUpNetwork() error {
	c, err := dialNetlink()
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.setUp(loopbackName); err != nil {
		return err
	}
	if err := c.addBridge(BridgeName); err != nil {
		return fmt.Errorf("%w (is the kernel module bridge there?)", err)
	}
	if err := c.addAddress(BridgeName, layout.Bridge); err != nil {
		return err
	}
	if err := c.setUp(BridgeName); err != nil {
		return err
	}
	for _, prefix := range []netip.Prefix{layout.ServiceCIDR, layout.CloudCIDR} {
		if err := c.addLocalRoute(prefix); err != nil {
			return err
		}
	}
	for _, s := range sysctls {
		if err := os.WriteFile(s.file, []byte(s.value), 0); err != nil {
			return err
		}
	}
	return nil
}

func (c *netlink) setUp(name string) error {
	dev, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	msg := encode(unix.IfInfomsg{Family: unix.AF_UNSPEC, Index: int32(dev.Index), Flags: unix.IFF_UP, Change: unix.IFF_UP})
	return c.do("setting "+name+" up", unix.RTM_NEWLINK, 0, msg)
}

func (c *netlink) addBridge(name string) error {
	msg := encode(unix.IfInfomsg{Family: unix.AF_UNSPEC})
	msg = append(msg, attribute(unix.IFLA_IFNAME, append([]byte(name), 0))...)
	msg = append(msg, attribute(unix.IFLA_LINKINFO, attribute(unix.IFLA_INFO_KIND, []byte("bridge")))...)
	return c.do("adding bridge "+name, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, msg)
}

func (c *netlink) addAddress(name string, p netip.Prefix) error {
	dev, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	msg := encode(unix.IfAddrmsg{Family: unix.AF_INET, Prefixlen: uint8(p.Bits()), Index: uint32(dev.Index)})
	ip := p.Addr().As4()
	msg = append(msg, attribute(unix.IFA_LOCAL, ip[:])...)
	msg = append(msg, attribute(unix.IFA_ADDRESS, ip[:])...)
	return c.do("adding "+p.String()+" to "+name, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, msg)
}

// addLocalRoute makes every address of p one of this machine's own (AnyIP), so that each can be bound.
func (c *netlink) addLocalRoute(p netip.Prefix) error {
	dev, err := net.InterfaceByName(loopbackName)
	if err != nil {
		return err
	}
	msg := encode(unix.RtMsg{
		Family: unix.AF_INET, Dst_len: uint8(p.Bits()), Table: unix.RT_TABLE_LOCAL,
		Protocol: unix.RTPROT_BOOT, Scope: unix.RT_SCOPE_HOST, Type: unix.RTN_LOCAL,
	})
	ip := p.Addr().As4()
	msg = append(msg, attribute(unix.RTA_DST, ip[:])...)
	msg = append(msg, attribute(unix.RTA_OIF, encode(uint32(dev.Index)))...)
	return c.do("routing "+p.String()+" to this machine", unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, msg)
}
