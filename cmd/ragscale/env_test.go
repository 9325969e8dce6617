package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/layout"
)

func TestEnvIsWhatAShellReads(t *testing.T) {
	l := layout.Layout{Dir: t.TempDir() + "/it's $HOME"}
	creds, err := ekstoken.Create(l)
	if err != nil {
		t.Fatal(err)
	}
	env, err := sandboxEnv(l, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	var lines, object bytes.Buffer
	if err := (console{out: &lines}).printEnv(env, false); err != nil {
		t.Fatal(err)
	}
	if err := (console{out: &object}).printEnv(env, true); err != nil {
		t.Fatal(err)
	}
	var all map[string]string
	if err := json.Unmarshal(object.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if all["AWS_SECRET_ACCESS_KEY"] != creds.SecretAccessKey || all["AWS_CA_BUNDLE"] != l.CA() || !strings.HasSuffix(all["AWS_ENDPOINT_URL"], ":8443") {
		t.Errorf("got %v", all)
	}
	for name, want := range all {
		got, err := exec.Command("sh", "-c", lines.String()+"printf %s \"$"+name+"\"").Output()
		if err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestEnvBeforeTheFirstStartSaysSo(t *testing.T) {
	if _, err := sandboxEnv(layout.Layout{Dir: t.TempDir()}, "eu-central-1"); err == nil || !strings.Contains(err.Error(), "ragscale sandbox start") {
		t.Errorf("got %v", err)
	}
}
