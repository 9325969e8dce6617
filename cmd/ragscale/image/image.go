// Package image makes the API's container image and puts it where it is wanted: into a folder as an OCI layout, or into
// a registry. It needs no container engine and no base image: the image is one static program and the few files that it
// reads.
//
// Owns: what is in the image, how it is compiled, pushed and written. Does not own: which stack it is for, credentials.
package image

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	program    = "/usr/local/bin/ragapi"
	bundleFile = "/etc/ssl/rds/global-bundle.pem" // as components/ragapi and `ragapi ca-bundle` expect it
	// nonroot is the user that pods run as: a number, so that runAsNonRoot can be checked.
	nonroot = 65532
	// home of the source, for the label.
	source = "https://github.com/ragscale/ragscale"
)

// labels of the OCI image specification.
const (
	versionLabel  = "org.opencontainers.image.version"
	revisionLabel = "org.opencontainers.image.revision"
	sourceLabel   = "org.opencontainers.image.source"
)

// Options say what to build. Equal ones give equal digests, on any machine with the same release of Go.
type Options struct {
	Checkout  string   // folder of the project, which has ./ragapi
	Version   string   // the image's tag, which the program prints too
	Platforms []string // of those that Platforms lists
	Bundle    []byte   // RDS' certificate authorities, as Authorities gives them
	// Note is told what is done and takes long.
	Note func(format string, a ...any)
}

// Platforms are those that nodes of the instance catalogue have.
func Platforms() []string { return []string{"linux/amd64", "linux/arm64"} }

// tag is what a registry takes for one.
// Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
var tag = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// CheckTag refuses what no registry takes.
func CheckTag(given string) error {
	if !tag.MatchString(given) {
		return fmt.Errorf("tag is %q, want letters, digits, and within it . _ and -, 128 at most", given)
	}
	return nil
}

// CheckPlatforms returns every fault of the platforms.
func CheckPlatforms(given []string) error {
	wanted := strings.Join(Platforms(), ", ")
	if len(given) == 0 {
		return fmt.Errorf("platforms are none, want one or more of %s", wanted)
	}
	var faults []error
	for _, p := range given {
		if !slices.Contains(Platforms(), p) {
			faults = append(faults, fmt.Errorf("platform is %q, want one of %s", p, wanted))
		}
	}
	return errors.Join(faults...)
}

// Build compiles the API for each platform and returns the index of its images.
func Build(ctx context.Context, o Options) (v1.ImageIndex, error) {
	if err := errors.Join(CheckTag(o.Version), CheckPlatforms(o.Platforms)); err != nil {
		return nil, err
	}
	files, err := layer(slices.Concat(accounts(), []file{{path: bundleFile, mode: 0o444, content: o.Bundle}}))
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range slices.Compact(slices.Sorted(slices.Values(o.Platforms))) {
		platform, err := v1.ParsePlatform(p)
		if err != nil {
			return nil, err
		}
		img, err := o.build(ctx, *platform, files)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	return index, nil
}

// build makes the image of one platform. What changes least is its first layer: that is stored and pulled once.
func (o Options) build(ctx context.Context, p v1.Platform, files v1.Layer) (v1.Image, error) {
	o.Note("compiling for %s", p.String())
	built, err := o.compile(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.String() == o.Platforms[0] {
		o.noteRevision(built)
	}
	binary, err := layer([]file{{path: program, mode: 0o555, content: built.program}})
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	history := v1.History{Created: v1.Time{Time: built.time}, CreatedBy: "ragscale image"}
	img, err := mutate.Append(base, mutate.Addendum{Layer: files, History: history},
		mutate.Addendum{Layer: binary, History: history})
	if err != nil {
		return nil, err
	}
	c, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Created, c.Config = p.OS, p.Architecture, v1.Time{Time: built.time}, o.config(built)
	return mutate.ConfigFile(img, c)
}

// noteRevision says what an image cannot be traced by. The go command knows the revision of a clone, not of a worktree.
func (o Options) noteRevision(built binary) {
	switch {
	case built.revision == "":
		o.Note("the checkout is no git clone: the image has no label %s", revisionLabel)
	case built.modified:
		o.Note("the checkout has changes that are in no commit: the label %s says so", revisionLabel)
	}
}

func (o Options) config(built binary) v1.Config {
	labels := map[string]string{versionLabel: o.Version, sourceLabel: source}
	if built.revision != "" {
		labels[revisionLabel] = built.revision
	}
	return v1.Config{
		User:         fmt.Sprintf("%d:%d", nonroot, nonroot),
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9090/tcp": {}}, // HTTP_ADDR and ADMIN_ADDR by default
		Env:          []string{"PATH=/usr/local/bin"},
		Entrypoint:   []string{program},
		Cmd:          []string{"serve"},
		WorkingDir:   "/",
		Labels:       labels,
	}
}
