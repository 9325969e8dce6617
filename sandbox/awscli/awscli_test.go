package awscli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bucket is a server that keeps what it is sent, and denies keys with "secret".
func bucket(t *testing.T) map[string]string {
	t.Helper()
	objects := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch body, err := io.ReadAll(r.Body); {
		case err != nil:
			t.Error(err)
		case strings.Contains(r.URL.Path, "secret"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"))
		case r.Method == http.MethodPut:
			objects[r.URL.Path] = string(body)
		default:
			_, _ = w.Write([]byte(objects[r.URL.Path]))
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x",
		"AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_CA_BUNDLE": "", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
	return objects
}

func run(args ...string) (code int, stdout, stderr string) {
	var out, faults bytes.Buffer
	code = Main(context.Background(), args, &out, &faults)
	return code, out.String(), faults.String()
}

func TestAFolderIsCopied(t *testing.T) {
	objects := bucket(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"summary.json": "{}", "sub/log.txt": "log"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, faults := run("s3", "cp", "--recursive", "--only-show-errors", dir, "s3://b/results/run/")
	if code != 0 || out+faults != "" || objects["/b/results/run/summary.json"] != "{}" || objects["/b/results/run/sub/log.txt"] != "log" {
		t.Errorf("%d %q %q %v", code, out, faults, objects)
	}
	code, out, _ = run("s3", "cp", filepath.Join(dir, "summary.json"), "s3://b/x/")
	if code != 0 || objects["/b/x/summary.json"] != "{}" || !strings.HasPrefix(out, "upload: ") {
		t.Errorf("%d %q %v", code, out, objects)
	}
	to := filepath.Join(dir, "back")
	if code, _, faults = run("s3", "cp", "s3://b/x/summary.json", to); code != 0 {
		t.Fatal(faults)
	}
	if raw, err := os.ReadFile(to); err != nil || string(raw) != "{}" {
		t.Errorf("%q, %v", raw, err)
	}
}

func TestWhatFailsIsSaidInTheCLIsWords(t *testing.T) {
	bucket(t)
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"s3", "cp", file, "s3://b/secret"}, 1, "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"},
		{[]string{"s3", "cp", "/none", "s3://b/k"}, 1, "The user-provided path /none does not exist."},
		{[]string{"s3", "cp", filepath.Dir(file), "s3://b/k"}, 1, "want --recursive"},
		{[]string{"s3", "cp", file}, 252, "want a source and a destination"},
		{[]string{"s3", "cp", file, file}, 252, "want a file or folder, and an s3://BUCKET/KEY"},
		{[]string{"s3", "sync", file, "s3://b/k"}, 252, "knows s3 cp alone"},
		{[]string{"s3", "cp", "--sse", file, "s3://b/k"}, 252, "-sse"},
		{nil, 252, "knows s3 cp alone"},
	} {
		if code, _, faults := run(c.args...); code != c.code || !strings.Contains(faults, c.want) {
			t.Errorf("%v: %d %q, want %d and %s", c.args, code, faults, c.code, c.want)
		}
	}
}
