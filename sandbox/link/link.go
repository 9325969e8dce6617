//go:build linux

// Package link makes the sandbox's networks: a bridge, and network namespaces that are plugged into it.
//
// Owns: interfaces, their addresses and routes (over the kernel's route netlink, no ip command), network namespaces held by a
// file descriptor. Does not own: who gets which address (layout, nodeagent).
package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// inside is the interface's name inside a namespace that is plugged in.
const inside = "eth0"

// SetUp puts an interface into service.
func SetUp(name string) error {
	device, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(device)
	}
	if err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	return nil
}

// AddBridge makes a bridge with an address.
func AddBridge(name string, address netip.Prefix) error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes}); err != nil {
		return fmt.Errorf("adding bridge %s: %w (is the kernel module bridge there?)", name, err)
	}
	return errors.Join(AddAddress(name, address), SetUp(name))
}

// AddAddress gives an interface one more address; one that it has already is fine.
func AddAddress(name string, address netip.Prefix) error {
	device, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.AddrAdd(device, plain(address))
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("address %s on %s: %w", address, name, err)
	}
	return nil
}

// RemoveAddress takes an address off an interface; one that it has not is fine.
func RemoveAddress(name string, address netip.Prefix) error {
	device, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.AddrDel(device, plain(address))
	}
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove address %s of %s: %w", address, name, err)
	}
	return nil
}

// Own makes every address of a prefix one of this machine's own (AnyIP), so that each can be bound.
func Own(prefix netip.Prefix) error {
	loopback, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.RouteAdd(&netlink.Route{
			LinkIndex: loopback.Attrs().Index, Dst: network(prefix), Table: unix.RT_TABLE_LOCAL,
			Protocol: unix.RTPROT_BOOT, Scope: netlink.SCOPE_HOST, Type: unix.RTN_LOCAL,
		})
	}
	if err != nil {
		return fmt.Errorf("routing %s to this machine: %w", prefix, err)
	}
	return nil
}

// Delete removes an interface; one that is gone already is fine.
func Delete(name string) error {
	device, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(device)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove interface %s: %w", name, err)
	}
	return nil
}

// Attach plugs a namespace into the bridge: a veth pair named name outside and eth0 inside, the address inside, and a
// default route over gateway. The hardware address derives from the IP address, so that an address that is given to another
// namespace keeps its neighbour entries.
func Attach(ns *os.File, name, bridge string, address netip.Prefix, gateway netip.Addr) error {
	to, err := netlink.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("bridge %s: %w", bridge, err)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MasterIndex, attributes.Flags = name, to.Attrs().Index, net.FlagUp
	pair := &netlink.Veth{
		LinkAttrs: attributes, PeerName: inside, PeerHardwareAddr: hardware(address.Addr()), PeerNamespace: netlink.NsFd(int(ns.Fd())),
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return errors.Join(fmt.Errorf("veth %s: %w", name, err), Delete(name)) // it may be there, but not on the bridge
	}
	if err := configure(ns, address, gateway); err != nil {
		return errors.Join(fmt.Errorf("address %s: %w", address, err), Delete(name))
	}
	return nil
}

// configure gives a namespace that is plugged in its loopback, address and route.
func configure(ns *os.File, address netip.Prefix, gateway netip.Addr) error {
	at, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer at.Close()
	for _, name := range []string{"lo", inside} {
		device, err := at.LinkByName(name)
		if err == nil {
			err = at.LinkSetUp(device)
		}
		if err != nil {
			return fmt.Errorf("setting %s up: %w", name, err)
		}
	}
	eth, err := at.LinkByName(inside)
	if err != nil {
		return err
	}
	if err := at.AddrAdd(eth, plain(address)); err != nil {
		return err
	}
	return at.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: gateway.AsSlice()})
}

// plain is an address without a broadcast address, which nobody here uses.
func plain(address netip.Prefix) *netlink.Addr {
	own := network(address)
	own.IP = address.Addr().AsSlice()
	return &netlink.Addr{IPNet: own, Broadcast: net.IPv4zero}
}

func network(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// hardware is a locally administered hardware address that contains the IPv4 address.
func hardware(a netip.Addr) net.HardwareAddr {
	ip := a.As4()
	return net.HardwareAddr{0x02, 0x42, ip[0], ip[1], ip[2], ip[3]}
}
