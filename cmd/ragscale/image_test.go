package main

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// rdsBundle is a file with an authority as RDS has one in the stacks' region.
func rdsBundle(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		Subject: pkix.Name{Organization: []string{"Amazon Web Services, Inc."}, OrganizationalUnit: []string{"Amazon RDS"}, CommonName: "Amazon RDS eu-central-1 Root CA ECC384 G1"},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// enterStandIn goes to a folder with the stacks' files and a small program in place of the API.
func enterStandIn(t *testing.T) {
	t.Helper()
	enterProject(t)
	if err := os.Mkdir("ragapi", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"go.mod": "module example.com/standin\n\ngo 1.26\n", "ragapi/main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// account stands for ECR: its API gives the credentials that its registry takes.
func account(t *testing.T, credentials string) (repository string) {
	t.Helper()
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch user, password, _ := r.BasicAuth(); {
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetAuthorizationToken"):
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			fmt.Fprintf(w, `{"authorizationData":[{"authorizationToken":%q}]}`, base64.StdEncoding.EncodeToString([]byte(credentials)))
		case user != "AWS" || password != "token":
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			images.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	return strings.TrimPrefix(server.URL, "http://") + "/prod/agentic-rag-api"
}

func stateWith(repository string) string {
	return fmt.Sprintf(`{"version":3,"deployment":{"resources":[
		{"type":"pulumi:pulumi:Stack","outputs":{"repositoryUrl":"of another type"}},
		{"type":"aws:ecr/repository:Repository"},
		{"type":"aws:ecr/repository:Repository","outputs":{"repositoryUrl":%q,"imageTagMutability":"IMMUTABLE"}}]}}`, repository)
}

const exportProd = "stack export --stack prod"

func TestOneCommandPushesTheImageThatTheStacksPodsAskFor(t *testing.T) {
	repository := account(t, "AWS:token")
	pulumiSays(t, map[string]string{exportProd: stateWith(repository)})
	bundle := rdsBundle(t)
	want := regexp.MustCompile("^" + regexp.QuoteMeta(repository) + `:0\.1\.0@sha256:[0-9a-f]{64}\n$`)
	enterStandIn(t)
	var first string
	for i, note := range []string{"compiling for linux/arm64", "it is there already"} {
		out, errs, code := ragscaleHere("image", "push", "--stack", "prod", "--rds-bundle", bundle)
		if code != 0 || !want.MatchString(out) || !strings.Contains(errs, note) {
			t.Fatalf("push %d: code %d, output %q, notes %q, want %s and %q", i+1, code, out, errs, want, note)
		}
		if first = cmp.Or(first, out); out != first {
			t.Errorf("push %d is %s, the first was %s", i+1, out, first)
		}
	}
	out, errs, code := ragscaleHere("image", "push", "--stack", "prod", "--rds-bundle", bundle, "--platform", "linux/amd64")
	if code != exitFailed || out != "" || !strings.Contains(errs, repository+":0.1.0 is sha256:") || !strings.Contains(errs, "want another tag, in ragscale:api.image or as --tag") {
		t.Errorf("another image under the tag: code %d, output %q, notes %q, want a refusal", code, out, errs)
	}
	out, errs, code = ragscaleHere("image", "push", "--stack", "prod", "--rds-bundle", bundle, "--platform", "linux/amd64", "--tag", "0.1.1")
	if code != 0 || !strings.HasPrefix(out, repository+":0.1.1@sha256:") {
		t.Errorf("under a tag of its own: code %d, output %q, notes %q", code, out, errs)
	}
}

func TestAnImageIsBuiltAsALayout(t *testing.T) {
	enterStandIn(t)
	out, errs, code := ragscaleHere("image", "build", "--stack", "prod", "--rds-bundle", rdsBundle(t), "--platform", "linux/arm64,linux/amd64", "--output", "oci")
	if code != 0 || !regexp.MustCompile(`^oci:oci:0\.1\.0 sha256:[0-9a-f]{64}\n$`).MatchString(out) {
		t.Fatalf("code %d, output %q, notes %q", code, out, errs)
	}
	index, err := os.ReadFile("oci/index.json")
	if err != nil || !strings.Contains(string(index), strings.Fields(out)[1]) {
		t.Errorf("the layout's index is %s (%v), want the digest in it", index, err)
	}
}

func TestAnImageThatCannotBePushedSaysWhy(t *testing.T) {
	repository := account(t, "AWS:expired")
	bundle := rdsBundle(t)
	for name, c := range map[string]struct {
		state string // of the stack; none for a stack that is not there
		args  []string
		want  []string
	}{
		"every fault of the arguments": {stateWith(repository), []string{"--tag", "a b", "--platform", "linux/riscv64", "--rds-bundle", "none.pem"},
			[]string{`tag is "a b", want`, `platform is "linux/riscv64", want one of linux/amd64, linux/arm64`, "RDS' certificates: open none.pem"}},
		"no stack":             {"", nil, []string{"stack prod: ", "no stack named 'prod' found"}},
		"no repository yet":    {`{"deployment":{"resources":[{"type":"aws:ecr/repository:Repository"}]}}`, nil, []string{"stack prod has no image repository yet", "`pulumi up --stack prod` makes it"}},
		"a state that is none": {"<html>", nil, []string{"stack prod: pulumi stack export: invalid character"}},
		"refused credentials":  {stateWith(repository), nil, []string{repository + ":0.1.0: the registry does not take the credentials"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]string{}
			if c.state != "" {
				answers[exportProd] = c.state
			}
			pulumiSays(t, answers)
			enterStandIn(t)
			args := []string{"image", "push", "--stack", "prod"}
			if len(c.args) == 0 {
				args = append(args, "--rds-bundle", bundle)
			}
			out, errs, code := ragscaleHere(append(args, c.args...)...)
			if code != exitFailed || out != "" || strings.Contains(errs, "expired") {
				t.Errorf("code %d, output %q, notes %q, want an error without the password", code, out, errs)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("notes are %q, want %q in them", errs, want)
				}
			}
		})
	}
}

func TestAnImageFromElsewhereAsksForATag(t *testing.T) {
	enterStandIn(t)
	prod, err := os.ReadFile("Pulumi.prod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("Pulumi.prod.yaml", []byte(strings.Replace(string(prod), "image: 0.1.0", "image: ghcr.io/example/api:2.0.0", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := ragscaleHere("image", "push", "--stack", "prod", "--rds-bundle", rdsBundle(t))
	if want := `ragscale:api.image is "ghcr.io/example/api:2.0.0", of a repository that is not the stack's own: want a tag, there or as --tag`; code != exitFailed || !strings.Contains(errs, want) {
		t.Errorf("code %d and %q, want %s", code, errs, want)
	}
}
