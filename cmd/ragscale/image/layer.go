package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file of the image, owned by root: the program cannot change what it runs.
type file struct {
	path    string
	mode    int64
	content []byte
}

// accounts name the user for whoever looks at the processes. There is no other, and no shell to log in with.
func accounts() []file {
	return []file{
		{path: "/etc/passwd", mode: 0o444,
			content: fmt.Appendf(nil, "nonroot:x:%d:%d:nonroot:/:/sbin/nologin\n", nonroot, nonroot)},
		{path: "/etc/group", mode: 0o444, content: fmt.Appendf(nil, "nonroot:x:%d:\n", nonroot)},
		{path: "/tmp/", mode: 0o1777}, // where uploads spill to, when no volume is mounted there
	}
}

// layer packs files with the folders above them. It has no time and no name of the machine that makes it.
func layer(files []file) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range withFolders(files) {
		h := &tar.Header{Name: strings.TrimPrefix(f.path, "/"), Mode: f.mode, Size: int64(len(f.content)),
			ModTime: time.Unix(0, 0), Format: tar.FormatPAX, Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.path, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser,
		error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	},
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// withFolders adds the folders of the files, each once and before what is in it.
func withFolders(files []file) []file {
	all := map[string]file{}
	for _, f := range files {
		all[f.path] = f
	}
	for _, f := range files {
		for dir := path.Dir(strings.TrimSuffix(f.path, "/")); dir != "/"; dir = path.Dir(dir) {
			if _, known := all[dir+"/"]; !known {
				all[dir+"/"] = file{path: dir + "/", mode: 0o755}
			}
		}
	}
	sorted := make([]file, 0, len(all))
	for _, f := range all {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return sorted
}
