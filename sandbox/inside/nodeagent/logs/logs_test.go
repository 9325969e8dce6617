package logs

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

func storedLog(t *testing.T, limit int64, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.0.log")
	l, err := NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l.cap = limit
	if err := l.Copy("stdout", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func readAll(t *testing.T, path string, o api.ContainerLogOpts) string {
	t.Helper()
	var b strings.Builder
	over := make(chan struct{})
	close(over)
	if err := Read(t.Context(), &b, path, o, over); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLogIsReadBackAsItWasWritten(t *testing.T) {
	for _, text := range []string{"a\nb\n", "", "\n\n", strings.Repeat("x", 3*maxLine) + "\n"} {
		if got := readAll(t, storedLog(t, maxBytes, text), api.ContainerLogOpts{}); got != text {
			t.Errorf("log is %.40q (%d bytes), want %.40q (%d bytes)", got, len(got), text, len(text))
		}
	}
}

func TestTailShowsTheLastLinesAcrossARotation(t *testing.T) {
	path := storedLog(t, 100, "1\n2\n3\n4\n5\n")
	for tail, want := range map[int]string{1: "5\n", 3: "3\n4\n5\n", 9: "1\n2\n3\n4\n5\n"} {
		if got := readAll(t, path, api.ContainerLogOpts{Tail: tail}); got != want {
			t.Errorf("tail %d is %q, want %q", tail, got, want)
		}
	}
}

func TestRotatedLogKeepsTheNewestLines(t *testing.T) {
	got := readAll(t, storedLog(t, 60, strings.Repeat("line\n", 20)+"last\n"), api.ContainerLogOpts{})
	if !strings.HasSuffix(got, "last\n") || strings.Count(got, "\n") > 6 {
		t.Errorf("log is %q, want a few lines that end with the last", got)
	}
}

func TestLimitBytesCutsTheLog(t *testing.T) {
	if got := readAll(t, storedLog(t, maxBytes, "abc\ndef\n"), api.ContainerLogOpts{LimitBytes: 5}); got != "abc\nd" {
		t.Errorf("log is %q, want %q", got, "abc\nd")
	}
}

func TestFollowedLogEndsWithItsContainer(t *testing.T) {
	path := storedLog(t, maxBytes, "a\n")
	r, w := io.Pipe()
	over := make(chan struct{})
	go func() {
		w.CloseWithError(Read(context.Background(), w, path, api.ContainerLogOpts{Follow: true}, over))
	}()
	if _, err := io.ReadFull(r, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	close(over)
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after its end the log yields %q, %v, want nothing", rest, err)
	}
}
