package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
)

// ErrNotRunning says that no sandbox answers at the socket.
var ErrNotRunning = errors.New("the sandbox is not running: start it with `ragscale sandbox start` or `make up`")

// Client talks to one sandbox.
type Client struct {
	http *http.Client
}

// NewClient returns a client of the sandbox whose control socket is at path.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return Dial(ctx, path) }
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Put creates or changes kind/id and waits for it; the answer is decoded into out unless that is nil.
func (c *Client) Put(ctx context.Context, kind, id string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPut, resourcePath(kind, id), body, out)
}

// Delete removes kind/id and waits until it is gone.
func (c *Client) Delete(ctx context.Context, kind, id string) error {
	return c.do(ctx, http.MethodDelete, resourcePath(kind, id), nil, nil)
}

// Status reads the sandbox's state.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.do(ctx, http.MethodGet, "/v1/status", nil, &s)
}

func resourcePath(kind, id string) string { return "/v1/" + kind + "/" + url.PathEscape(id) }

func (c *Client) do(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://sandbox"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return ErrNotRunning
		}
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		var e Error
		if json.Unmarshal(raw, &e) != nil || e.Message == "" {
			e.Message = string(raw)
		}
		return fmt.Errorf("%s (HTTP %d)", e.Message, res.StatusCode)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// Dial connects to the Unix socket at path, however long the path is: a socket address holds 108 bytes, so the
// folder is opened and named through /proc.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var d net.Dialer
	return d.DialContext(ctx, "unix", shortPath(dir, path))
}

// Listen listens at the Unix socket path, see Dial. A socket left by a dead process is replaced: the caller holds the
// sandbox's lock.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	l, err := net.Listen("unix", shortPath(dir, path))
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // its short name is gone by then
	return l, os.Chmod(path, 0o600)
}

func shortPath(dir *os.File, path string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
}
