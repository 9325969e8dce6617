package chroma

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func archiveOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAnotherArchiveThanThePinnedOneIsRefused(t *testing.T) {
	err := builds["amd64"].check([]byte("something else"))
	if err == nil || !strings.Contains(err.Error(), "the registry serves something else") {
		t.Errorf("got %v", err)
	}
}

func TestTheLibraryIsFoundInItsPackage(t *testing.T) {
	got, err := libraryOf(archiveOf(t, map[string]string{"package/package.json": "{}", "package/x.linux-x64-gnu.node": "library"}))
	if string(got) != "library" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := libraryOf(archiveOf(t, map[string]string{"package/package.json": "{}"})); err == nil {
		t.Error("a package without a library was taken")
	}
}

func TestACompleteFolderNeedsNoNetwork(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "chroma")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fill(dir, archiveOf(t, map[string]string{"package/x.node": "library"})); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/nowhere")
	if err := Ensure(context.Background(), dir, io.Discard); err != nil {
		t.Error(err)
	}
	for at, file := range Files(dir) {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestAMissingNpmIsNamedAndLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "chroma")
	t.Setenv("PATH", "/nowhere")
	err := Ensure(context.Background(), dir, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "npm is not on the PATH") {
		t.Errorf("got %v", err)
	}
	if left, err := filepath.Glob(dir + "*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
