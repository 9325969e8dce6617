// Package process runs containers: local commands in namespaces of their own.
//
// Owns: what a container sees (root, mounts, user, network), its first process, further commands in it, how it ended. Does not
// own: what is to run and when.
package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/link"
)

// Network is a pod's network; nil is the sandbox's own.
type Network interface{ Close() error }

// Process is a container's first process. Done is closed when it is dead and reaped, and everything in its process
// namespace with it; Exit is then its exit status.
type Process interface {
	PID() int
	Signal(s syscall.Signal) error
	Done() <-chan struct{}
	Exit() Exit
}

// Exit is how a container ended: an exit code (128 + signal if killed by one) and the signal or 0.
type Exit struct {
	Code   int
	Signal int
}

// StartSpec is what a container's first process is started with.
type StartSpec struct {
	Spec   Spec
	UID    int64
	GID    int64
	Stdout *os.File
	Stderr *os.File
}

// Runtime is the runtime in which containers are processes of this machine, in namespaces of their own.
type Runtime struct {
	Self    string // binary that calls Main in that role
	Bridge  string
	Subnet  int // prefix length of the bridge
	Gateway netip.Addr
}

type podNetwork struct {
	ns   *os.File
	link string // the veth's end at the bridge
}

// NewNetwork plugs a network with this address into the bridge.
func (p *Runtime) NewNetwork(ip netip.Addr) (Network, error) {
	ns, err := link.NewNamespace()
	if err != nil {
		return nil, err
	}
	a := ip.As4()
	n := &podNetwork{ns: ns, link: fmt.Sprintf("v%d.%d.%d", a[1], a[2], a[3])}
	err = link.Attach(ns, n.link, p.Bridge, netip.PrefixFrom(ip, p.Subnet), p.Gateway)
	if err == nil {
		err = link.In(ns, func() error { // any user of the pod may bind any port: it is the pod's own address
			return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0o644)
		})
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *podNetwork) Close() error {
	return errors.Join(link.Delete(n.link), n.ns.Close())
}

// Dial connects to an address as a process in the network would.
func (p *Runtime) Dial(ctx context.Context, n Network, address string) (conn net.Conn, err error) {
	dial := func() error {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp4", address) // an address of one family: it stays on this thread
		return err
	}
	if own, ok := n.(*podNetwork); ok {
		err = link.In(own.ns, dial)
	} else {
		err = dial()
	}
	return conn, err
}

type containerProcess struct {
	cmd     *exec.Cmd
	done    chan struct{}
	waitErr error // set before done is closed
}

// Start starts the shim in namespaces of its own and returns when it has become the container's program. An error says
// why it could not.
func (p *Runtime) Start(n Network, s StartSpec) (Process, error) {
	spec, err := json.Marshal(s.Spec)
	if err != nil {
		return nil, err
	}
	specR, specW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer specR.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, specW.Close())
	}
	defer errR.Close()
	cmd := p.shimCommand(s)
	cmd.ExtraFiles = []*os.File{specR, errW}
	if own, ok := n.(*podNetwork); ok {
		err = link.In(own.ns, cmd.Start)
	} else {
		err = cmd.Start()
	}
	err = errors.Join(err, errW.Close())
	if err != nil {
		return nil, errors.Join(err, specW.Close())
	}
	_, werr := specW.Write(spec)
	werr = errors.Join(werr, specW.Close())
	c := &containerProcess{cmd: cmd, done: make(chan struct{})}
	go c.reap()
	why, rerr := io.ReadAll(errR)
	if len(why) > 0 || rerr != nil || werr != nil {
		err := errors.Join(c.Signal(syscall.SIGKILL), rerr, werr)
		<-c.done
		if len(why) > 0 {
			return nil, errors.New(string(why))
		}
		return nil, err
	}
	return c, nil
}

// shimCommand maps the wanted user and group to the agent's own in a nested user namespace. The ambient capability lets
// the shim mount although it is not root there.
func (p *Runtime) shimCommand(s StartSpec) *exec.Cmd {
	cmd := exec.Command(p.Self, Role)
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = s.Stdout, s.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:      true,
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: int(s.UID), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: int(s.GID), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
	return cmd
}

// reap waits for the process. The kernel has ended the rest of its process namespace by then.
func (c *containerProcess) reap() {
	defer close(c.done)
	c.waitErr = c.cmd.Wait()
}

func (c *containerProcess) PID() int              { return c.cmd.Process.Pid }
func (c *containerProcess) Done() <-chan struct{} { return c.done }

func (c *containerProcess) Signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %v to process %d: %w", s, c.PID(), err)
	}
	return nil
}

// UnknownExit is reported where the kernel gave no exit status, as the kubelet does for a lost container.
const UnknownExit = 137

func (c *containerProcess) Exit() Exit {
	var exit *exec.ExitError
	if c.waitErr != nil && !errors.As(c.waitErr, &exit) {
		return Exit{Code: UnknownExit}
	}
	ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return Exit{Code: c.cmd.ProcessState.ExitCode()}
	}
	if ws.Signaled() {
		return Exit{Code: 128 + int(ws.Signal()), Signal: int(ws.Signal())}
	}
	return Exit{Code: ws.ExitStatus()}
}

// Listen gives the bridge a node's address and listens there.
func (p *Runtime) Listen(at netip.AddrPort) (net.Listener, error) {
	if err := link.AddAddress(p.Bridge, nodePrefix(at.Addr())); err != nil {
		return nil, err
	}
	return net.Listen("tcp", at.String())
}

// Unlisten takes the address away.
func (p *Runtime) Unlisten(ip netip.Addr) error {
	return link.RemoveAddress(p.Bridge, nodePrefix(ip))
}

// nodePrefix is a node's address as the bridge has it: without a subnet of its own.
func nodePrefix(ip netip.Addr) netip.Prefix { return netip.PrefixFrom(ip, ip.BitLen()) }

// MountMemory mounts a tmpfs; size in bytes, 0 for the kernel's default.
func (p *Runtime) MountMemory(dir string, size int64) error {
	options := "mode=1777"
	if size > 0 {
		options += ",size=" + strconv.FormatInt(size, 10)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("memory volume %s: %w", dir, err)
	}
	return nil
}

// Unmount takes off what is mounted, if anything is.
func (p *Runtime) Unmount(dir string) error {
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: not a mount
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}

// ProgramMount shows an image's program at its own path where the container would not see it: entrypoints may lie
// anywhere on the host.
func ProgramMount(image image.Image) (Mount, bool) {
	if image.Root != "" || len(image.Entrypoint) == 0 {
		return Mount{}, false
	}
	program := filepath.Clean(image.Entrypoint[0])
	if !filepath.IsAbs(program) {
		return Mount{}, false
	}
	if _, ok := image.Files[program]; ok {
		return Mount{}, false
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(program, "/"), "/")
	for _, folder := range systemFolders {
		if top == folder {
			return Mount{}, false
		}
	}
	return Mount{Source: program, Target: program, ReadOnly: true}, true
}
