package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	"golang.org/x/sys/unix"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/env"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
)

// exitCode is a command's exit code other than 0, in the form that kubectl exec hands on.
type exitCode int

func (e exitCode) Error() string   { return fmt.Sprintf("command terminated with exit code %d", int(e)) }
func (e exitCode) String() string  { return e.Error() }
func (e exitCode) Exited() bool    { return true }
func (e exitCode) ExitStatus() int { return int(e) }

// exec runs a command in a running container for kubectl exec.
func (a *Agent) exec(ctx context.Context, namespace, name, containerName string, argv []string, streams api.AttachIO) error {
	c, err := a.containerNamed(namespace, name, containerName)
	if err != nil {
		return err
	}
	c.pod.mu.Lock()
	proc, spec := c.process, process.Command{Argv: argv, Env: c.env, Dir: c.workDir}
	c.pod.mu.Unlock()
	if proc == nil {
		return errdefs.InvalidInputf("container %s of pod %s/%s is not running", containerName, namespace, name)
	}
	var exit int
	if streams.TTY() {
		exit, err = a.execTerminal(ctx, proc, spec, streams)
	} else {
		spec.Stdin, spec.Stdout, spec.Stderr = streams.Stdin(), writer(streams.Stdout()), writer(streams.Stderr())
		exit, err = a.runtime.Exec(ctx, proc, spec)
	}
	if err == nil && exit != 0 {
		return exitCode(exit)
	}
	return err
}

// writer keeps a nil stream nil as an io.Writer.
func writer(w io.WriteCloser) io.Writer {
	if w == nil {
		return nil
	}
	return w
}

// execTerminal runs a command on a terminal of its own.
func (a *Agent) execTerminal(ctx context.Context, proc process.Process, spec process.Command, streams api.AttachIO) (int, error) {
	control, tty, err := openTerminal()
	if err != nil {
		return 0, err
	}
	spec.TTY = tty
	if env.Map(spec.Env)["TERM"] == "" {
		spec.Env = append(append([]string{}, spec.Env...), "TERM=xterm")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go resize(ctx, control, streams.Resize())
	if in := streams.Stdin(); in != nil {
		go func() { _, _ = io.Copy(control, in) }() // ends with the client's stream or the terminal; neither is a fault
	}
	output := make(chan struct{})
	go func() {
		defer close(output)
		if out := streams.Stdout(); out != nil {
			_, _ = io.Copy(out, control) // ends with EIO when the last process leaves the terminal
		}
	}()
	exit, err := a.runtime.Exec(ctx, proc, spec)
	err = errors.Join(err, tty.Close())
	<-output
	return exit, errors.Join(err, control.Close())
}

func resize(ctx context.Context, control *os.File, sizes <-chan api.TermSize) {
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-sizes:
			if !ok {
				return
			}
			if err := unix.IoctlSetWinsize(int(control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: s.Height, Col: s.Width}); err != nil {
				return // the terminal is gone
			}
		}
	}
}

// openTerminal makes a pseudo terminal: the controlling end and the one for the command.
func openTerminal() (control, tty *os.File, err error) {
	control, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("terminal: %w", err), control.Close())
	}
	return control, tty, nil
}

// attach is refused: a process's output is in its log, and its standard input is empty.
func attach(context.Context, string, string, string, api.AttachIO) error {
	return errdefs.InvalidInput("attach is not supported by this node, want logs or exec")
}

// portForward connects a stream to a port of the pod's loopback address, as a kubelet's runtime does; of a pod on the
// host's network, to that of its node.
func (a *Agent) portForward(ctx context.Context, namespace, name string, port int32, stream io.ReadWriteCloser) error {
	p, err := a.podNamed(namespace, name)
	if err != nil {
		return err
	}
	p.mu.Lock()
	own := p.network
	p.mu.Unlock()
	host := p.view().PodIP
	if own != nil {
		host = "127.0.0.1"
	}
	conn, err := a.runtime.Dial(ctx, own, net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer conn.Close()
	back := make(chan error, 1)
	go func() {
		_, err := io.Copy(stream, conn)
		back <- errors.Join(err, stream.Close())
	}()
	_, err = io.Copy(conn, stream)
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = errors.Join(err, tcp.CloseWrite())
	}
	return errors.Join(err, <-back)
}
