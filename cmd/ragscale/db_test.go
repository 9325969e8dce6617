package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/dbreport"
)

func TestADatabaseReportOfAStackOnAWSAsksForItsURL(t *testing.T) {
	t.Chdir("../..")
	t.Setenv(databaseURLVariable, "")
	var out, notes bytes.Buffer
	code := run(t.Context(), []string{"db", "report", "--stack", "prod"}, &out, &notes)
	if want := "ragscale: stack prod: the database's URL is not known, want --url or DATABASE_URL\n"; code != exitFailed || notes.String() != want {
		t.Errorf("code %d and %q, want %d and %q", code, notes.String(), exitFailed, want)
	}
}

func TestADatabaseThatDoesNotAnswerKeepsItsPasswordSecret(t *testing.T) {
	t.Chdir("../..")
	var out, notes bytes.Buffer
	code := run(t.Context(), []string{"db", "report", "--url", "postgres://u:hidden@127.0.0.1:1/rag"}, &out, &notes)
	if code != exitFailed || !strings.HasPrefix(notes.String(), "ragscale: database: ") || strings.Contains(notes.String(), "hidden") {
		t.Errorf("code %d and %q, want an error of the database without its password", code, notes.String())
	}
}

func TestADatabaseReportFollowsTheStacksObjectives(t *testing.T) {
	p := project{dir: "../.."}
	cfg, err := p.config("prod")
	if err != nil {
		t.Fatal(err)
	}
	before := databaseLimits(cfg)
	cfg.SLO.ResponseSeconds *= 2
	cfg.Database.Replicas++
	after := databaseLimits(cfg)
	if after.SlowStatementMillis != 2*before.SlowStatementMillis || after.Replicas != before.Replicas+1 {
		t.Errorf("limits are %+v, were %+v, want statements twice as long and one replica more", after, before)
	}
}

func TestADatabaseReportComesInThreeFormats(t *testing.T) {
	t.Chdir("../..")
	var out, notes bytes.Buffer
	code := run(t.Context(), []string{"db", "report", "--format", "pdf"}, &out, &notes)
	if want := "ragscale: --format is \"pdf\", want text, json or html\n"; code != exitFailed || notes.String() != want {
		t.Errorf("code %d and %q, want %d and %q", code, notes.String(), exitFailed, want)
	}
	report := dbreport.Report{Server: dbreport.Server{Database: "rag"}}
	for format, begin := range map[string]string{"text": "database rag,", "json": "{\n", "html": "<!DOCTYPE html>"} {
		out.Reset()
		if err := (console{out: &out}).showReport(report, reportFormats[format], ""); err != nil || !strings.HasPrefix(out.String(), begin) {
			t.Errorf("%s: %q, error %v, want it to begin with %q", format, out.String(), err, begin)
		}
	}
}

func TestAReportsFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte("yesterday's"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := console{out: io.Discard, notes: io.Discard}
	refuse := func(dbreport.Report, io.Writer) error { return errors.New("no") }
	if err := c.showReport(dbreport.Report{}, refuse, file); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadFile(file); err != nil || string(left) != "yesterday's" {
		t.Errorf("after a failure the file is %q (%v), want yesterday's", left, err)
	}
	finding := dbreport.Report{Findings: []dbreport.Finding{{Severity: dbreport.Warning}}}
	if err := c.showReport(finding, dbreport.Report.HTML, file); !errors.Is(err, errUnhealthy) {
		t.Errorf("error %v, want %v", err, errUnhealthy)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.HasSuffix(now, []byte("</html>\n")) {
		t.Errorf("the file is %q (%v), want a whole page", now, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files %v (%v), want the one", left, err)
	}
	if err := c.showReport(finding, dbreport.Report.HTML, filepath.Join(dir, "none", "report.html")); err == nil || errors.Is(err, errUnhealthy) {
		t.Errorf("error %v in a folder that is not there, want its own", err)
	}
}

func TestADatabaseReportEndsUnhealthyOnlyWithAWarning(t *testing.T) {
	url := os.Getenv("RAGAPI_TEST_DATABASE_URL")
	if url == "" {
		t.Skip("no PostgreSQL to test with: set RAGAPI_TEST_DATABASE_URL")
	}
	// Nothing else is judged: the server is shared with other tests.
	limits := dbreport.DefaultLimits()
	limits.Replicas, limits.SlowStatementMillis, limits.LongTransactionSeconds = 0, 1e9, 1e9
	limits.CacheHitPercent = 0
	for replicas, want := range map[int]error{0: nil, 99: errUnhealthy} {
		limits.Replicas = replicas
		report, err := inspectDatabase(t.Context(), url, limits)
		if err != nil || report.Server.Database == "" {
			t.Fatalf("report %+v, error %v, want one of a database", report, err)
		}
		var out bytes.Buffer
		if err := (console{out: &out}).showReport(report, reportFormats["json"], ""); !errors.Is(err, want) {
			t.Errorf("%d replicas: error %v, want %v:\n%s", replicas, err, want, out.String())
		}
		var again dbreport.Report
		if err := json.Unmarshal(out.Bytes(), &again); err != nil || again.Server != report.Server {
			t.Errorf("read back %+v, error %v, want %+v", again.Server, err, report.Server)
		}
	}
}
