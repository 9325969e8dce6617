package image

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const region = "eu-central-1"

// authority makes a root as RDS' are; change alters it before it is signed.
func authority(change func(*x509.Certificate)) []byte {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{Organization: []string{"Amazon Web Services, Inc."}, OrganizationalUnit: []string{"Amazon RDS"}, CommonName: "Amazon RDS " + region + " Root CA ECC384 G1"},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if change != nil {
		change(c)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func expired(c *x509.Certificate) {
	c.NotAfter = time.Now().Add(-time.Minute)
}

func TestRDSAuthoritiesAreHeldToWhatTheyMustBe(t *testing.T) {
	good := authority(nil)
	elsewhere := authority(func(c *x509.Certificate) { c.Subject.CommonName = "Amazon RDS us-east-1 Root CA RSA2048 G1" })
	foreign := authority(func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"Somebody else"} })
	noRoot := "has no valid root of eu-central-1, want a present copy of " + AuthoritiesURL
	for name, c := range map[string]struct {
		bundle []byte
		want   string // in the error; empty for none
	}{
		"all regions":                   {bytes.Join([][]byte{elsewhere, good}, []byte("\n")), ""},
		"one that expired beside":       {slices.Concat(authority(expired), good), ""},
		"none":                          {nil, noRoot},
		"expired":                       {authority(expired), noRoot},
		"not valid yet":                 {authority(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), noRoot},
		"another region's":              {elsewhere, noRoot},
		"a page of a captive portal":    {[]byte("<html>log in</html>"), "has text that is no certificate"},
		"cut off":                       {slices.Concat(good, elsewhere[:len(elsewhere)/2]), "has text that is no certificate"},
		"a key":                         {slices.Concat(good, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")), "has a PRIVATE KEY, want certificates alone"},
		"bytes that are no certificate": {slices.Concat(good, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), "has a certificate that cannot be read"},
		"somebody else's":               {slices.Concat(good, foreign), "want authorities of Amazon RDS alone"},
		"a server's":                    {slices.Concat(good, authority(func(c *x509.Certificate) { c.IsCA = false })), "want authorities of Amazon RDS alone"},
		"every fault at once":           {slices.Concat(foreign, []byte("-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n")), "want authorities of Amazon RDS alone\nhas a KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkAuthorities(c.bundle, region, time.Now())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestAuthoritiesComeFromAFileOrFromAWS(t *testing.T) {
	good := authority(nil)
	file := filepath.Join(t.TempDir(), "bundle.pem")
	write(t, file, string(good))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bundle.pem" {
			http.NotFound(w, r)
			return
		}
		if _, err := w.Write(good); err != nil {
			t.Error(err)
		}
	}))
	for name, c := range map[string]struct{ file, url string }{
		"the file, without the network": {file, "http://127.0.0.1:1/"},
		"the network":                   {"", server.URL + "/bundle.pem"},
	} {
		if got, err := Authorities(t.Context(), c.file, c.url, region); err != nil || !bytes.Equal(got, good) {
			t.Errorf("from %s: %d bytes (%v), want the bundle", name, len(got), err)
		}
	}
	page := filepath.Join(t.TempDir(), "page.html")
	write(t, page, "<html></html>")
	gone := server.URL + "/gone.pem"
	_, err := Authorities(t.Context(), "", gone, region)
	if want := "RDS' certificates: GET " + gone + ": 404 Not Found: want a way to it, or --rds-bundle with a file of the same content"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	server.Close()
	for _, c := range []struct{ file, url, want string }{
		{"", server.URL + "/bundle.pem", "want a way to it, or --rds-bundle"},
		{file + ".none", "", "no such file"},
		{page, "", page + ": has text that is no certificate"},
	} {
		if _, err := Authorities(t.Context(), c.file, c.url, region); err == nil || !strings.HasPrefix(err.Error(), "RDS' certificates: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %q in it", err, c.want)
		}
	}
}
