//go:build linux

package namespace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// netlink is a route netlink socket (man 7 rtnetlink): enough of it to need no iproute2.
type netlink struct {
	fd  int
	seq uint32
}

func dialNetlink() (*netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("netlink: %w", err), unix.Close(fd))
	}
	return &netlink{fd: fd}, nil
}

func (c *netlink) close() {
	_ = unix.Close(c.fd) // nothing is buffered in it
}

// do sends one request and waits for its acknowledgement. what is how an error words it.
func (c *netlink) do(what string, kind, flags uint16, body []byte) error {
	c.seq++
	header := unix.NlMsghdr{
		Len: uint32(unix.SizeofNlMsghdr + len(body)), Type: kind, Seq: c.seq,
		Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK | flags,
	}
	if err := unix.Sendto(c.fd, append(encode(header), body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	answer := make([]byte, 8192)
	n, _, err := unix.Recvfrom(c.fd, answer, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := acknowledged(answer[:n]); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// acknowledged reads an NLMSG_ERROR message, whose error number is 0 for success and negative otherwise.
func acknowledged(answer []byte) error {
	var ack struct {
		Header unix.NlMsghdr
		Errno  int32
	}
	if err := binary.Read(bytes.NewReader(answer), binary.NativeEndian, &ack); err != nil {
		return fmt.Errorf("netlink answer of %d bytes: %w", len(answer), err)
	}
	if ack.Header.Type != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink answer of type %d, want an acknowledgement", ack.Header.Type)
	}
	if ack.Errno != 0 {
		return syscall.Errno(-ack.Errno)
	}
	return nil
}

// encode lays out a fixed-size value as the kernel does.
func encode(v any) []byte {
	out, err := binary.Append(nil, binary.NativeEndian, v)
	if err != nil {
		panic(err) // v is no fixed-size type: a defect, seen by the first run
	}
	return out
}

// attribute is a routing attribute: length, type, value, padded to 4 bytes.
func attribute(kind uint16, value []byte) []byte {
	out := encode(unix.RtAttr{Len: uint16(unix.SizeofRtAttr + len(value)), Type: kind})
	out = append(out, value...)
	for len(out)%unix.RTA_ALIGNTO != 0 {
		out = append(out, 0)
	}
	return out
}
