package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/topics"
	"github.com/ragscale/ragscale/sandbox/layout"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == debroot.Role {
		os.Exit(debroot.Main())
	}
	os.Exit(m.Run())
}

// buffer is a log that a test reads while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// run returns a server whose messages go to sent; it skips where the programs are not there.
func run(t *testing.T) (s *Server, sent *buffer) {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	l, err := layout.New(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Tool("alertmanager")); err != nil {
		t.Skipf("there is no %s: `make build`", l.Tool("alertmanager"))
	}
	access := t.TempDir()
	for _, name := range []string{"ca.crt", "token", "namespace"} {
		if err := os.WriteFile(filepath.Join(access, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sent = &buffer{}
	sns := httptest.NewServer(topics.New(sent))
	t.Cleanup(sns.Close)
	s = New(Config{
		Root: l.Root(), StateDir: t.TempDir(), LogDir: t.TempDir(), Tool: l.Tool, Access: access, API: netip.MustParseAddr("127.0.0.1"),
		SNS: sns.URL, Env: []string{"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=secret"}, Log: t.Output(),
	})
	t.Cleanup(func() {
		// The test's own context has ended.
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, sent
}

const ownMetrics = `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: self
  metrics_path: /workspaces/ws-1/metrics
  static_configs: [{targets: ["127.77.254.1:9090"]}]
`

const oneRule = `
groups:
- name: a
  interval: 1s
  rules:
  - {record: "self:up", expr: "up{job=\"self\"}"}
  - {alert: SelfUp, expr: "self:up == 1", labels: {severity: page}, annotations: {summary: "it is up"}}
`

const toTopic = `
alertmanager_config: |
  route: {receiver: topic, group_by: [alertname], group_wait: 1s, group_interval: 1s}
  receivers:
  - name: topic
    sns_configs:
    - topic_arn: arn:aws:sns:eu-central-1:123456789012:alarms
      sigv4: {region: eu-central-1}
      attributes: {severity: "{{ .CommonLabels.severity }}"}
      message: "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}{{ end }}"
`

func declared() control.Workspace {
	return control.Workspace{
		Region: "eu-central-1", Scrapes: map[string]string{"s-1": ownMetrics}, Rules: map[string]string{"own": oneRule}, AlertManager: toTopic,
	}
}

var address = netip.MustParseAddr("127.77.254.1")

func ask(t *testing.T, s *Server, path string, query url.Values, out any) {
	t.Helper()
	rw := httptest.NewRecorder()
	s.ServeHTTP(rw, httptest.NewRequest(http.MethodGet, path+"?"+query.Encode(), nil))
	if rw.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, rw.Code, rw.Body)
	}
	if err := json.Unmarshal(rw.Body.Bytes(), out); err != nil {
		t.Fatalf("%s: %v: %s", path, err, rw.Body)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

func series(t *testing.T, s *Server, query string) int {
	t.Helper()
	var answer struct {
		Data struct{ Result []any }
	}
	ask(t, s, "/workspaces/ws-1/api/v1/query", url.Values{"query": {query}}, &answer)
	return len(answer.Data.Result)
}

func TestAWorkspaceScrapesEvaluatesAndSends(t *testing.T) {
	s, sent := run(t)
	if err := s.Ensure(t.Context(), "ws-1", declared(), address); err != nil {
		t.Fatal(err)
	}
	until(t, "the alert", func() bool { return series(t, s, `ALERTS{alertname="SelfUp",alertstate="firing"}`) == 1 })
	until(t, "the message", func() bool { return strings.Contains(sent.String(), "firing: it is up") })
	var m topics.Message
	if err := json.Unmarshal([]byte(strings.SplitN(sent.String(), "\n", 2)[0]), &m); err != nil {
		t.Fatal(err)
	}
	if m.Topic != "arn:aws:sns:eu-central-1:123456789012:alarms" || m.Attributes["severity"] != "page" {
		t.Errorf("got %+v", m)
	}
	var alerts []any
	ask(t, s, "/workspaces/ws-1/alertmanager/api/v2/alerts", nil, &alerts)
	if len(alerts) != 1 {
		t.Errorf("Alertmanager has %v", alerts)
	}
	for _, p := range s.Processes() {
		t.Logf("%s: %d MiB", p.Name, p.RSSBytes>>20)
	}
}

func TestWhatDoesNotParseIsRefusedAndTheRestGoesOn(t *testing.T) {
	s, _ := run(t)
	for name, c := range map[string]struct {
		change func(*control.Workspace)
		want   string
	}{
		"rule":       {func(w *control.Workspace) { w.Rules["own"] = "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]" }, "parse error"},
		"scrape job": {func(w *control.Workspace) { w.Scrapes["s-1"] = "scrape_configs: [{job_name: a, nonsense: 1}]" }, "nonsense"},
		"receiver":   {func(w *control.Workspace) { w.AlertManager = "alertmanager_config: 'route: {receiver: nobody}'" }, "nobody"},
	} {
		if err := s.Ensure(t.Context(), "ws-1", declared(), address); err != nil {
			t.Fatal(err)
		}
		spec := declared()
		c.change(&spec)
		err := s.Ensure(t.Context(), "ws-1", spec, address)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		until(t, name+": the rule that was there", func() bool { return series(t, s, "self:up") == 1 })
	}
	first := declared()
	first.Rules["own"] = "groups: ["
	if err := s.Ensure(t.Context(), "ws-2", first, netip.MustParseAddr("127.77.254.2")); err == nil {
		t.Error("a new workspace took it")
	}
	if processes := len(s.Processes()); processes != 2 {
		t.Errorf("%d processes run, want those of the first workspace", processes)
	}
}

func TestWhatAWSHasNotIsRefused(t *testing.T) {
	s := New(Config{StateDir: "/state", Log: io.Discard})
	for path, want := range map[string]string{
		"/workspaces/ws-1/-/reload":                     "UnknownOperationException",
		"/workspaces/ws-1/api/v1/query/../../../-/quit": "UnknownOperationException",
		"/workspaces/ws-1/api/v1/admin/tsdb/snapshot":   "UnknownOperationException",
		"/":                                      "UnknownOperationException",
		"/workspaces/ws-1/api/v1/query":          "ResourceNotFoundException",
		"/workspaces/ws-1/api/v1/label/a/values": "ResourceNotFoundException",
	} {
		rw := httptest.NewRecorder()
		s.ServeHTTP(rw, httptest.NewRequest(http.MethodPost, path, nil))
		if got := rw.Header().Get("X-Amzn-Errortype"); rw.Code != http.StatusNotFound || got != want {
			t.Errorf("%s: %d %s %s", path, rw.Code, got, rw.Body)
		}
	}
}
