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

// cluster is a PostgreSQL on a free loopback port, in a temporary folder. It dies with the test process.
type cluster struct {
	bin, dir string
	port     int
	settings []string // NAME=VALUE
	log      *os.File
	run      *exec.Cmd
	ended    <-chan error
}

// start makes a cluster and runs it.
func start() (address *url.URL, stop func() error, err error) {
	c, err := newCluster()
	if err != nil {
		return nil, nil, err
	}
	secret := filepath.Join(c.dir, "password")
	err = os.WriteFile(secret, []byte(password), 0o600)
	if err == nil {
		err = c.program("initdb", "-D", c.data(), "-U", "postgres", "--pwfile", secret, "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync")
	}
	if err == nil {
		err = c.launch()
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.remove())
	}
	return c.address(), c.remove, nil
}

// newCluster has a folder and a port, and no data yet.
func newCluster() (c *cluster, err error) {
	c = &cluster{settings: []string{"fsync=off", "max_connections=200"}}
	if c.bin, err = programs(); err != nil {
		return nil, err
	}
	if c.port, err = freePort(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "ragapi-pgtest-"); err != nil {
		return nil, err
	}
	if c.log, err = os.Create(filepath.Join(c.dir, "log")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return c, nil
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) address() *url.URL {
	return &url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), Path: "/postgres", RawQuery: "sslmode=disable"}
}

// program runs one of PostgreSQL's.
func (c *cluster) program(name string, args ...string) error {
	if out, err := command(filepath.Join(c.bin, name), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// launch runs it and waits until it answers.
func (c *cluster) launch() (err error) {
	args := []string{"-D", c.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-k", ""}
	for _, setting := range c.settings {
		args = append(args, "-c", setting)
	}
	c.run = command(filepath.Join(c.bin, "postgres"), args...)
	c.run.Stdout, c.run.Stderr = c.log, c.log
	if c.ended, err = startBound(c.run); err != nil {
		c.run = nil
		return fmt.Errorf("postgres: %w", err)
	}
	return waitReady(c.address(), c.ended)
}

// end stops it with a signal, if it runs, and waits for that.
func (c *cluster) end(s syscall.Signal) error {
	if c.run == nil {
		return nil
	}
	run := c.run
	c.run = nil
	return end(run, c.ended, s)
}

// remove ends it and leaves nothing behind.
func (c *cluster) remove() error {
	return errors.Join(c.end(syscall.SIGINT), c.log.Close(), os.RemoveAll(c.dir))
}

// EnvPrograms names the variable with the folder of initdb, pg_basebackup and postgres.
const EnvPrograms = "RAGAPI_TEST_POSTGRES"

// programs returns the folder with PostgreSQL's programs: the one that is given, else the newest of Debian's, else that of PATH.
func programs() (string, error) {
	if given := os.Getenv(EnvPrograms); given != "" {
		return given, nil
	}
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

// end stops PostgreSQL with a signal, else by force. When it returns nil the process is gone, for it was waited for.
func end(c *exec.Cmd, ended <-chan error, s syscall.Signal) error {
	if err := c.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop postgres: %w", err)
	}
	select {
	case err := <-ended:
		if _, exited := errors.AsType[*exec.ExitError](err); exited {
			return nil // its data is for one test
		}
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
