package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/openapitest"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// envCommand makes the test binary be ragapi itself, with this command, so that signals and crashes are real.
const envCommand = "RAGAPI_TEST_COMMAND"

// answered holds every answer of these tests' processes against the document.
var answered openapitest.Checker

func TestMain(m *testing.M) {
	if command := os.Getenv(envCommand); command != "" {
		os.Args = []string{os.Args[0], command}
		main()
		return
	}
	http.DefaultClient.Transport = answered.Transport(http.DefaultTransport)
	os.Exit(answered.Main(func() int { return pgtest.Main(m) }))
}

// patience bounds every wait. Nothing is asserted about how long it takes.
const patience = 60 * time.Second

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v: not %s", patience, what)
		}
	}
}

// running is a process of ragapi.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	http  string // URL of the API
	admin string // URL of the second port
	ended chan struct{}
	heard func(line map[string]any) // called with each line of the log; may be nil

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs a command and waits until it works. It is killed at the end of the test, if it still runs then.
func start(t *testing.T, command string, db config.Database, env ...string) *running {
	t.Helper()
	return startHeard(t, command, 0, nil, append(pgtest.Env(db), env...)...)
}

// startHeard is start of a process whose clock is ahead, and whose log somebody hears.
func startHeard(t *testing.T, command string, ahead time.Duration, heard func(line map[string]any), env ...string) *running {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, cmd: exec.Command(exe), ended: make(chan struct{}), heard: heard}
	r.cmd.Env = append([]string{envCommand + "=" + command, "HTTP_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "DATABASE_POOL_SIZE=4", "LOG_LEVEL=debug"}, env...)
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	run := r.cmd.Start
	if ahead != 0 {
		run = func() error { return startApart(r.cmd, ahead) }
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	begun := make(chan map[string]any, 1)
	go r.follow(stderr, begun)
	t.Cleanup(r.kill)
	select {
	case line := <-begun:
		r.http, r.admin = listening(line["http"]), listening(line["admin"])
		r.described()
	case <-r.ended:
		t.Fatalf("%s ended: %s", command, r.output())
	case <-time.After(patience):
		t.Fatalf("%s did not begin to work: %s", command, r.output())
	}
	return r
}

// described has the process' answers checked, if it is one that serves the API.
func (r *running) described() {
	r.t.Helper()
	if r.http == "" {
		return
	}
	if err := answered.Serves(r.t.Context(), strings.TrimPrefix(r.http, "http://"), strings.TrimPrefix(r.admin, "http://")); err != nil {
		r.t.Fatal(err)
	}
}

func listening(address any) string {
	text, ok := address.(string)
	if !ok {
		return ""
	}
	return "http://" + text
}

// follow keeps the log, and hands on the line that says the process works.
func (r *running) follow(stderr io.Reader, begun chan<- map[string]any) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		r.mu.Lock()
		r.log.Write(append(lines.Bytes(), '\n'))
		r.mu.Unlock()
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			continue
		}
		if line["msg"] == "serving" || line["msg"] == "working" {
			begun <- line
		}
		if r.heard != nil {
			r.heard(line)
		}
	}
	_ = r.cmd.Wait() // its exit code is read from ProcessState
	close(r.ended)
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code.
func (r *running) exit() int {
	r.t.Helper()
	select {
	case <-r.ended:
		return r.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		r.t.Fatalf("still running after %v: %s", patience, r.output())
		return 0
	}
}

func (r *running) kill() {
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.t.Error(err)
	}
	<-r.ended
}

// ask sends a request and returns the status and the body; status 0 means no answer.
func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	return request(t.Context(), method, url, body)
}

// request is ask for a load that ends after its test's context.
func request(ctx context.Context, method, url, body string) (status int, answer string) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(raw)
}

// busyPort returns an address that something listens on until the end of the test.
func busyPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
