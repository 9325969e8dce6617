// Package veth connects network namespaces to a bridge.
//
// Owns: network namespaces held by a file descriptor, veth pairs, their addresses and routes, over the kernel's route
// netlink (no ip command). Does not own: the bridge, and who gets which address.
package veth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// peerName is the interface's name inside the namespace.
const peerName = "eth0"

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h.
const vethInfoPeer = 1

// NewNamespace makes an empty network namespace. It lives until the file is closed and no process is in it.
func NewNamespace() (*os.File, error) {
	var ns *os.File
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		var err error
		ns, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return ns, err
}

// In calls f on a thread inside the namespace; a process that f starts is inside it too.
func In(ns *os.File, f func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return f()
	})
}

// onOwnThread runs f on a locked thread and brings the thread back to the caller's namespace. A thread that cannot
// come back is given up rather than handed to other goroutines.
func onOwnThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			runtime.UnlockOSThread()
			result <- err
			return
		}
		defer home.Close()
		err = f()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			err = errors.Join(err, fmt.Errorf("leave the network namespace: %w", back))
		} else {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// Attach plugs the namespace into the bridge: a veth pair named name outside and eth0 inside, the address inside, and
// a default route over gateway. The hardware address derives from the IP address, so that an address that is given
// to another namespace keeps its neighbour entries.
func Attach(ns *os.File, name, bridge string, addr netip.Prefix, gateway netip.Addr) error {
	br, err := net.InterfaceByName(bridge)
	if err != nil {
		return fmt.Errorf("bridge %s: %w", bridge, err)
	}
	if err := addPair(name, ns, uint32(br.Index), hardware(addr.Addr())); err != nil {
		return fmt.Errorf("veth %s: %w", name, err)
	}
	err = In(ns, func() error { return configure(addr, gateway) })
	if err != nil {
		return errors.Join(fmt.Errorf("address %s: %w", addr, err), Delete(name))
	}
	return nil
}

// Delete removes an interface of the caller's namespace; one that is gone already is fine.
func Delete(name string) error {
	m := newMessage(unix.RTM_DELLINK, 0, linkBody(0, 0, 0)).attrString(unix.IFLA_IFNAME, name)
	if err := m.send(); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove interface %s: %w", name, err)
	}
	return nil
}

// AddAddress gives an interface of the caller's namespace one more address; one that it has already is fine.
func AddAddress(name string, addr netip.Prefix) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	if err := addAddress(link.Index, addr); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("address %s on %s: %w", addr, name, err)
	}
	return nil
}

// RemoveAddress takes an address off an interface; one that it has not is fine.
func RemoveAddress(name string, addr netip.Prefix) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	m := newMessage(unix.RTM_DELADDR, 0, addressBody(link.Index, addr)).attr(unix.IFA_LOCAL, addr.Addr().AsSlice())
	if err := m.send(); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove address %s of %s: %w", addr, name, err)
	}
	return nil
}

func addPair(name string, ns *os.File, bridge uint32, mac []byte) error {
	m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, linkBody(0, unix.IFF_UP, unix.IFF_UP))
	m.attrString(unix.IFLA_IFNAME, name).attrUint32(unix.IFLA_MASTER, bridge)
	m.nested(unix.IFLA_LINKINFO, func(m *message) {
		m.attrString(unix.IFLA_INFO_KIND, "veth")
		m.nested(unix.IFLA_INFO_DATA, func(m *message) {
			m.nested(vethInfoPeer, func(m *message) {
				m.raw(linkBody(0, 0, 0)).attrString(unix.IFLA_IFNAME, peerName)
				m.attr(unix.IFLA_ADDRESS, mac).attrUint32(unix.IFLA_NET_NS_FD, uint32(ns.Fd()))
			})
		})
	})
	return m.send()
}

// configure runs inside the namespace.
func configure(addr netip.Prefix, gateway netip.Addr) error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	eth, err := net.InterfaceByName(peerName)
	if err != nil {
		return err
	}
	for _, index := range []int{lo.Index, eth.Index} {
		if err := newMessage(unix.RTM_NEWLINK, 0, linkBody(index, unix.IFF_UP, unix.IFF_UP)).send(); err != nil {
			return err
		}
	}
	if err := addAddress(eth.Index, addr); err != nil {
		return err
	}
	body := []byte{unix.AF_INET, 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	route := newMessage(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, body)
	return route.attr(unix.RTA_GATEWAY, gateway.AsSlice()).attrUint32(unix.RTA_OIF, uint32(eth.Index)).send()
}

func addAddress(index int, addr netip.Prefix) error {
	m := newMessage(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, addressBody(index, addr))
	return m.attr(unix.IFA_LOCAL, addr.Addr().AsSlice()).attr(unix.IFA_ADDRESS, addr.Addr().AsSlice()).send()
}

// linkBody is struct ifinfomsg.
func linkBody(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	b[0] = unix.AF_UNSPEC
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// addressBody is struct ifaddrmsg.
func addressBody(index int, addr netip.Prefix) []byte {
	b := []byte{unix.AF_INET, byte(addr.Bits()), 0, unix.RT_SCOPE_UNIVERSE, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return b
}

// hardware is a locally administered hardware address that contains the IPv4 address.
func hardware(a netip.Addr) []byte {
	ip := a.As4()
	return []byte{0x02, 0x42, ip[0], ip[1], ip[2], ip[3]}
}
