//go:build linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// EnvKeeper tells the inside the keeper's pid on the host.
const EnvKeeper = "RAGSCALE_SANDBOX_KEEPER"

// EnvImages tells the inside the file of the image table.
const EnvImages = "RAGSCALE_SANDBOX_IMAGES"

// Keep is the keeper: it holds the lock and the offered ports of l, runs init (the sandbox binary's own command line
// that ends up in Init) in new namespaces, and stays until that ends or ctx does. When it returns, or is killed, no
// process of the namespace is left.
func Keep(ctx context.Context, l layout.Layout, o Options, init ...string) (err error) {
	if err := makeFolders(l); err != nil {
		return err
	}
	held, err := lock(l.Lock())
	if err != nil {
		return fmt.Errorf("%s: %w", l.Dir, err)
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	offered, err := openOffers(l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(offered)) }()

	// The parent-death signal follows the thread that forks, so this thread has to live as long as the keeper.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd, err := initCommand(l, o, offered, init)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return explainRestriction(fmt.Errorf("making the sandbox's namespaces: %w", err))
	}
	return wait(ctx, cmd)
}

func initCommand(l layout.Layout, o Options, offered []*os.File, init []string) (*exec.Cmd, error) {
	self, err := os.Executable() // rather than /proc/self/exe, which would name the process "exe"
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, init...)
	cmd.Env = append(environment(l), EnvKeeper+"="+strconv.Itoa(os.Getpid()), EnvImages+"="+o.Images)
	cmd.ExtraFiles = offered
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL, // the process namespace dies with its init, its init with the keeper
		Setsid:      true,            // Ctrl-C reaches the keeper alone, which ends the inside in order
	}
	return cmd, nil
}

// wait returns when the namespace's init has ended, by itself or because ctx did. The kernel lets an init be waited
// for only when no process is left in its namespace; that is checked nevertheless.
func wait(ctx context.Context, cmd *exec.Cmd) error {
	var ended error
	exited := make(chan struct{})
	go func() { defer close(exited); ended = cmd.Wait() }()
	select {
	case <-exited:
		return fmt.Errorf("the sandbox ended by itself: %w", orExited(ended))
	case <-ctx.Done():
	}
	inside := descendants(cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	var forced error
	select {
	case <-exited:
	case <-time.After(stopDeadline):
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-exited
		forced = fmt.Errorf("the sandbox did not end within %s and was killed", stopDeadline)
	}
	if left := alive(inside); len(left) > 0 {
		return errors.Join(forced, fmt.Errorf("still there after the namespace's end: %s", strings.Join(describe(left), ", ")))
	}
	return forced
}

func orExited(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
