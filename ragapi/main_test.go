package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runWith runs a command that needs no database.
func runWith(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code = run(t.Context(), args, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, &out, &log)
	return code, out.String(), log.String()
}

func TestAnUnknownCommandShowsTheKnownOnes(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"serve", "now"}} {
		if code, _, stderr := runWith(t, nil, args...); code != exitUsage || !strings.Contains(stderr, "Commands:") || strings.Contains(stderr, "is no command") != (args != nil) {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
}

func TestVersionNeedsNoEnvironment(t *testing.T) {
	if code, stdout, _ := runWith(t, nil, "version"); code != exitFine || !strings.HasPrefix(stdout, "dev ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

func TestAnInvalidEnvironmentStartsNothing(t *testing.T) {
	code, _, stderr := runWith(t, map[string]string{"DATABASE_PORT": "x"}, "serve")
	if code != exitUsage || !strings.Contains(stderr, "DATABASE_HOST is not set") || !strings.Contains(stderr, `DATABASE_PORT is "x"`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// authority is a certificate of an authority that signs nothing.
const authority = `-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUXkZvYkbhdnAv9q8+wmHJtdmYp7UwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjQwMDM0MzVaGA8yMTI2MTAzMTAwMzQz
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLrk
X2yFagZzKcgQnByhvPg4svZvmbnMz6z0h3dikLNAmm1phSTYw5T2mPqw1li+uKKD
gXiWI8DbyJ6WcPDrUfGjUzBRMB0GA1UdDgQWBBTMI6TbAdSPJwBzzXHcyxE2IT+J
OzAfBgNVHSMEGDAWgBTMI6TbAdSPJwBzzXHcyxE2IT+JOzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIGcNb5oowq8Oton+zkZk2jOswJmV0+9M5ZKH
XWoVkEgxAiBgYdzhAa0vDvUZ5L+ulQus/SW9gSWPPOPZjgh4I7cexA==
-----END CERTIFICATE-----
`

func TestTheCertificatesAreCopiedWhole(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.pem"), filepath.Join(dir, "to.pem")
	for _, content := range []string{authority, authority + authority} { // the second replaces the first, though it may not be written to
		if err := os.WriteFile(from, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := runWith(t, map[string]string{"DATABASE_CA_FILE": from}, "ca-bundle", "--to", to); code != exitFine {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		if got, err := os.ReadFile(to); err != nil || string(got) != content {
			t.Errorf("copied %q (%v), want %q", got, err, content)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("files %v (%v), want the two", left, err)
	}
}

func TestWhatIsNoCertificateIsNotCopied(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{empty: "has none, want PEM", filepath.Join(dir, "absent.pem"): "no such file"} {
		code, _, stderr := runWith(t, map[string]string{"DATABASE_CA_FILE": from}, "ca-bundle", "--to", filepath.Join(dir, "to.pem"))
		if code != exitFailed || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, %s, want %s", code, stderr, want)
		}
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	env := map[string]string{"DATABASE_HOST": "localhost", "DATABASE_NAME": "x", "DATABASE_USER": "x", "DATABASE_PASSWORD": "x", "DATABASE_SSLMODE": "disable", "AUTH": "off", "ADMIN_ADDR": busyPort(t)}
	code, _, stderr := runWith(t, env, "serve")
	if code != exitFailed || !strings.Contains(stderr, "ADMIN_ADDR "+env["ADMIN_ADDR"]) || !strings.Contains(stderr, "address already in use") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
