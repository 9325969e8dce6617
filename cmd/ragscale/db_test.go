package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/perf/database"
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

func TestADatabaseReportEndsUnhealthyOnlyWithAWarning(t *testing.T) {
	url := os.Getenv("RAGAPI_TEST_DATABASE_URL")
	if url == "" {
		t.Skip("no PostgreSQL to test with: set RAGAPI_TEST_DATABASE_URL")
	}
	// Nothing else is judged: the server is shared with other tests.
	limits := database.DefaultLimits()
	limits.Replicas, limits.SlowStatementMillis, limits.LongTransactionSeconds = 0, 1e9, 1e9
	limits.CacheHitPercent = 0
	var out bytes.Buffer
	if err := reportDatabase(t.Context(), console{out: &out}, url, limits, true); err != nil {
		t.Errorf("error %v, want none:\n%s", err, out.String())
	}
	var report database.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || report.Server.Database == "" {
		t.Errorf("report %+v, error %v, want one of a database", report, err)
	}
	limits.Replicas = 99
	if err := reportDatabase(t.Context(), console{out: &out}, url, limits, false); !errors.Is(err, errUnhealthy) {
		t.Errorf("error %v, want %v", err, errUnhealthy)
	}
}
