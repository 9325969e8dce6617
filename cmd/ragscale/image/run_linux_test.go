package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// within is generous: nothing is measured.
const within = time.Minute

// container is the image's program in the image's files alone, as the image's user, without any rights.
func container(ctx context.Context, root string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = "/", env
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Getegid(), Size: 1}},
		Chroot:      root,
		Pdeathsig:   syscall.SIGKILL,
	}
	return cmd
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTheImageSaysItsVersion(t *testing.T) {
	root, _, img := thisMachine(t)
	out, err := container(t.Context(), root, config(t, img).Config.Env, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "1.2.3 ") {
		t.Errorf("version is %q (%v), want 1.2.3", out, err)
	}
	revision := strings.TrimSuffix(config(t, img).Config.Labels[revisionLabel], "-dirty")
	if revision != "" && !strings.Contains(string(out), revision) {
		t.Errorf("version is %q, want the revision of the label in it, %s", out, revision)
	}
}

func TestTheImageServesWithNothingButItsOwnFiles(t *testing.T) {
	root, _, img := thisMachine(t)
	c := config(t, img).Config
	addr := freeAddress(t)
	var said bytes.Buffer
	cmd := container(t.Context(), root, append(c.Env,
		"HTTP_ADDR="+addr, "ADMIN_ADDR="+freeAddress(t), "DATABASE_CA_FILE="+bundleFile, "DRAIN_DELAY=0s",
		"DATABASE_HOST=127.0.0.1", "DATABASE_PORT=1", "DATABASE_NAME=rag", "DATABASE_USER=rag", "DATABASE_PASSWORD=none", "AUTH=off"), c.Cmd...)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	alive, died := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); died() }()
	if err := answers(alive, "http://"+addr+"/healthz"); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve ended with %v, want 0", err)
		}
	case <-time.After(within):
		t.Errorf("serve goes on after SIGTERM: %v", errors.Join(cmd.Process.Kill(), <-ended))
	}
	if t.Failed() {
		t.Log(said.String())
	}
}

// answers waits until url answers 200.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("%s", response.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", url, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
