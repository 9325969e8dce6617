//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Init is process 1 of the namespace: it mounts, brings up the network, runs argv (the offered listeners as
// descriptors 3 and up), reaps orphans, hands on SIGTERM and SIGINT, and ends with argv's exit code. Its own end ends
// every process of the namespace.
func Init(argv []string) int {
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox init:", explainRestriction(err))
		return 1
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	files := []uintptr{0, 1, 2}
	for i := range offeredPorts {
		files = append(files, uintptr(firstOffered+i))
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: os.Environ(), Files: files})
	if err != nil {
		fmt.Fprintf(os.Stderr, "sandbox init: %s: %v\n", argv[0], err)
		return 1
	}
	for i := range offeredPorts {
		if err := syscall.Close(firstOffered + i); err != nil {
			fmt.Fprintln(os.Stderr, "sandbox init: offered listener:", err)
		}
	}
	go func() {
		for s := range signals {
			// The only way to miss is that it is gone, which reap sees.
			_ = syscall.Kill(pid, s.(syscall.Signal))
		}
	}()
	return reap(pid)
}

func furnish() error {
	// Nothing mounted here may reach the host.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return bringUpNetwork()
}

// reap collects every child until main ends and returns main's exit code.
func reap(main int) int {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			fmt.Fprintln(os.Stderr, "sandbox init: wait:", err)
			return 1
		case pid == main:
			reportLeftBehind()
			if status.Signaled() {
				return 128 + int(status.Signal())
			}
			return status.ExitStatus()
		}
	}
}

// reportLeftBehind names what the main process did not end itself: it dies with us, but should not have to.
func reportLeftBehind() {
	var left []process
	for _, p := range allProcesses() {
		if p.pid != os.Getpid() && !p.zombie {
			left = append(left, p)
		}
	}
	if len(left) > 0 {
		fmt.Fprintln(os.Stderr, "sandbox init: ended with the namespace:", strings.Join(describe(left), ", "))
	}
}
