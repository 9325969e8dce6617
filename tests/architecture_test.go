package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ragscale/ragscale/"

// sources parses every Go file of the project's main module that is no test, by folder.
func sources(t *testing.T) map[string][]*ast.File {
	t.Helper()
	files := map[string][]*ast.File{}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if n := e.Name(); path != ".." && (strings.HasPrefix(n, ".") || n == "testdata" || n == "controlplane" || n == "tools" || n == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", filepath.Dir(path))
		files[filepath.ToSlash(folder)] = append(files[filepath.ToSlash(folder)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// below tells whether a folder is another or in it.
func below(folder, root string) bool { return folder == root || strings.HasPrefix(folder, root+"/") }

// TestImportsPointOneWay: cmd and infra at the top, then components, stacks and sandbox, which do not know each other.
func TestImportsPointOneWay(t *testing.T) {
	may := map[string][]string{
		"cmd":        {"cmd/ragscale/image", "infra/platform", "sandbox", "stacks", "policies", "perf"},
		"infra":      {"components", "stacks", "infra"},
		"components": {"components"},
		"stacks":     {"stacks"},
		"sandbox":    {"sandbox", "stacks/catalogue"},
		"ragapi":     {"ragapi", "perf/dbreport"}, // for `ragapi report`
		"policies":   {"policies", "stacks"},
		"perf":       {"perf"},
		"tests":      {"sandbox/layout"},
		"tools":      {"components/loadtest/k6"}, // the words that its corpus shares
	}
	for folder, files := range sources(t) {
		top, _, _ := strings.Cut(folder, "/")
		for _, f := range files {
			for _, i := range f.Imports {
				path, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				target, ours := strings.CutPrefix(path, module)
				if !ours {
					continue
				}
				ok := false
				for _, m := range may[top] {
					ok = ok || below(target, m)
				}
				if !ok {
					t.Errorf("%s imports %s, want %s to import only %v", folder, target, top, may[top])
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	for folder, files := range sources(t) {
		doc := ""
		for _, f := range files {
			if f.Doc != nil {
				doc += f.Doc.Text()
			}
		}
		if !strings.HasPrefix(doc, "Package ") && !strings.HasPrefix(doc, "Command ") {
			t.Errorf("%s has no package comment", folder)
		}
	}
}

func TestNoPackageIsADrawerForAnything(t *testing.T) {
	for folder := range sources(t) {
		for _, part := range strings.Split(folder, "/") {
			if part == "util" || part == "utils" || part == "common" || part == "helpers" || part == "pkg" || part == "misc" {
				t.Errorf("%s: a package is a noun of the field", folder)
			}
		}
	}
}
