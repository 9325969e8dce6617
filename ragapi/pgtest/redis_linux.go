package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EnvRedisServer names the variable with the Redis or Valkey to test with, where it is not in PATH.
const EnvRedisServer = "RAGAPI_TEST_REDIS_SERVER"

// Redis is one of the test's own.
type Redis struct {
	program, dir string
	port         int
	run          *exec.Cmd
	ended        <-chan error
}

// StartRedis runs one until the end of the test. Without a program it skips the test and says what to set.
func StartRedis(tb testing.TB) *Redis {
	tb.Helper()
	r := &Redis{program: os.Getenv(EnvRedisServer)}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if found, err := exec.LookPath(name); r.program == "" && err == nil {
			r.program = found
		}
	}
	if r.program == "" {
		tb.Skipf("no Redis to test with: install one, or set %s to a program", EnvRedisServer)
	}
	var err error
	r.port, err = freePort()
	check(tb, err)
	r.dir, err = os.MkdirTemp("", "ragapi-redis-")
	check(tb, err)
	tb.Cleanup(func() { check(tb, errors.Join(r.end(), os.RemoveAll(r.dir))) })
	check(tb, r.launch())
	return r
}

// Address is where it listens.
func (r *Redis) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// Save makes it remember what it has now, and nothing later.
func (r *Redis) Save(tb testing.TB) {
	tb.Helper()
	_, err := r.ask("SAVE")
	check(tb, err)
}

// Crash ends it at once.
func (r *Redis) Crash(tb testing.TB) {
	tb.Helper()
	check(tb, r.end())
}

// Restart runs it again with what was saved last, or with nothing.
func (r *Redis) Restart(tb testing.TB, empty bool) {
	tb.Helper()
	if empty {
		check(tb, os.RemoveAll(filepath.Join(r.dir, "dump.rdb")))
	}
	check(tb, r.launch())
}

// Limit leaves it so many bytes beyond what it has, and says what goes when they are used up. 0 bytes is no limit.
func (r *Redis) Limit(tb testing.TB, bytes int, policy string) {
	tb.Helper()
	if bytes > 0 {
		info, err := r.ask("INFO memory")
		check(tb, err)
		_, used, _ := strings.Cut(info, "used_memory:")
		used, _, _ = strings.Cut(used, "\r")
		n, err := strconv.Atoi(used)
		check(tb, err)
		bytes += n
	}
	for _, command := range []string{"CONFIG SET maxmemory-policy " + policy, "CONFIG SET maxmemory " + strconv.Itoa(bytes)} {
		_, err := r.ask(command)
		check(tb, err)
	}
}

func (r *Redis) launch() (err error) {
	r.run = exec.Command(r.program, "--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir, "--save", "", "--maxmemory-samples", "10")
	r.run.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if r.ended, err = startBound(r.run); err != nil {
		r.run = nil
		return err
	}
	for end := time.Now().Add(readyWithin); ; time.Sleep(10 * time.Millisecond) {
		if _, err = r.ask("PING"); err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not ready after %v: %w", r.program, readyWithin, err)
		}
	}
}

func (r *Redis) end() error {
	if r.run == nil {
		return nil
	}
	run := r.run
	r.run = nil
	if err := run.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := <-r.ended; !errors.As(err, new(*exec.ExitError)) {
		return fmt.Errorf("%s ended before it was killed: %w", r.program, err)
	}
	return nil
}

// ask sends an inline command, and returns its answer: a word, or a text.
func (r *Redis) ask(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.Address(), time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(readyWithin)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n')
	if err != nil {
		return "", err
	}
	length, isText := strings.CutPrefix(strings.TrimSpace(line), "$")
	if !isText {
		if line[0] == '-' {
			return "", fmt.Errorf("%s: %s", command, line)
		}
		return line, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(answer, text)
	return string(text), err
}
