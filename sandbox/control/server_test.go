package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

type fakeManager struct {
	put    func(id string, spec json.RawMessage) (any, error)
	remove func(id string) error
}

func (f fakeManager) Put(_ context.Context, id string, spec json.RawMessage) (any, error) {
	return f.put(id, spec)
}
func (f fakeManager) Delete(_ context.Context, id string) error { return f.remove(id) }

// serve runs a server of one kind on a socket deeper than a socket address can say.
func serve(t *testing.T, kind string, m Manager) *Client {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "control.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	status := func(context.Context) (Status, error) { return Status{HostIP: "127.77.0.1"}, nil }
	srv := &http.Server{Handler: NewServer(map[string]Manager{kind: m}, status)}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return NewClient(socket)
}

func TestAnIDMayBeAnARN(t *testing.T) {
	const arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/api/50dc6c495c0c9188"
	var got string
	c := serve(t, KindLoadBalancer, fakeManager{put: func(id string, _ json.RawMessage) (any, error) {
		got = id
		return DatabaseInfo{Port: 5432}, nil
	}})
	var info DatabaseInfo
	if err := c.Put(t.Context(), KindLoadBalancer, arn, LoadBalancer{Name: "api"}, &info); err != nil {
		t.Fatal(err)
	}
	if got != arn || info.Port != 5432 {
		t.Errorf("manager saw %q and the client %+v", got, info)
	}
}

func TestARefusalReachesTheClientInWords(t *testing.T) {
	c := serve(t, KindCluster, fakeManager{remove: func(id string) error { return Conflict("cluster %s has node groups", id) }})
	err := c.Delete(t.Context(), KindCluster, "main")
	if err == nil || err.Error() != "cluster main has node groups (HTTP 409)" {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownKindIsRefused(t *testing.T) {
	c := serve(t, KindCluster, fakeManager{})
	err := c.Put(t.Context(), "queues", "a", struct{}{}, nil)
	if err == nil || err.Error() != "queues is no kind of this sandbox (HTTP 404)" {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownPropertyIsRefused(t *testing.T) {
	err := Decode(KindCluster, "main", json.RawMessage(`{"versoin":"1.36"}`), &Cluster{})
	if err == nil || err.Error() != `clusters/main: json: unknown field "versoin"` {
		t.Errorf("got %v", err)
	}
}

func TestCallsOnOneIDDoNotOverlap(t *testing.T) {
	var running, overlaps atomic.Int32
	c := serve(t, KindCluster, fakeManager{put: func(string, json.RawMessage) (any, error) {
		if running.Add(1) > 1 {
			overlaps.Add(1)
		}
		running.Add(-1)
		return nil, nil
	}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := c.Put(t.Context(), KindCluster, "main", Cluster{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := overlaps.Load(); n > 0 {
		t.Errorf("%d calls overlapped", n)
	}
}

func TestCallsOnDifferentIDsOverlap(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	c := serve(t, KindCluster, fakeManager{put: func(string, json.RawMessage) (any, error) {
		both.Done()
		both.Wait() // returns only when the other call is inside too
		return nil, nil
	}})
	var wg sync.WaitGroup
	for _, id := range []string{"a", "b"} {
		wg.Go(func() {
			if err := c.Put(t.Context(), KindCluster, id, Cluster{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNoSandboxIsSaidPlainly(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "control.sock")).Status(t.Context())
	if !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want %v", err, ErrNotRunning)
	}
}
