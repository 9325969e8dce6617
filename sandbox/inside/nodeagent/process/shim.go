package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/env"
)

// File descriptors that the agent hands to the shim.
const (
	shimSpecFD  = 3 // reads the shimSpec
	shimErrorFD = 4 // writes why the container could not start; closed by the exec of its program
)

// Spec is what the shim makes a container of.
type Spec struct {
	Argv         []string `json:"argv"`
	Env          []string `json:"env"`
	Dir          string   `json:"dir"`      // working folder in the container
	Hostname     string   `json:"hostname"` // of the UTS namespace; "" leaves it
	Root         string   `json:"root"`     // empty folder on which the root is built
	Base         string   `json:"base"`     // folder whose system folders are shown
	Mounts       []Mount  `json:"mounts"`
	ReadOnlyRoot bool     `json:"readOnlyRoot"`
	NoNewPrivs   bool     `json:"noNewPrivs"` // set-user-id programs gain nothing
}

// Mount shows a file or folder of the host at a path of the container.
type Mount struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly"`
}

// Role is the first argument with which the sandbox's binary is a container's first program.
const Role = "shim"

// Main is the first program of a container, in its new namespaces: it builds the root and becomes the container's
// program. It returns only when that is impossible, after it told the agent why.
func Main() int {
	goruntime.LockOSThread() // capabilities belong to the thread that calls exec
	report := os.NewFile(shimErrorFD, "error")
	err := becomeContainer()
	if _, werr := report.WriteString(err.Error()); werr != nil {
		fmt.Fprintln(os.Stderr, errors.Join(err, werr))
	}
	return 1
}

// becomeContainer returns only an error: why it could not.
func becomeContainer() error {
	unix.CloseOnExec(shimErrorFD)
	specFile := os.NewFile(shimSpecFD, "spec")
	var s Spec
	if err := json.NewDecoder(specFile).Decode(&s); err != nil {
		return fmt.Errorf("shim spec: %w", err)
	}
	if err := specFile.Close(); err != nil {
		return err
	}
	if s.Hostname != "" {
		if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
			return fmt.Errorf("hostname %s: %w", s.Hostname, err)
		}
	}
	if err := enterRoot(s); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("working folder: %w", err)
	}
	if err := os.Chdir(s.Dir); err != nil {
		return fmt.Errorf("working folder: %w", err)
	}
	program, err := lookProgram(s.Argv[0], s.Env)
	if err != nil {
		return err
	}
	if err := dropPrivileges(s.NoNewPrivs); err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", program, syscall.Exec(program, s.Argv, s.Env))
}

// lookProgram finds a program on the container's own PATH.
func lookProgram(name string, lines []string) (string, error) {
	if err := os.Setenv("PATH", env.Map(lines)["PATH"]); err != nil {
		return "", err
	}
	program, err := exec.LookPath(name)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return "", err
	}
	return filepath.Abs(program)
}

// dropPrivileges gives up what the shim needed for mounting. A container that runs as root keeps the capabilities of
// its own user namespace, which reach nothing outside it.
func dropPrivileges(noNewPrivs bool) error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	if !noNewPrivs {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	return nil
}
