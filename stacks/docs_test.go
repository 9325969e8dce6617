package stacks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ragscale/ragscale/stacks/settings"
)

// meanings are the comments of this package's struct fields: "Config.Tags" -> "Further tags …".
var meanings = sync.OnceValue(func() map[string]string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		panic(err)
	}
	all := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			panic(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, isType := n.(*ast.TypeSpec)
			if !isType {
				return true
			}
			if fields, isStruct := spec.Type.(*ast.StructType); isStruct {
				for _, f := range fields.Fields.List {
					for _, id := range f.Names {
						all[spec.Name.Name+"."+id.Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return all
})

// doc is what the key means.
func doc(f settings.Field) string { return meanings()[f.Owner+"."+f.Name] }
