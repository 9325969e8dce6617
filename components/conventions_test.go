package components_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
)

const module = "github.com/ragscale/ragscale/"

// componentPackages parses every component package: each folder here but the test harness, test data, and what components
// share, which is no component.
func componentPackages(t *testing.T) map[string][]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]*ast.File{}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "graph" || e.Name() == "internal" || e.Name() == "testdata" {
			continue
		}
		packages[e.Name()] = parseFolder(t, e.Name())
	}
	if len(packages) == 0 {
		t.Fatal("no component package found, want at least one")
	}
	return packages
}

func parseFolder(t *testing.T, folder string) []*ast.File {
	t.Helper()
	var files []*ast.File
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryComponentSaysWhatItOwns(t *testing.T) {
	for name, files := range componentPackages(t) {
		var doc string
		for _, f := range files {
			doc += f.Doc.Text()
		}
		for _, want := range []string{"Package " + name + " ", "Owns:", "Does not own:"} {
			if !strings.Contains(doc, want) {
				t.Errorf("package comment of components/%s has no %q", name, want)
			}
		}
	}
}

func TestEveryComponentIsDeclaredInTheOneFrame(t *testing.T) {
	for name, files := range componentPackages(t) {
		if n := countCalls(files, "component", "Declare"); n != 1 {
			t.Errorf("components/%s calls component.Declare %d times, want once", name, n)
		}
		for _, own := range []string{"RegisterComponentResource", "RegisterResourceOutputs"} {
			if countCalls(files, "ctx", own) > 0 {
				t.Errorf("components/%s calls %s, want component.Declare to", name, own)
			}
		}
	}
}

func TestOutputsAreRegisteredOncePerComponentAndForTheStack(t *testing.T) {
	for name, program := range map[string]func(*pulumi.Context) error{
		"network": networkProgram(networkShapes()["prod"]),
		"cluster": clusterProgram(clusterShapes()["prod"]),
	} {
		g := graph.Run(t, "prod", program)
		if g.Components() != 1 || g.OutputsRegistered != 2 {
			t.Errorf("%s: %d components, outputs registered %d times, want 1 and 2 (one is the stack's)", name, g.Components(), g.OutputsRegistered)
		}
	}
}

// countCalls counts what is called of a package or variable, or of a field of that name.
func countCalls(files []*ast.File, of, method string) int {
	calls := 0
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			s, isSelector := n.(*ast.SelectorExpr)
			if !isSelector || s.Sel.Name != method {
				return true
			}
			switch x := s.X.(type) {
			case *ast.Ident:
				if x.Name == of {
					calls++
				}
			case *ast.SelectorExpr:
				if x.Sel.Name == of {
					calls++
				}
			}
			return true
		})
	}
	return calls
}

// But what AWS is, and what thresholds are called.
func TestComponentsImportNothingOfTheProject(t *testing.T) {
	for name, files := range componentPackages(t) {
		for _, f := range files {
			for _, spec := range f.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				inside, ours := strings.CutPrefix(path, module)
				ground := inside == "slo" || inside == "catalogue" || strings.HasPrefix(inside, "catalogue/")
				if ours && !ground && !strings.HasPrefix(inside, "components/"+name+"/") && !strings.HasPrefix(inside, "components/internal/") {
					t.Errorf("components/%s imports %s, want values passed in by infra/platform", name, inside)
				}
			}
		}
	}
}
