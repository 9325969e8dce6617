package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/debroot"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == debroot.Role {
		os.Exit(debroot.Main())
	}
	os.Exit(m.Run())
}

const collections = "/api/v2/tenants/default_tenant/databases/default_database/collections"

// server is a running Chroma.
type server struct {
	proc *debroot.Process
	url  string
}

// serve starts the server over the folder data; it skips where the engines are not there.
func serve(t *testing.T, data string) server {
	t.Helper()
	bin := os.Getenv("RAGSCALE_SANDBOX_BIN")
	if bin == "" {
		bin = "../../../.sandbox/bin"
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	root, dir := filepath.Join(bin, "root"), filepath.Join(bin, "chroma")
	for _, need := range []string{filepath.Join(root, "usr/bin/node"), filepath.Join(dir, stampName)} {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("no %s: `make up` fetches it", need)
		}
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if err := probe.Run(); err != nil {
		t.Skipf("no user namespaces here: %v", err)
	}
	port := freePort(t)
	settings := filepath.Join(t.TempDir(), "settings.yaml")
	text := fmt.Sprintf("persist_path: /data\nlisten_address: 127.0.0.1\nport: %d\nstdout_tracing: true\n", port)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// Only folders of the root can hold mount points: its /usr is read-only.
	binds := []debroot.Bind{{Source: data, Target: "/data"}, {Source: settings, Target: "/etc-chroma/settings.yaml"}}
	for target, source := range Files(dir) {
		binds = append(binds, debroot.Bind{Source: source, Target: "/chroma" + target, ReadOnly: true})
	}
	script := "require('/chroma/usr/local/lib/" + libraryName + "').cli(['chroma', 'run', '/etc-chroma/settings.yaml'])"
	cmd := debroot.Command(context.Background(), root, binds, debroot.EngineUID, "/usr/bin/node", "-e", script)
	cmd.Stdout, cmd.Stderr = io.Discard, t.Output()
	proc, err := debroot.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	s := server{proc: proc, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	t.Cleanup(func() { s.kill(t) })
	s.awaitHeartbeat(t)
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s server) kill(t *testing.T) {
	t.Helper()
	if !s.proc.Signal(context.Background(), syscall.SIGKILL, 10*time.Second) {
		t.Errorf("process %d is still there", s.proc.PID())
	}
}

func (s server) awaitHeartbeat(t *testing.T) {
	t.Helper()
	for {
		res, err := http.Get(s.url + "/api/v2/heartbeat")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-s.proc.Done():
			t.Fatalf("the server ended: %s", s.proc.Exit())
		case <-t.Context().Done():
			t.Fatalf("no heartbeat: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// post sends body and decodes the answer.
func (s server) post(t *testing.T, path string, body, answer any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(s.url+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode > 299 {
		t.Fatalf("%s: %s %s %v", path, res.Status, text, err)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

type object = map[string]any

// nearest creates the collection if it is not there and asks for the two records nearest to a vector.
func (s server) nearest(t *testing.T) []string {
	t.Helper()
	var c struct{ ID string }
	s.post(t, collections, object{"name": "chunks", "get_or_create": true}, &c)
	var found struct{ IDs [][]string }
	s.post(t, collections+"/"+c.ID+"/query", object{"query_embeddings": [][]float64{{1, 0, 0}}, "n_results": 2}, &found)
	return found.IDs[0]
}

func TestVectorsAreFoundAndSurviveAKill(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data)
	var c struct{ ID string }
	s.post(t, collections, object{"name": "chunks"}, &c)
	s.post(t, collections+"/"+c.ID+"/add", object{
		"ids": []string{"a", "b", "c"}, "embeddings": [][]float64{{1, 0, 0}, {0, 1, 0}, {0.9, 0.1, 0}}, "documents": []string{"one", "two", "three"},
	}, nil)
	want := []string{"a", "c"}
	if got := s.nearest(t); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.kill(t)
	if got := serve(t, data).nearest(t); !slices.Equal(got, want) {
		t.Errorf("after a restart: got %v, want %v", got, want)
	}
}
