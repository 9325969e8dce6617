//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// restrictions are the settings by which a distribution forbids what the sandbox is made of.
var restrictions = []struct{ file, name, forbids, remedy string }{
	{"/proc/sys/kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone", "0", "1"},                         // Debian's patch
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "kernel.apparmor_restrict_unprivileged_userns", "1", "0"}, // Ubuntu 23.10 and later
	{"/proc/sys/user/max_user_namespaces", "user.max_user_namespaces", "0", "10000"},                                     // any Linux
}

// explainRestriction adds to an error of making or furnishing namespaces the setting that most likely forbids it.
func explainRestriction(err error) error {
	if err == nil || !refused(err) {
		return err
	}
	for _, r := range restrictions {
		raw, readErr := os.ReadFile(r.file)
		if readErr == nil && strings.TrimSpace(string(raw)) == r.forbids {
			return fmt.Errorf("%w: this machine restricts user namespaces (%s is %s); allow them with `sudo sysctl -w %s=%s`",
				err, r.name, r.forbids, r.name, r.remedy)
		}
	}
	return fmt.Errorf("%w: something here forbids user namespaces or mounts in them (a container's seccomp profile or masked /proc?); the sandbox needs both", err)
}

func refused(err error) bool {
	for _, e := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOSPC, syscall.EINVAL, syscall.EUSERS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
