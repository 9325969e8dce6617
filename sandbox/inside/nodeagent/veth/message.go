package veth

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// message is a route netlink request under construction, in host byte order as the kernel wants it.
type message struct{ buf []byte }

func newMessage(kind, flags uint16, body []byte) *message {
	m := &message{buf: make([]byte, unix.NLMSG_HDRLEN, 256)}
	binary.NativeEndian.PutUint16(m.buf[4:], kind)
	binary.NativeEndian.PutUint16(m.buf[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m.buf = append(m.buf, body...)
	return m
}

// attr appends an attribute, padded to the next multiple of 4.
func (m *message) attr(kind uint16, value []byte) *message {
	m.header(kind, len(value))
	m.buf = append(m.buf, value...)
	m.pad()
	return m
}

func (m *message) attrString(kind uint16, s string) *message {
	return m.attr(kind, append([]byte(s), 0))
}

func (m *message) attrUint32(kind uint16, v uint32) *message {
	return m.attr(kind, binary.NativeEndian.AppendUint32(nil, v))
}

// nested appends an attribute whose value is what fill appends.
func (m *message) nested(kind uint16, fill func(*message)) {
	at := len(m.buf)
	m.header(kind|unix.NLA_F_NESTED, 0)
	fill(m)
	binary.NativeEndian.PutUint16(m.buf[at:], uint16(len(m.buf)-at))
}

// raw appends bytes without an attribute header.
func (m *message) raw(b []byte) *message {
	m.buf = append(m.buf, b...)
	return m
}

func (m *message) header(kind uint16, valueLen int) {
	m.buf = binary.NativeEndian.AppendUint16(m.buf, uint16(unix.SizeofRtAttr+valueLen))
	m.buf = binary.NativeEndian.AppendUint16(m.buf, kind)
}

func (m *message) pad() {
	for len(m.buf)%4 != 0 {
		m.buf = append(m.buf, 0)
	}
}

// send sends the request in the calling thread's network namespace and returns the kernel's answer.
func (m *message) send() error {
	binary.NativeEndian.PutUint32(m.buf, uint32(len(m.buf)))
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, m.buf, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("netlink request: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("netlink answer: %w", err)
	}
	return answerError(answer[:n])
}

// answerError reads an NLMSG_ERROR answer: errno 0 is an acknowledgement.
func answerError(b []byte) error {
	if len(b) < unix.NLMSG_HDRLEN+4 {
		return fmt.Errorf("netlink answer has %d bytes, want at least %d", len(b), unix.NLMSG_HDRLEN+4)
	}
	if kind := binary.NativeEndian.Uint16(b[4:]); kind != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink answer is of type %d, want an acknowledgement", kind)
	}
	if errno := int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:])); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}
