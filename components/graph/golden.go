package graph

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files from what the code does now")

// Golden compares text with the file. With -update it writes the file instead: review the difference like code.
func Golden(t testing.TB, file, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // files of the repository
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // files of the repository
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("golden file: %v; write it with -update", err)
	}
	if diff := cmp.Diff(lines(string(want)), lines(text)); diff != "" {
		t.Errorf("%s differs (-golden +now); after review, rewrite it with -update:\n%s", file, diff)
	}
}

func lines(text string) []string { return slices.Collect(strings.Lines(text)) }
