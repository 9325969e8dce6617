package image

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// standIn is a project with a small program in place of the API.
func standIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ragapi"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.com/standin\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "ragapi", "main.go"), "package main\n\nvar version = \"dev\"\n\nfunc main() { println(version) }\n")
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func buildStandIn(t *testing.T, o Options) v1.ImageIndex {
	t.Helper()
	if o.Note == nil {
		o.Note = quiet
	}
	index, err := Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func digest(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	h, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func TestEachPlatformHasAProgramOfItsOwn(t *testing.T) {
	index := buildStandIn(t, Options{Checkout: standIn(t), Version: "1.2.3", Platforms: Platforms()})
	all := images(t, index)
	for platform, machine := range map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64} {
		root, _ := unpack(t, all[platform])
		content, err := os.ReadFile(filepath.Join(root, program))
		if err != nil {
			t.Fatal(err)
		}
		binary, err := elf.NewFile(bytes.NewReader(content))
		if err != nil || binary.Machine != machine {
			t.Errorf("%s: the program is for %v (%v), want %v", platform, binary.Machine, err, machine)
		}
		if !bytes.Contains(content, []byte("1.2.3")) {
			t.Errorf("%s: the program does not have its version", platform)
		}
	}
}

func TestEqualInputsGiveEqualDigests(t *testing.T) {
	o := Options{Checkout: standIn(t), Version: "1.2.3", Platforms: []string{"linux/arm64", "linux/amd64"}, Bundle: []byte("b")}
	first := digest(t, buildStandIn(t, o))
	// Another folder, another order, and an environment that would change the program.
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOARM64", "v9.0")
	again := o
	again.Checkout, again.Platforms = standIn(t), []string{"linux/amd64", "linux/arm64", "linux/amd64"}
	if got := digest(t, buildStandIn(t, again)); got != first {
		t.Errorf("digest is %s, was %s", got, first)
	}
	for what, change := range map[string]func(*Options){
		"version": func(o *Options) { o.Version = "1.2.4" },
		"bundle":  func(o *Options) { o.Bundle = []byte("c") },
	} {
		other := o
		change(&other)
		if digest(t, buildStandIn(t, other)) == first {
			t.Errorf("another %s gives the same digest", what)
		}
	}
}

func TestTheLabelSaysWhichRevisionAndWhetherItWasChanged(t *testing.T) {
	dir := standIn(t)
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "first", "--date", "2026-11-23T10:00:00Z")
	revision := git("rev-parse", "HEAD")
	o := Options{Checkout: dir, Version: "1.2.3", Platforms: []string{thisPlatform}}
	clean := config(t, images(t, buildStandIn(t, o))[thisPlatform])
	want := map[string]string{versionLabel: "1.2.3", revisionLabel: revision, sourceLabel: source}
	if diff := cmp.Diff(want, clean.Config.Labels); diff != "" || clean.Created.Year() < 2026 {
		t.Errorf("created %s, labels (-want +got):\n%s", clean.Created, diff)
	}
	write(t, filepath.Join(dir, "ragapi", "more.go"), "package main\n")
	var notes []string
	o.Note = func(format string, a ...any) { notes = append(notes, fmt.Sprintf(format, a...)) }
	changed := config(t, images(t, buildStandIn(t, o))[thisPlatform])
	if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "changes that are in no commit") }) {
		t.Errorf("notes are %q, want one of the changes", notes)
	}
	if got := changed.Config.Labels[revisionLabel]; got != revision+"-dirty" {
		t.Errorf("revision of a changed checkout is %s, want %s-dirty", got, revision)
	}
}

func TestOptionsThatMakeNoImageAreAllNamed(t *testing.T) {
	_, err := Build(t.Context(), Options{Version: "-X main.other=1", Platforms: []string{"linux/riscv64", "windows/amd64"}, Note: quiet})
	want := `tag is "-X main.other=1", want letters, digits, and within it . _ and -, 128 at most
platform is "linux/riscv64", want one of linux/amd64, linux/arm64
platform is "windows/amd64", want one of linux/amd64, linux/arm64`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if _, err := Build(t.Context(), Options{Version: "1", Note: quiet}); err == nil || err.Error() != "platforms are none, want one or more of linux/amd64, linux/arm64" {
		t.Errorf("error without platforms is %v", err)
	}
}

func TestAProgramThatDoesNotCompileShowsTheCompilersWords(t *testing.T) {
	dir := standIn(t)
	write(t, filepath.Join(dir, "ragapi", "main.go"), "package main\n\nfunc main() { undefined() }\n")
	_, err := Build(t.Context(), Options{Checkout: dir, Version: "1", Platforms: []string{thisPlatform}, Note: quiet})
	if err == nil || !strings.Contains(err.Error(), "compiling ragapi for "+thisPlatform) || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("error is %v, want the compiler's", err)
	}
}
