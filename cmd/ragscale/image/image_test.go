package image

import (
	"archive/tar"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const checkout = "../../.."

// thisPlatform is the machine's own.
const thisPlatform = "linux/" + runtime.GOARCH

func quiet(string, ...any) {}

// api is the API's image for this machine, compiled once.
var api = sync.OnceValues(func() (v1.ImageIndex, error) {
	return Build(context.Background(), Options{Checkout: checkout, Version: "1.2.3", Platforms: []string{thisPlatform}, Bundle: authority(nil), Note: quiet})
})

// images reads them back from a layout, by platform.
func images(t *testing.T, index v1.ImageIndex) map[string]v1.Image {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "oci")
	if err := Write(index, "1.2.3", dir); err != nil {
		t.Fatal(err)
	}
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Annotations[refName] != "1.2.3" {
		t.Fatalf("the layout has %+v (%v), want one index named 1.2.3", manifest, err)
	}
	inner, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if manifest, err = inner.IndexManifest(); err != nil {
		t.Fatal(err)
	}
	all := map[string]v1.Image{}
	for _, d := range manifest.Manifests {
		if all[d.Platform.String()], err = inner.Image(d.Digest); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func config(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// unpack lays the image's files into a folder and lists them.
func unpack(t *testing.T, img v1.Image) (root string, list []string) {
	t.Helper()
	root = t.TempDir()
	archive := mutate.Extract(img)
	defer archive.Close()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(list)
			return root, list
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s is of %d:%d %q at %s, want of root without a name, at the epoch", h.Name, h.Uid, h.Gid, h.Uname, h.ModTime)
		}
		list = append(list, fmt.Sprintf("/%s %04o", strings.TrimSuffix(h.Name, "/"), h.Mode))
		at := filepath.Join(root, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(at, 0o755)
		} else {
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(at, content, fs.FileMode(h.Mode))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// thisMachine is the API's image as unpacked for this machine.
func thisMachine(t *testing.T) (root string, list []string, img v1.Image) {
	t.Helper()
	watchSources(t)
	index, err := api()
	if err != nil {
		t.Fatal(err)
	}
	img = images(t, index)[thisPlatform]
	root, list = unpack(t, img)
	return root, list, img
}

// watchSources opens what the API is compiled from: the test cache keeps a result for as long as opened files are the same,
// and knows nothing of those that the go command opens.
func watchSources(t *testing.T) {
	t.Helper()
	for _, from := range []string{"ragapi", "perf/dbreport", "go.mod", "go.sum"} {
		err := filepath.WalkDir(filepath.Join(checkout, from), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheImageHasTheProgramAndLittleElse(t *testing.T) {
	root, list, img := thisMachine(t)
	want := []string{
		"/etc 0755", "/etc/group 0444", "/etc/passwd 0444",
		"/etc/ssl 0755", "/etc/ssl/rds 0755", "/etc/ssl/rds/global-bundle.pem 0444",
		"/tmp 1777",
		"/usr 0755", "/usr/local 0755", "/usr/local/bin 0755", "/usr/local/bin/ragapi 0555",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	binary, err := elf.Open(filepath.Join(root, program))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if libraries, err := binary.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program wants the libraries %v (%v), want none", libraries, err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("%d layers (%v), want the files and the program", len(layers), err)
	}
	for i, most := range []int64{16 << 10, 40 << 20} {
		if size, err := layers[i].Size(); err != nil || size > most {
			t.Errorf("layer %d has %d bytes (%v), want at most %d", i, size, err, most)
		}
	}
}

func TestTheImageRunsAsANumberedUserWithoutAShell(t *testing.T) {
	_, _, img := thisMachine(t)
	got := config(t, img)
	want := v1.Config{
		User: "65532:65532", WorkingDir: "/", Env: []string{"PATH=/usr/local/bin"},
		Entrypoint: []string{"/usr/local/bin/ragapi"}, Cmd: []string{"serve"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9090/tcp": {}},
		Labels:       got.Config.Labels,
	}
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got.OS+"/"+got.Architecture != thisPlatform {
		t.Errorf("the image is for %s/%s, want %s", got.OS, got.Architecture, thisPlatform)
	}
	if v := got.Config.Labels[versionLabel]; v != "1.2.3" {
		t.Errorf("version is %q, want 1.2.3", v)
	}
}

func TestALayoutReplacesNothingElse(t *testing.T) {
	index := buildStandIn(t, Options{Checkout: standIn(t), Version: "1.2.3", Platforms: []string{thisPlatform}})
	dir := t.TempDir() // empty
	for range 2 {      // then a layout
		if err := Write(index, "1.2.3", dir); err != nil {
			t.Fatal(err)
		}
	}
	other := t.TempDir()
	write(t, filepath.Join(other, "thesis.txt"), "mine")
	if err := Write(index, "1.2.3", other); err == nil || !strings.Contains(err.Error(), "holds something else, want an empty folder, an OCI layout or none") {
		t.Errorf("error is %v, want a refusal", err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || slices.ContainsFunc(left, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") }) {
		t.Errorf("beside it are %v (%v), want nothing left behind", left, err)
	}
	if kept, err := os.ReadFile(filepath.Join(other, "thesis.txt")); err != nil || string(kept) != "mine" {
		t.Errorf("the other's file is %q (%v)", kept, err)
	}
}
