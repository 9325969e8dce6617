package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// k6Saying puts a k6 on PATH that says it is of a version, and returns its folder.
func k6Saying(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "k6"), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func TestLoadGeneratorIsTheK6OnPathOnlyWhereItIsOfVersion2(t *testing.T) {
	l := layout.Layout{Bin: "/tools"}
	for version, itself := range map[string]bool{"k6 v2.3.0 (go1.26.8, linux/amd64)": true, "k6 v1.7.1 (go1.25.0, linux/amd64)": false, "": false} {
		dir := k6Saying(t, version)
		want, says := "/tools/k6", "the sandbox's runner of k6 scripts"
		if itself {
			want, says = filepath.Join(dir, "k6"), version
		}
		got := loadGenerator(l)
		if got.Entrypoint[0] != want || got.Env["LOAD_GENERATOR"] != says || !strings.HasPrefix(got.Env["PATH"], filepath.Dir(want)+":") {
			t.Errorf("k6 on PATH says %q: %+v, want %s, which says it is %q", version, got, want, says)
		}
	}
}
