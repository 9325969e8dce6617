package main

import (
	"go/ast"
	"reflect"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// markComputed marks the optional inputs that every resource has a value of, though neither program nor SDK give one: the
// outputs' type says so where it is no list and no map.
func markComputed(in *schema.Properties, outputs *ast.StructType, defaults []string) {
	if outputs == nil {
		return
	}
	for _, f := range outputs.Fields.List {
		if f.Tag == nil || !always(f.Type) || slices.Contains(defaults, f.Names[0].Name) {
			continue
		}
		name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("pulumi"), ",")
		if p, ok := in.Get(name); ok && !p.Required {
			p.Computed = true
			in.Set(name, p)
		}
	}
}

// always tells whether an output's type is that of a value which is never absent.
func always(e ast.Expr) bool {
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	}
	kind, isOutput := strings.CutSuffix(name, "Output")
	return isOutput && !slices.ContainsFunc([]string{"Ptr", "Array", "Map"}, func(s string) bool { return strings.HasSuffix(kind, s) })
}
