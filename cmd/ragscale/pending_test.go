package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ragscale/ragscale/cmd/ragscale/pending"
)

func TestWhatWaitsInAStackOnAWSIsShown(t *testing.T) {
	const waiting = `<%[1]sResponse><%[1]sResult><DBInstances><DBInstance><DBInstanceIdentifier>rag-prod-1</DBInstanceIdentifier>
		<DBInstanceStatus>available</DBInstanceStatus><DBInstanceClass>db.r7g.large</DBInstanceClass><PreferredMaintenanceWindow>sun:03:30-sun:04:30</PreferredMaintenanceWindow>
		<PendingModifiedValues><DBInstanceClass>db.r7g.xlarge</DBInstanceClass></PendingModifiedValues></DBInstance></DBInstances></%[1]sResult></%[1]sResponse>`
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		asked = append(asked, r.PostForm.Get("Action")+" "+r.PostForm.Get("DBInstanceIdentifier"))
		fmt.Fprintf(w, waiting, r.PostForm.Get("Action"))
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	pulumiSays(t, map[string]string{exportProd: `{"deployment":{"resources":[{"type":"aws:rds/instance:Instance","outputs":{"identifier":"rag-prod-1"}}]}}`})
	out, errs, code := ragscale(t, "pending", "--stack", "prod")
	if code != 0 || !strings.Contains(out, "rag-prod-1  instanceClass  db.r7g.large  db.r7g.xlarge  sun:03:30-sun:04:30, next ") {
		t.Errorf("code %d, output %q, notes %q", code, out, errs)
	}
	out, errs, code = ragscaleHere("pending", "apply", "--stack", "prod")
	if want := "rag-prod-1: instanceClass from db.r7g.large to db.r7g.xlarge\n"; code != 0 || out != want {
		t.Errorf("code %d, output %q, notes %q, want %q", code, out, errs, want)
	}
	if last := asked[len(asked)-1]; last != "ModifyDBInstance rag-prod-1" {
		t.Errorf("asked %q", asked)
	}
}

func TestNothingWaitsInASandboxThatWasNeverUp(t *testing.T) {
	out, errs, code := ragscale(t, "pending", "--json")
	if code != 0 || out != "[]\n" {
		t.Errorf("code %d, output %q, notes %q", code, out, errs)
	}
}

func TestARestartHasNoDate(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for want, c := range map[string]pending.Change{
		"a restart":              {Restart: true, Window: "sun:03:30-sun:04:30"},
		"the maintenance window": {},
		"sun:03:30-sun:04:30, next 2026-12-06 03:30 UTC": {Window: "sun:03:30-sun:04:30"},
	} {
		if got := when(c, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
