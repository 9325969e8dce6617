package pki

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/ragscale/ragscale/sandbox/layout"
)

func open(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := Open(dir, CA)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *Authority, leaf Leaf) string {
	t.Helper()
	p, err := a.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(p.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestALeafIsTrustedUnderItsAuthority(t *testing.T) {
	a := open(t, t.TempDir())
	pair, err := a.Issue(Leaf{Name: "db", CommonName: "db", SANs: []string{"db.example.com", "10.78.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for _, name := range []string{"db.example.com", "10.78.0.1"} {
		if _, err := loaded.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Error(err)
		}
	}
}

func TestCertificatesAreKept(t *testing.T) {
	dir := t.TempDir()
	leaf := Leaf{Name: "a", CommonName: "a", SANs: []string{"10.0.0.1", "a.example.com"}}
	first := issue(t, open(t, dir), leaf)
	if second := issue(t, open(t, dir), leaf); first != second {
		t.Error("the second run made a new certificate")
	}
}

func TestAChangedLeafIsIssuedAnew(t *testing.T) {
	base := Leaf{Name: "a", CommonName: "a", Organizations: []string{"o"}, SANs: []string{"10.0.0.1"}}
	for name, change := range map[string]func(*Leaf){
		"common name":  func(l *Leaf) { l.CommonName = "b" },
		"organisation": func(l *Leaf) { l.Organizations = nil },
		"address":      func(l *Leaf) { l.SANs = []string{"10.0.0.2"} },
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, t.TempDir())
			changed := base
			change(&changed)
			if issue(t, a, base) == issue(t, a, changed) {
				t.Error("the old certificate was kept")
			}
		})
	}
}

func TestALeafOfALostAuthorityIsIssuedAnew(t *testing.T) {
	dir := t.TempDir()
	leaf := Leaf{Name: "a", CommonName: "a"}
	before := issue(t, open(t, dir), leaf)
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	if before == issue(t, open(t, dir), leaf) {
		t.Error("a certificate of the old authority was kept")
	}
}

func TestABrokenKeyIsNamed(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "ca.key"), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, CA)
	want := filepath.Join(dir, "ca.key") + " holds no EC PRIVATE KEY: delete it and it is made anew"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOnlyTheOwnerReadsKeysAndKubeconfigs(t *testing.T) {
	l := layout.Layout{Dir: t.TempDir()}
	if _, err := Cluster(l, "https://127.0.0.1:6444/authenticate"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(l.PKI())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		secret := strings.HasSuffix(e.Name(), ".key") || strings.HasSuffix(e.Name(), ".kubeconfig")
		if secret && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
	}
}

func TestTheHostsKubeconfigNamesTheOfferedAddress(t *testing.T) {
	l := layout.Layout{Dir: t.TempDir()}
	if _, err := Cluster(l, "https://127.0.0.1:6444/authenticate"); err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://" + l.HostAddr(layout.PortAPIServer); cfg.Host != want {
		t.Errorf("got %s, want %s", cfg.Host, want)
	}
}
