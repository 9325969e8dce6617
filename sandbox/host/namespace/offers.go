//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// offeredPorts are opened on the host before the namespace is made, in the order of their descriptors inside.
var offeredPorts = []int{layout.PortAPIServer, layout.PortLoadBalancer, layout.PortDatabase, layout.PortAWS}

// firstOffered is the descriptor of the first offered listener: after stdin, stdout and stderr.
const firstOffered = 3

func openOffers(l layout.Layout) ([]*os.File, error) {
	var files []*os.File
	var faults []error
	for _, port := range offeredPorts {
		f, err := openOffer(l.HostAddr(port))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		files = append(files, f)
	}
	if len(faults) > 0 {
		return nil, errors.Join(append(faults, closeAll(files))...)
	}
	return files, nil
}

func openOffer(addr string) (*os.File, error) {
	listener, err := net.Listen("tcp4", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use%s: end that process, or set %s to another 127.x.y.z address", addr, listenerOwner(addr), layout.EnvIP)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: set %s to a loopback address of this machine", err, layout.EnvIP)
	}
	file, err := listener.(*net.TCPListener).File() // a duplicate that outlives the listener
	return file, errors.Join(err, listener.Close())
}

func closeAll(files []*os.File) error {
	var faults []error
	for _, f := range files {
		faults = append(faults, f.Close())
	}
	return errors.Join(faults...)
}

// Offered adopts, inside the namespace, the listeners that the keeper opened on the host. Keys are ports.
func Offered() (map[int]net.Listener, error) {
	out := map[int]net.Listener{}
	for i, port := range offeredPorts {
		f := os.NewFile(uintptr(firstOffered+i), "offered port "+strconv.Itoa(port))
		l, err := net.FileListener(f) // duplicates the descriptor, closing on exec
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("port %d was not handed down: %w", port, err)
		}
		out[port] = l
	}
	return out, nil
}

// listenerOwner words who listens at addr (", held by process 812 (postgres)"), as far as we may see it.
func listenerOwner(addr string) string {
	inode := listeningInode(addr)
	if inode == "" {
		return ""
	}
	want := "socket:[" + inode + "]"
	fds, err := filepath.Glob("/proc/[0-9]*/fd/[0-9]*")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err != nil || target != want {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			return fmt.Sprintf(", held by process %d (%s)", p.pid, p.name)
		}
	}
	return ", held by a process of another user"
}

// listeningInode finds the socket listening at addr (or at its port on every address) in /proc/net/tcp.
func listeningInode(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(host).To4()
	if ip == nil {
		return ""
	}
	exact := fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], number)
	every := fmt.Sprintf("00000000:%04X", number)
	raw, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return ""
	}
	const local, state, inode, listening = 1, 3, 9, "0A"
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) > inode && f[state] == listening && (f[local] == exact || f[local] == every) {
			return f[inode]
		}
	}
	return ""
}
