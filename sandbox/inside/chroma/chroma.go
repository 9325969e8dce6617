// Package chroma provides the Chroma server that pods of the image chromadb/chroma run as: the real one, from the
// native library that Chroma publishes for Node.js, run by Debian's Node.js.
//
// Owns: which build, fetching and checking it, the program that stands for the image's. Does not own: the root file
// system with Node.js (debroot), pods (nodeagent).
//
// Like the image's, the server does not end at SIGTERM: it closes its port and stays busy until it is killed.
// Source: https://github.com/chroma-core/chroma/issues/5594 ; seen 2026-11-24.
package chroma

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Version is that of the native library, whose server is Chroma 1.x and speaks API v2.
const Version = "1.3.4"

// build is the library for one architecture.
type build struct {
	name      string // of the npm package
	integrity string // of its archive: base64 of SHA-512, as the registry publishes it
}

// builds by GOARCH. They want glibc 2.39 or later, which Debian 13 has.
// Source of the hashes: `npm view <name>@<version> dist.integrity` ; read 2026-11-24.
var builds = map[string]build{
	"amd64": {"chromadb-js-bindings-linux-x64-gnu", "HmTUe7PEIaBngCQ70Yyle81z2wYyg9OMgJYyRUNBYCBp4ED6zTmdaOro41Vs/c/h2UyQeBXFIKNmHDeD2Nr2fw=="},
	"arm64": {"chromadb-js-bindings-linux-arm64-gnu", "ELiqDZzU5mZd1BvZugGrhoMkVeNyQaa+PGizd06WIpIJVoHY+S+9ZBjdeM6ZkRnL3vTxD79XBrosxNWhzqy/kg=="},
}

// What a folder made by Ensure holds.
const (
	libraryName = "chroma.node"
	programName = "chroma"
	configName  = "config.yaml"
	stampName   = ".version" // written last: a folder without it is not complete
)

//go:embed chroma.cjs
var program []byte

//go:embed config.yaml
var config []byte

// Packages are the Debian packages that the root must hold.
func Packages() []string { return []string{"nodejs"} }

// Command is the image's, found on the container's PATH.
const Command = "chroma"

// Args are the image's, which a container's replace.
func Args() []string { return []string{"run", "/" + configName} }

// Files are what a container sees of the folder dir, by path in the container.
func Files(dir string) map[string]string {
	return map[string]string{
		"/usr/local/bin/" + Command:     filepath.Join(dir, programName),
		"/usr/local/lib/" + libraryName: filepath.Join(dir, libraryName),
		"/" + configName:                filepath.Join(dir, configName),
	}
}

// Ensure makes dir hold the server. A folder that already does is left alone, without a network request; an
// interrupted run leaves dir as it was. The library comes by the user's own npm, from the registry that it is set to use.
func Ensure(ctx context.Context, dir string, progress io.Writer) error {
	if have, err := os.ReadFile(filepath.Join(dir, stampName)); err == nil && string(have) == Version {
		return nil
	}
	b, ok := builds[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("chroma: there is no build for %s", runtime.GOARCH)
	}
	fmt.Fprintf(progress, "engines: downloading Chroma (%s %s)\n", b.name, Version)
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("chroma: leftover of an interrupted run: %w", err)
	}
	defer os.RemoveAll(part) //nolint:errcheck // the next run removes what is left
	if err := os.MkdirAll(filepath.Join(part, "new"), 0o755); err != nil {
		return fmt.Errorf("chroma: %w", err)
	}
	archive, err := pack(ctx, part, b)
	if err != nil {
		return fmt.Errorf("chroma: %w", err)
	}
	if err := fill(filepath.Join(part, "new"), archive); err != nil {
		return fmt.Errorf("chroma: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("chroma: %w", err)
	}
	return os.Rename(filepath.Join(part, "new"), dir)
}

// pack has npm fetch the archive into dir and checks that it is the one that is meant.
func pack(ctx context.Context, dir string, b build) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", dir, "--cache", filepath.Join(dir, "cache"), b.name+"@"+Version)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("npm is not on the PATH: install it (Debian's package npm, or Node.js from nodejs.org), it fetches the server")
	} else if err != nil {
		return nil, fmt.Errorf("npm pack %s@%s: %w: %s", b.name, Version, err, strings.TrimSpace(said.String()))
	}
	archive, err := os.ReadFile(filepath.Join(dir, b.name+"-"+Version+".tgz"))
	if err != nil {
		return nil, err
	}
	return archive, b.check(archive)
}

// check compares an archive with the hash that is pinned.
func (b build) check(archive []byte) error {
	sum := sha512.Sum512(archive)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != b.integrity {
		return fmt.Errorf("%s %s has the SHA-512 %s, want %s: the registry serves something else", b.name, Version, got, b.integrity)
	}
	return nil
}

// fill writes the folder's files, the stamp last.
func fill(dir string, archive []byte) error {
	library, err := libraryOf(archive)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
		mode os.FileMode
	}{{libraryName, library, 0o644}, {programName, program, 0o755}, {configName, config, 0o644}, {stampName, []byte(Version), 0o644}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// libraryOf finds the native library in a package's archive.
func libraryOf(archive []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the package holds no native library (*.node)")
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg && filepath.Ext(h.Name) == ".node" {
			return io.ReadAll(t)
		}
	}
}
