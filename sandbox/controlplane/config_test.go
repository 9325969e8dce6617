package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryFaultOfTheConfigurationIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(path, []byte(`{"dataDir":"etcd","port":70000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := readConfig(path)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`dataDir is "etcd", want an absolute path`, `pkiDir is "", want an absolute path`, `port is 70000, want 1 to 65534`,
		`etcdPort is 0, want 1 to 65534`, "want an IPv4 address", "serviceCidr", "audience is empty",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestAnUnknownKeyIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(path, []byte(`{"datadirectory":"/x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(path); err == nil || !strings.Contains(err.Error(), `unknown field "datadirectory"`) {
		t.Errorf("got %v", err)
	}
}

func TestEverySettingIsAFlagOfItsComponent(t *testing.T) {
	dir := t.TempDir()
	c := config{DataDir: dir, PKIDir: dir, Address: netip.MustParseAddr("10.77.0.1"), Port: 6443, EtcdPort: 2379, ServiceCIDR: "10.96.0.0/16", Audience: "https://kubernetes.default.svc.cluster.local"}
	if _, err := parse(c); err != nil {
		t.Error(err)
	}
}
