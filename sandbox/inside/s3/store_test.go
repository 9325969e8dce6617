package s3

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/sandbox/sigv4"
)

func open(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := New(Config{
		Dir: dir, Limit: 1 << 20, Log: slog.New(slog.DiscardHandler),
		Settings: func(string) (Settings, error) { return Settings{Versioning: "Enabled"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Declare("b", Bucket{Force: true}); err != nil {
		t.Fatal(err)
	}
	return s
}

func call(s *Server, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Serve(w, httptest.NewRequest(method, target, strings.NewReader(body)), &sigv4.Signed{ARN: "arn:aws:iam::1:user/u"})
	return w
}

func TestObjectsOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, text := range []string{"one", "two", "three"} {
		if w := call(s, "PUT", "/b/k", text); w.Code != 200 {
			t.Fatal(w.Body)
		}
	}
	call(s, "DELETE", "/b/gone", "")
	if err := os.WriteFile(filepath.Join(dir, "b", "HALF.data"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if w := call(again, "GET", "/b/k", ""); w.Body.String() != "three" || w.Header().Get("X-Amz-Version-Id") == "" {
		t.Errorf("got %q", w.Body)
	}
	if n := len(again.store.buckets["b"]["k"]); n != 3 {
		t.Errorf("%d versions, want 3", n)
	}
	if again.store.used != s.store.used || again.store.used != 11 {
		t.Errorf("%d bytes are used, want 11", again.store.used)
	}
	if _, err := os.Stat(filepath.Join(dir, "b", "HALF.data")); err == nil {
		t.Error("bytes that never became an object are still there")
	}
	if err := again.Remove("b"); err != nil || again.store.used != 0 {
		t.Errorf("%d bytes after the bucket is gone, %v", again.store.used, err)
	}
}

func TestPatternsOfPolicies(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "a/b", true}, {"a/*", "a/b/c", true}, {"a/*", "b/a/", false}, {"a/*/c", "a/x/y/c", true}, {"a?c", "a/c", true}, {"a?c", "ac", false},
		{"a[b]", "a[b]", true}, {"a[b]", "ab", false}, {`a\b`, `a\b`, true}, {"s3:Get*", "s3:GetObject", true}, {"", "", true},
	} {
		if like(c.pattern, c.text) != c.want {
			t.Errorf("%q and %q: %t", c.pattern, c.text, !c.want)
		}
	}
}
