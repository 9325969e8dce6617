package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"strings"
	"testing"

	public "golang.org/x/crypto/x509roots/fallback/bundle"
)

const noSystemRoots = "RAGAPI_TEST_NO_SYSTEM_ROOTS"

// TestWithoutSystemAuthoritiesThePublicOnesAreKnown: ElastiCache's certificates descend from Amazon's public roots, and the
// image has no file of such.
func TestWithoutSystemAuthoritiesThePublicOnesAreKnown(t *testing.T) {
	if os.Getenv(noSystemRoots) == "" { // a process reads the system's once
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		again.Env = append(os.Environ(), noSystemRoots+"=1", "SSL_CERT_FILE=/nonexistent", "SSL_CERT_DIR=/nonexistent")
		if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	amazon := 0
	for root := range public.Roots() {
		c, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(c.Subject.CommonName, "Amazon Root CA ") {
			continue
		}
		amazon++
		if _, err := c.Verify(x509.VerifyOptions{}); err != nil {
			t.Errorf("%s: %v", c.Subject, err)
		}
	}
	if amazon != 4 {
		t.Errorf("Amazon has %d public roots, want 4", amazon)
	}
}
