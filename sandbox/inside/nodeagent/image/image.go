// Package image says which local command stands for a container image.
//
// Owns: the table of images, its file, which name means which image, the argument vector of a container. Does not own: how a
// command is run.
package image

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Image is what stands for a container image on this machine: a local command and the files it needs.
type Image struct {
	Entrypoint []string          `json:"entrypoint"`      // of the image; a container's command replaces it
	Args       []string          `json:"args,omitempty"`  // of the image; a container's args replace them
	Env        map[string]string `json:"env,omitempty"`   // of the image; a container's env wins
	Dir        string            `json:"dir,omitempty"`   // working folder, default /
	Files      map[string]string `json:"files,omitempty"` // path in the container -> file or folder on the host, read-only
	Root       string            `json:"root,omitempty"`  // folder whose programs and libraries the container sees, default the host's /
}

// Table maps image names to images. In a name, * stands for any characters; the name without * or with the most other
// characters wins.
type Table map[string]Image

// Load reads an image table from a JSON file.
func Load(path string) (Table, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("image table: %w", err)
	}
	var images Table
	if err := json.Unmarshal(b, &images); err != nil {
		return nil, fmt.Errorf("image table %s: %w", path, err)
	}
	for name, image := range images {
		if len(image.Entrypoint) == 0 {
			return nil, fmt.Errorf("image table %s: image %q has no entrypoint, want a command", path, name)
		}
	}
	return images, nil
}

// Lookup finds the image for a name.
func (i Table) Lookup(name string) (Image, bool) {
	if image, ok := i[name]; ok {
		return image, true
	}
	best := ""
	for pattern := range i {
		if matches(pattern, name) && better(pattern, best) {
			best = pattern
		}
	}
	image, ok := i[best]
	return image, ok
}

func better(a, b string) bool {
	fixedA, fixedB := len(strings.ReplaceAll(a, "*", "")), len(strings.ReplaceAll(b, "*", ""))
	if b == "" || fixedA != fixedB {
		return b == "" || fixedA > fixedB
	}
	return a < b
}

// matches says whether name fits a pattern in which * stands for any characters.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}

// Command is the container's argument vector before $(VAR) is expanded: command replaces the entrypoint and drops the
// image's arguments, args replace only those.
func (i Image) Command(command, args []string) []string {
	var argv []string
	switch {
	case len(command) > 0:
		argv = append(append(argv, command...), args...)
	case len(args) > 0:
		argv = append(append(argv, i.Entrypoint...), args...)
	default:
		argv = append(append(argv, i.Entrypoint...), i.Args...)
	}
	return argv
}
