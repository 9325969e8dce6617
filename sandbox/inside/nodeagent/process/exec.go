package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// Command is a further command in a running container.
type Command struct {
	Argv   []string
	Env    []string
	Dir    string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	TTY    *os.File // terminal that replaces the three, or nil
}

// Exec runs a command inside the namespaces of a container. Its exit code is not an error.
func (p *Runtime) Exec(ctx context.Context, proc Process, s Command) (int, error) {
	cmd := exec.CommandContext(ctx, "nsenter", execArgs(proc.PID(), s)...)
	cmd.Env = s.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.TTY != nil {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = s.TTY, s.TTY, s.TTY
		// The session must be of the container's process namespace, or its shell has no job control.
		cmd.SysProcAttr.Setctty = !hasSetsid(proc.PID())
	} else {
		cmd.Stdout, cmd.Stderr = s.Stdout, s.Stderr
		if s.Stdin != nil {
			// Not cmd.Stdin: Wait would wait for the client to close its end.
			in, err := cmd.StdinPipe()
			if err != nil {
				return 0, err
			}
			var once sync.Once
			end := func() { once.Do(func() { in.Close() }) }
			defer end()
			go func() {
				defer end()
				// The command may end before it has read everything: a broken pipe is no fault of the exec.
				if _, err := io.Copy(in, s.Stdin); err != nil {
					return
				}
			}()
		}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("exec in process %d: %w", proc.PID(), err)
	}
	return 0, nil
}

// execArgs are the arguments of nsenter: all namespaces and the root of the process, its user kept.
func execArgs(pid int, s Command) []string {
	args := []string{"--target", strconv.Itoa(pid), "--user", "--preserve-credentials", "--mount", "--pid", "--uts", "--ipc", "--root"}
	if !sharesNetwork(pid) { // joining one's own needs a right over it that an agent outside of the sandbox lacks
		args = append(args, "--net")
	}
	if s.Dir != "" {
		args = append(args, "--wdns="+s.Dir)
	}
	args = append(args, "--")
	if s.TTY != nil && hasSetsid(pid) {
		args = append(args, setsid, "--ctty")
	}
	return append(args, s.Argv...)
}

// sharesNetwork says whether a process is in the agent's own network namespace, as those of hostNetwork pods are.
func sharesNetwork(pid int) bool {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return false
	}
	other, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns/net"))
	return err == nil && own == other
}

// setsid is the program of util-linux that starts a session on a terminal.
const setsid = "/usr/bin/setsid"

func hasSetsid(pid int) bool {
	_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "root", setsid))
	return err == nil
}
