package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const module = "github.com/pulumi/pulumi-aws/sdk/v6"

// source is one package of the SDK, parsed.
type source struct {
	rel     string                       // folder below go/aws: "rds", "" for the root package
	structs map[string]*ast.StructType   // by type name
	named   map[string]ast.Expr          // other named types
	file    map[string]string            // type or function name -> file that declares it
	imports map[string]map[string]string // file -> import name -> path
	funcs   []*ast.FuncDecl
	elems   map[string]string // XArgs -> xArgs, from its ElementType method
}

// sdkFolder finds the SDK's folder in the module cache and its version in the project's go.mod, found upwards from dir.
func sdkFolder(dir string) (folder, version string, err error) {
	for {
		raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.Contains(string(raw), module+" ") {
			m := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v[^\s]+)`).FindSubmatch(raw)
			version = string(m[1])
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", "", fmt.Errorf("no go.mod above names %s", module)
		}
		dir = parent
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(filepath.SplitList(build.Default.GOPATH)[0], "pkg", "mod")
	}
	folder = filepath.Join(cache, filepath.FromSlash(module)+"@"+version, "go", "aws")
	if _, err := os.Stat(folder); err != nil {
		return "", "", fmt.Errorf("the SDK's source is not in the module cache: %w", err)
	}
	return folder, version, nil
}

func parse(root, rel string) (*source, error) {
	s := &source{
		rel: rel, structs: map[string]*ast.StructType{}, named: map[string]ast.Expr{}, file: map[string]string{},
		imports: map[string]map[string]string{}, elems: map[string]string{},
	}
	dir := filepath.Join(root, rel)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if err := s.add(e.Name(), f); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
	}
	return s, nil
}

func (s *source) add(name string, f *ast.File) error {
	s.imports[name] = map[string]string{}
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		short := filepath.Base(path)
		if i.Name != nil {
			short = i.Name.Name
		}
		s.imports[name][short] = path
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.addFunc(name, d)
		case *ast.GenDecl:
			s.addTypes(name, d)
		}
	}
	return nil
}

func (s *source) addFunc(file string, d *ast.FuncDecl) {
	if d.Recv == nil {
		s.funcs = append(s.funcs, d)
		s.file[d.Name.Name] = file
		return
	}
	if recv, ok := d.Recv.List[0].Type.(*ast.Ident); ok && d.Name.Name == "ElementType" {
		ast.Inspect(d.Body, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok {
				if id, ok := star.X.(*ast.Ident); ok {
					s.elems[recv.Name] = id.Name
				}
			}
			return true
		})
	}
}

func (s *source) addTypes(file string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		s.file[t.Name.Name] = file
		if st, ok := t.Type.(*ast.StructType); ok {
			s.structs[t.Name.Name] = st
		} else {
			s.named[t.Name.Name] = t.Type
		}
	}
}
