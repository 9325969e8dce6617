package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// PostgreSQL refuses to run as root, so that root runs it in a user namespace where it is somebody else: nobody,
	// since initdb wants its user to have a name.
	unprivilegedID = 65534
	password       = "open sesame"
	readyWithin    = 30 * time.Second
	stopWithin     = 15 * time.Second
)

// start makes a cluster in a temporary folder and runs it on a free loopback port. It dies with the test process.
func start() (address *url.URL, stop func() error, err error) {
	bin, err := programs()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "ragapi-pgtest-")
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(dir, "data")
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	initdb := command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--pwfile", secret, "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	postgres := command(filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "", "-c", "fsync=off", "-c", "max_connections=200")
	postgres.Stdout, postgres.Stderr = log, log
	ended, err := startBound(postgres)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("postgres: %w", err), log.Close(), os.RemoveAll(dir))
	}
	stop = func() error { return errors.Join(end(postgres, ended), log.Close(), os.RemoveAll(dir)) }
	address = &url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres", RawQuery: "sslmode=disable"}
	if err := waitReady(address, ended); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return address, stop, nil
}

// programs returns the folder with initdb and postgres: of PATH, else the newest of Debian's.
func programs() (string, error) {
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(installed) > 0 {
		return filepath.Dir(installed[len(installed)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}

func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: unprivilegedID, HostID: 0, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: unprivilegedID, HostID: 0, Size: 1}}
	}
	return c
}

// startBound starts c from a thread that lives as long as c does: the kernel sends Pdeathsig when that thread ends, not the process.
func startBound(c *exec.Cmd) (ended <-chan error, err error) {
	started, done := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			done <- c.Wait()
			close(done)
		}
	}()
	return done, <-started
}

// end stops PostgreSQL: at once but cleanly, else by force. When it returns nil the process is gone, for it was waited for.
func end(c *exec.Cmd, ended <-chan error) error {
	if err := c.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop postgres: %w", err)
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopWithin):
		return errors.Join(c.Process.Kill(), <-ended, fmt.Errorf("postgres did not stop within %v and was killed", stopWithin))
	}
}

func waitReady(address *url.URL, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, address.String())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready after %v: %w", readyWithin, err)
		case exit := <-ended:
			return fmt.Errorf("postgres ended: %w", exit)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
