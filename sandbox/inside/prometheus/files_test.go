package prometheus

import (
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/control"
)

func offline(id string) *workspace {
	w := New(Config{StateDir: "/state", Log: io.Discard}).workspace(id)
	w.addr = netip.MustParseAddr("10.78.0.10")
	return w
}

const (
	scraper = "global: {scrape_interval: 30s, scrape_timeout: 10s}\nscrape_configs:\n- {job_name: a}\n- {job_name: b, scrape_interval: 1m}\n"
	another = "scrape_configs:\n- {job_name: c}\n"
)

func TestEachScrapersJobsKeepItsGlobalSettings(t *testing.T) {
	got, err := offline("ws-1").render(control.Workspace{
		Scrapes: map[string]string{"s-1": scraper, "s-2": another}, Rules: map[string]string{"a/b": "groups: []"},
		AlertManager: "alertmanager_config: |\n  route: {receiver: topic}\ntemplate_files:\n  messages: |\n    {{ define \"m\" }}{{ end }}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"prometheus/rules/a%2Fb.yml":    "groups: []",
		"alertmanager/alertmanager.yml": "route: {receiver: topic}\n",
		"alertmanager/messages":         "{{ define \"m\" }}{{ end }}\n",
		"prometheus/prometheus.yml": `alerting:
  alertmanagers:
  - path_prefix: /workspaces/ws-1/alertmanager
    static_configs:
    - targets:
      - 10.78.0.10:9093
global:
  evaluation_interval: 1m
rule_files:
- rules/*.yml
scrape_configs:
- job_name: a
  scrape_interval: 30s
  scrape_timeout: 10s
- job_name: b
  scrape_interval: 1m
  scrape_timeout: 10s
- job_name: c
`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	for want, spec := range map[string]control.Workspace{
		"scraper s-1: ": {Scrapes: map[string]string{"s-1": "scrape_configs: {"}},
		"alertmanager_config is not there, want Alertmanager's configuration as a text": {AlertManager: "template_files: {}"},
		`unknown field "route"`: {AlertManager: "route: {receiver: topic}"},
		`template_files: "../prometheus/prometheus.yml", want the plain name of a file`: {
			AlertManager: "alertmanager_config: x\ntemplate_files: {../prometheus/prometheus.yml: y}"},
	} {
		if _, err := offline("ws-1").render(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAComplaintIsWhatTheLogCallsAnError(t *testing.T) {
	const log = `time=2026 level=WARN source=a.go:1 msg="x" err="not this"
time=2026 level=ERROR source=main.go:1 msg="Failed to apply" err="rules/a.yml: 3:1: group \"a\", rule 0: could not parse"
time=2026 level=ERROR source=main.go:2 msg=again err=EOF
`
	if got := complaint([]byte(log)); got != `rules/a.yml: 3:1: group "a", rule 0: could not parse; EOF` {
		t.Errorf("got %s", got)
	}
	if got := complaint([]byte("panic: none\n")); got != "panic: none" {
		t.Errorf("got %s", got)
	}
}
