package pulumi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
)

func testEngine(t *testing.T) *Engine {
	t.Helper()
	dir := t.TempDir()
	l := layout.Layout{Dir: dir, Bin: filepath.Join(dir, "bin")}
	if err := os.MkdirAll(l.Bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"pulumi", "ragscale-sandbox"} {
		if err := os.WriteFile(l.Tool(tool), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	e, err := New(l)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryPluginIsFoundUnderItsOfficialName(t *testing.T) {
	e := testEngine(t)
	for name, version := range Plugins {
		path := filepath.Join(e.home, "plugins", "resource-"+name+"-v"+version, "pulumi-resource-"+name)
		if target, err := os.Readlink(path); err != nil || target != e.layout.Tool("ragscale-sandbox") {
			t.Errorf("%s leads to %q (%v), want the sandbox's binary", path, target, err)
		}
	}
}

func TestThePassphraseIsMadeOnceAndIsPrivate(t *testing.T) {
	e := testEngine(t)
	again, err := New(e.layout)
	if err != nil {
		t.Fatal(err)
	}
	if first, second := e.env["PULUMI_CONFIG_PASSPHRASE"], again.env["PULUMI_CONFIG_PASSPHRASE"]; first != second || len(first) < 20 {
		t.Errorf("passphrases are %q and %q, want one of 20 characters or more", first, second)
	}
	st, err := os.Stat(filepath.Join(e.layout.Pulumi(), "passphrase"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v (%v), want 0600", st.Mode(), err)
	}
}

func TestTheUsersOwnCredentialsAreOutOfReach(t *testing.T) {
	e := testEngine(t)
	env := e.env
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if v, ok := env[name]; !ok || v != "" {
			t.Errorf("%s is %q, want set and empty", name, v)
		}
	}
	for _, name := range []string{"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "PULUMI_HOME"} {
		if !strings.HasPrefix(env[name], e.layout.Dir+"/") {
			t.Errorf("%s is %q, want it in the sandbox", name, env[name])
		}
	}
}

func TestASecretIsAskedForOnceAndKeptEncrypted(t *testing.T) {
	w := workFolder{dir: t.TempDir(), project: "p", stack: "s"}
	asked := 0
	secrets := map[string]func() (string, error){"p:password": func() (string, error) { asked++; return "clear", nil }}
	missing, err := w.write(Config{"p:size": 3}, secrets)
	if err != nil || !missing["p:password"].Secret || asked != 1 {
		t.Fatalf("missing is %v (%v) after %d questions, want the secret after one", missing, err, asked)
	}
	path := filepath.Join(w.dir, "Pulumi.s.yaml")
	if err := os.WriteFile(path, []byte("encryptionsalt: v1:x\nconfig:\n  p:password: {secure: v1:abc}\n  p:gone: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if missing, err = w.write(Config{"p:size": 4}, secrets); err != nil || len(missing) > 0 || asked != 1 {
		t.Fatalf("missing is %v (%v) after %d questions, want none", missing, err, asked)
	}
	got, err := readStackFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"p:size": 4, "p:password": map[string]any{"secure": "v1:abc"}}
	if d := cmp.Diff(want, got.Config); d != "" || got.EncryptionSalt != "v1:x" {
		t.Errorf("salt %q, config (-want +got):\n%s", got.EncryptionSalt, d)
	}
}

func TestSecretsOfAnotherProviderAreLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Pulumi.prod.yaml")
	if err := os.WriteFile(path, []byte("config:\n  a:b: 1\n  a:d: no\n  a:c:\n    secure: AAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadConfig(path)
	if d := cmp.Diff(Config{"a:b": 1, "a:d": "no"}, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

const checkpoint = `{"version": 3, "checkpoint": {"latest": {"resources": [], "pending_operations": [
	{"type": "creating", "resource": {"urn": "urn:a"}}]}}}`

func TestWhatTheEngineDidNotSeeCreatedIsReopened(t *testing.T) {
	e := testEngine(t)
	path := e.checkpoint("p", "s")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(checkpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	cloud, err := inventory.Open(e.layout.Cloud())
	if err != nil {
		t.Fatal(err)
	}
	for _, urn := range []string{"urn:a", "urn:b"} {
		r := inventory.Resource{Type: "aws:ec2/vpc:Vpc", ID: "vpc-" + urn, URN: urn, Status: inventory.Ready, Inputs: resource.PropertyMap{}, State: resource.PropertyMap{}}
		if err := cloud.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	pending, err := e.pending("p", "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.reopen(pending); err != nil {
		t.Fatal(err)
	}
	all, err := cloud.List("")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]inventory.Status{}
	for _, r := range all {
		got[r.URN] = r.Status
	}
	if d := cmp.Diff(map[string]inventory.Status{"urn:a": inventory.Creating, "urn:b": inventory.Ready}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
