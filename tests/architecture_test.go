package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
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
			if n := e.Name(); path != ".." && (strings.HasPrefix(n, ".") || n == "testdata" || n == "controlplane" || n == "alertmanager" || n == "tools" || n == "bin") {
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

// mayImport says, by folder, which of the project's packages may be imported. The longest folder counts.
var mayImport = map[string][]string{
	"catalogue":  {"catalogue"},
	"cmd":        {"catalogue", "cmd/ragscale", "infra/platform", "planner", "sandbox", "stacks", "policies", "perf"},
	"examples":   {"components"},
	"infra":      {"components", "infra", "planner", "slo", "stacks"},
	"components": {"catalogue", "components", "planner", "slo"},
	"planner":    {},
	"spelling":   {},
	"slo":        {},
	"stacks":     {"catalogue", "slo", "spelling", "stacks"},
	"ragapi":     {"ragapi", "perf/dbreport"}, // for `ragapi report`
	"policies":   {"catalogue", "policies", "slo", "stacks"},
	"perf":       {"catalogue", "perf", "stacks"},
	"tests":      {"sandbox/layout"},
	"tools":      {"catalogue/age", "components/loadtest/k6"}, // the words that its corpus shares

	// The binary of the sandbox plays in all three places; what stands in one knows none of the others.
	"sandbox":                    {"sandbox"},
	"sandbox/host":               {"sandbox/host", "sandbox/control", "sandbox/layout", "sandbox/link"},
	"sandbox/host/pulumi":        {"sandbox/layout", "sandbox/plugins/aws/inventory"}, // what a killed update did create
	"sandbox/plugins/aws":        {"sandbox/plugins/aws", "sandbox/atomicfile", "sandbox/control", "sandbox/layout", "spelling", "catalogue"},
	"sandbox/plugins/kubernetes": {"sandbox/plugins/kubernetes", "sandbox/control", "sandbox/ekstoken", "sandbox/layout"},
	"sandbox/inside":             {"sandbox/inside", "sandbox/atomicfile", "sandbox/control", "sandbox/ekstoken", "sandbox/layout", "sandbox/link", "sandbox/sigv4"},
	"sandbox/awscli":             {},
	"sandbox/control":            {},
	"sandbox/ekstoken":           {"sandbox/atomicfile", "sandbox/layout", "sandbox/sigv4"},
	"sandbox/sigv4":              {},
	"sandbox/layout":             {},
	"sandbox/link":               {},
	"sandbox/atomicfile":         {},

	// Inside, the daemon stands on everything; engines and node agent know neither it nor each other.
	"sandbox/inside/nodeagent":   {"sandbox/inside/nodeagent", "sandbox/layout", "sandbox/link"},
	"sandbox/inside/servicenet":  {"sandbox/control"},
	"sandbox/inside/postgres":    {"sandbox/inside/debroot", "sandbox/inside/pki", "sandbox/inside/supervise", "sandbox/atomicfile", "sandbox/control"},
	"sandbox/inside/redis":       {"sandbox/inside/debroot", "sandbox/inside/pki", "sandbox/inside/supervise", "sandbox/atomicfile", "sandbox/control"},
	"sandbox/inside/awsapi":      {"sandbox/inside/awsrpc", "sandbox/inside/s3", "sandbox/sigv4"},
	"sandbox/inside/awsrpc":      {},
	"sandbox/inside/cloudwatch":  {"sandbox/inside", "sandbox/atomicfile", "catalogue"}, // what a class has
	"sandbox/inside/insights":    {"sandbox/inside/awsapi", "sandbox/inside/awsrpc", "sandbox/inside/postgres"},
	"sandbox/inside/s3":          {"sandbox/atomicfile", "sandbox/sigv4"},
	"sandbox/inside/chroma":      {"sandbox/inside/debroot"},
	"sandbox/inside/debroot":     {},
	"sandbox/inside/supervise":   {"sandbox/inside/debroot", "sandbox/control"},
	"sandbox/inside/podidentity": {"sandbox/layout", "sandbox/sigv4"},
	"sandbox/inside/k6":          {"sandbox/inside/k6"}, // a program of pods
	"sandbox/inside/pki":         {"sandbox/atomicfile", "sandbox/layout"},
}

// rulesOf is what holds for a folder: the entry of the longest folder that it is in.
func rulesOf(folder string) (may []string, found bool) {
	for ; folder != "."; folder = path.Dir(folder) {
		if may, found = mayImport[folder]; found {
			return may, true
		}
	}
	return nil, false
}

// TestImportsPointOneWay: cmd, infra and policies at the top, then components, stacks and sandbox, which do not know each
// other; under all of them the catalogue, which knows nobody.
func TestImportsPointOneWay(t *testing.T) {
	for folder, files := range sources(t) {
		may, found := rulesOf(folder)
		if !found {
			t.Errorf("%s may import what? want an entry in mayImport", folder)
		}
		for _, target := range importsOf(t, files) {
			if !slices.ContainsFunc(may, func(m string) bool { return below(target, m) }) {
				t.Errorf("%s imports %s, want it to import only %v", folder, target, may)
			}
		}
	}
}

// importsOf lists the project's packages that files import.
func importsOf(t *testing.T, files []*ast.File) (targets []string) {
	t.Helper()
	for _, f := range files {
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if target, ours := strings.CutPrefix(imported, module); ours {
				targets = append(targets, target)
			}
		}
	}
	return targets
}

// TestNoProgramLinksTesting: packages that import testing are for tests, and only for tests.
func TestNoProgramLinksTesting(t *testing.T) {
	forTests := map[string]bool{}
	all := sources(t)
	for folder, files := range all {
		for _, f := range files {
			forTests[folder] = forTests[folder] || slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` })
		}
	}
	for folder, files := range all {
		for _, target := range importsOf(t, files) {
			if forTests[target] && !forTests[folder] {
				t.Errorf("%s imports %s, which imports testing", folder, target)
			}
		}
	}
}

// mostFiles is how many files a package may have, tests left out: more are several packages that have no name yet.
const mostFiles = 13

func TestPackagesAreSmall(t *testing.T) {
	larger := map[string]bool{ // to be divided; none is added
		"cmd/ragscale": true, "components/observability": true, "components/ragapi": true, "policies/rules": true,
		"ragapi/cache": true, "ragapi/server": true, "sandbox/inside/daemon": true, "sandbox/inside/servicenet": true,
		"sandbox/plugins/aws/rules": true, "stacks": true,
	}
	for folder, files := range sources(t) {
		if len(files) > mostFiles && !larger[folder] {
			t.Errorf("%s has %d files, want %d at most", folder, len(files), mostFiles)
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
