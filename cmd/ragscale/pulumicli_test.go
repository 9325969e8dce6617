package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pulumiSays puts a stand-in for the Pulumi CLI on the path. It answers the commands, by their arguments, and complains
// about any other.
func pulumiSays(t *testing.T, answers map[string]string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in\n"
	for args, answer := range answers {
		file := filepath.Join(dir, strings.ReplaceAll(args, " ", "_"))
		if err := os.WriteFile(file, []byte(answer), 0o600); err != nil {
			t.Fatal(err)
		}
		script += fmt.Sprintf("%q) cat %q ;;\n", args, file)
	}
	script += "*) echo \"error: no stack named 'prod' found\" >&2; exit 255 ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "pulumi"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}
