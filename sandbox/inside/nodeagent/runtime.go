package nodeagent

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

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/veth"
)

// runtime makes pods' networks and containers.
type runtime interface {
	NewNetwork(ip netip.Addr) (network, error)
	Start(n network, s startSpec) (process, error)
	Exec(ctx context.Context, p process, s execSpec) (exit int, err error)
	MountMemory(dir string, size int64) error // size in bytes, 0 for the kernel's default
	Unmount(dir string) error
	Listen(ip netip.Addr) (net.Listener, error) // makes a node's address and listens at the kubelet's port
	Unlisten(ip netip.Addr) error               // takes the address away
}

// network is a pod's network; nil is the sandbox's own.
type network interface{ Close() error }

// process is a container's first process. Done is closed when it is dead and reaped, and everything in its process
// namespace with it; Exit is then its exit status.
type process interface {
	PID() int
	Signal(s syscall.Signal) error
	Done() <-chan struct{}
	Exit() exitStatus
}

// exitStatus is how a container ended: an exit code (128 + signal if killed by one) and the signal or 0.
type exitStatus struct {
	code   int
	signal int
}

type startSpec struct {
	shim   shimSpec
	uid    int64
	gid    int64
	stdout *os.File
	stderr *os.File
}

// processes is the runtime in which containers are processes of this machine, in namespaces of their own.
type processes struct {
	self    string // binary that has the role shim
	bridge  string
	subnet  int // prefix length of the bridge
	gateway netip.Addr
}

type podNetwork struct {
	ns   *os.File
	link string // the veth's end at the bridge
}

func (p *processes) NewNetwork(ip netip.Addr) (network, error) {
	ns, err := veth.NewNamespace()
	if err != nil {
		return nil, err
	}
	a := ip.As4()
	n := &podNetwork{ns: ns, link: fmt.Sprintf("v%d.%d.%d", a[1], a[2], a[3])}
	err = veth.Attach(ns, n.link, p.bridge, netip.PrefixFrom(ip, p.subnet), p.gateway)
	if err == nil {
		err = veth.In(ns, func() error { // any user of the pod may bind any port: it is the pod's own address
			return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0o644)
		})
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *podNetwork) Close() error {
	return errors.Join(veth.Delete(n.link), n.ns.Close())
}

type containerProcess struct {
	cmd     *exec.Cmd
	done    chan struct{}
	waitErr error // set before done is closed
}

// Start starts the shim in namespaces of its own and returns when it has become the container's program. An error says
// why it could not.
func (p *processes) Start(n network, s startSpec) (process, error) {
	spec, err := json.Marshal(s.shim)
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
		err = veth.In(own.ns, cmd.Start)
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
func (p *processes) shimCommand(s startSpec) *exec.Cmd {
	cmd := exec.Command(p.self, "shim")
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:      true,
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: int(s.uid), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: int(s.gid), HostID: os.Getgid(), Size: 1}},
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

// exitUnknown is reported where the kernel gave no exit status, as the kubelet does for a lost container.
const exitUnknown = 137

func (c *containerProcess) Exit() exitStatus {
	var exit *exec.ExitError
	if c.waitErr != nil && !errors.As(c.waitErr, &exit) {
		return exitStatus{code: exitUnknown}
	}
	ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return exitStatus{code: c.cmd.ProcessState.ExitCode()}
	}
	if ws.Signaled() {
		return exitStatus{code: 128 + int(ws.Signal()), signal: int(ws.Signal())}
	}
	return exitStatus{code: ws.ExitStatus()}
}

func (p *processes) Listen(ip netip.Addr) (net.Listener, error) {
	if err := veth.AddAddress(p.bridge, nodePrefix(ip)); err != nil {
		return nil, err
	}
	return net.Listen("tcp", netip.AddrPortFrom(ip, kubeletPort).String())
}

func (p *processes) Unlisten(ip netip.Addr) error {
	return veth.RemoveAddress(p.bridge, nodePrefix(ip))
}

// nodePrefix is a node's address as the bridge has it: without a subnet of its own.
func nodePrefix(ip netip.Addr) netip.Prefix { return netip.PrefixFrom(ip, ip.BitLen()) }

func (p *processes) MountMemory(dir string, size int64) error {
	options := "mode=1777"
	if size > 0 {
		options += ",size=" + strconv.FormatInt(size, 10)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("memory volume %s: %w", dir, err)
	}
	return nil
}

func (p *processes) Unmount(dir string) error {
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: not a mount
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}

// programMount shows an image's program at its own path where the container would not see it: entrypoints may lie
// anywhere on the host.
func programMount(image Image) (mount, bool) {
	if image.Root != "" || len(image.Entrypoint) == 0 {
		return mount{}, false
	}
	program := filepath.Clean(image.Entrypoint[0])
	if !filepath.IsAbs(program) {
		return mount{}, false
	}
	if _, ok := image.Files[program]; ok {
		return mount{}, false
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(program, "/"), "/")
	for _, folder := range systemFolders {
		if top == folder {
			return mount{}, false
		}
	}
	return mount{Source: program, Target: program, ReadOnly: true}, true
}
