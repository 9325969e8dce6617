package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// packages are read whole: every resource type and function in them is checked. "" is the provider itself.
var packages = []string{
	"", "acm", "amp", "autoscaling", "cloudfront", "cloudwatch", "ec2", "ecr", "eks", "elasticache", "grafana", "iam", "kms", "lb", "rds",
	"route53", "s3", "scheduler", "secretsmanager", "servicediscovery", "sns", "ssm", "vpc",
}

type generator struct {
	root    string // the SDK's go/aws folder
	sources map[string]*source
	out     schema.Schema
}

// generate reads the SDK of the project that the current folder belongs to and returns the schema's JSON: the same
// source gives the same bytes.
func generate() ([]byte, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	root, version, err := sdkFolder(dir)
	if err != nil {
		return nil, err
	}
	g := &generator{root: root, sources: map[string]*source{}, out: schema.Schema{
		SDK: version, Resources: map[string]*schema.Resource{}, Functions: map[string]*schema.Function{}, Types: map[string]*schema.Properties{},
	}}
	for _, rel := range packages {
		s, err := g.source(rel)
		if err != nil {
			return nil, err
		}
		for _, fn := range s.funcs {
			if err := g.constructor(s, fn); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", rel, fn.Name.Name, err)
			}
		}
	}
	return json.Marshal(g.out)
}

func (g *generator) source(rel string) (*source, error) {
	if s, ok := g.sources[rel]; ok {
		return s, nil
	}
	s, err := parse(g.root, rel)
	if err != nil {
		return nil, err
	}
	g.sources[rel] = s
	return s, nil
}

// registration is what the body of a constructor says.
type registration struct {
	token    string
	method   string // RegisterResource or Invoke
	secrets  []string
	required []string // Go names of required inputs
	defaults []string // those of inputs that the constructor gives a value
}

func (g *generator) constructor(s *source, fn *ast.FuncDecl) error {
	r := read(fn)
	switch {
	case r.token == "" || !strings.HasPrefix(r.token, "aws:") && !strings.HasPrefix(r.token, "pulumi:providers:"):
		return nil
	case r.method == "Invoke":
		return g.function(s, fn, r)
	case strings.HasPrefix(fn.Name.Name, "New"):
		return g.resource(s, strings.TrimPrefix(fn.Name.Name, "New"), r)
	}
	return nil
}

func read(fn *ast.FuncDecl) registration {
	var r registration
	ast.Inspect(fn, func(n ast.Node) bool {
		if field := assigned(n); field != "" {
			r.defaults = append(r.defaults, field)
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch sel.Sel.Name {
		case "RegisterResource", "Invoke":
			if tok := literals(call.Args[0]); len(tok) == 1 {
				r.token, r.method = tok[0], sel.Sel.Name
			}
		case "AdditionalSecretOutputs":
			r.secrets = literals(call.Args[0])
		case "New": // errors.New("invalid value for required argument 'X'")
			for _, text := range literals(call.Args[0]) {
				if m := requiredArgument.FindStringSubmatch(text); m != nil {
					r.required = append(r.required, m[1])
				}
			}
		}
		return true
	})
	return r
}

// assigned is the field that a statement assigns to; "" for none.
func assigned(n ast.Node) string {
	assign, ok := n.(*ast.AssignStmt)
	if !ok {
		return ""
	}
	field, ok := assign.Lhs[0].(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	return field.Sel.Name
}

var requiredArgument = regexp.MustCompile(`required argument '(\w+)'`)

// literals are the string literals in an expression, in order.
func literals(e ast.Expr) []string {
	var out []string
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

func (g *generator) resource(s *source, name string, r registration) error {
	in, err := g.members(s, s.elems[name+"Args"], r.required)
	if err != nil {
		return err
	}
	state := s.elems[name+"State"]
	if state == "" || len(s.structs[state].Fields.List) == 0 { // the provider resource has no state struct
		state = s.elems[name+"Args"]
	}
	out, err := g.members(s, state, nil)
	if err != nil {
		return err
	}
	markComputed(in, s.structs[name], r.defaults)
	slices.Sort(r.secrets)
	g.out.Resources[r.token] = &schema.Resource{Inputs: in, Outputs: out, Secrets: r.secrets}
	return nil
}

func (g *generator) function(s *source, fn *ast.FuncDecl, r registration) error {
	out := &schema.Function{Inputs: schema.NewProperties(nil), Outputs: schema.NewProperties(nil)}
	var err error
	if params := fn.Type.Params.List; len(params) >= 2 {
		if name, ok := pointee(params[1].Type); ok {
			if out.Inputs, err = g.members(s, name, nil); err != nil {
				return err
			}
		}
	}
	if name, ok := pointee(fn.Type.Results.List[0].Type); ok {
		if out.Outputs, err = g.members(s, name, nil); err != nil {
			return err
		}
	}
	g.out.Functions[r.token] = out
	return nil
}

func pointee(e ast.Expr) (string, bool) {
	if star, ok := e.(*ast.StarExpr); ok {
		if id, ok := star.X.(*ast.Ident); ok {
			return id.Name, true
		}
	}
	return "", false
}

// members converts the tagged fields of a plain struct. A field that is no pointer, list or map is required; of
// lists and maps only the constructor says so (required: their Go names).
func (g *generator) members(s *source, name string, required []string) (*schema.Properties, error) {
	st := s.structs[name]
	if st == nil {
		return nil, fmt.Errorf("no struct %q", name)
	}
	out := map[string]schema.Property{}
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		raw, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return nil, err
		}
		prop, _, _ := strings.Cut(reflect.StructTag(raw).Get("pulumi"), ",")
		if prop == "" {
			continue
		}
		t, err := g.typeOf(s, s.file[name], f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", name, prop, err)
		}
		optionalAsset := t.Kind == schema.Asset // an interface even where it is optional
		p := schema.Property{Type: t, ForceNew: forcesNew(f.Doc)}
		p.Required = plain(f.Type) && !optionalAsset || slices.Contains(required, f.Names[0].Name)
		out[prop] = p
	}
	return schema.NewProperties(out), nil
}

func plain(e ast.Expr) bool {
	switch e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		return true
	}
	return false
}

// The SDK's documentation speaks of replacement in these words only; conditional sentences ("If either … this will
// force") do not count.
var forceNewText = regexp.MustCompile("(?i)changing (?:this|this value|the `\\w+`|`\\w+`|this parameter) (?:will )?forces? |`\\w+` is changed, creates a new resource|, forces new resource\\b")

func forcesNew(doc *ast.CommentGroup) bool {
	return doc != nil && forceNewText.MatchString(strings.ReplaceAll(doc.Text(), "\n", " "))
}

func (g *generator) typeOf(s *source, file string, e ast.Expr) (schema.Type, error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return g.typeOf(s, file, e.X)
	case *ast.InterfaceType:
		return schema.Type{Kind: schema.Any}, nil
	case *ast.ArrayType:
		return g.container(schema.List, s, file, e.Elt)
	case *ast.MapType:
		return g.container(schema.Map, s, file, e.Value)
	case *ast.Ident:
		return g.named(s, e.Name)
	case *ast.SelectorExpr:
		return g.imported(s, file, e)
	}
	return schema.Type{}, fmt.Errorf("a field of kind %T", e)
}

func (g *generator) container(k schema.Kind, s *source, file string, elem ast.Expr) (schema.Type, error) {
	t, err := g.typeOf(s, file, elem)
	return schema.Type{Kind: k, Elem: &t}, err
}

func (g *generator) imported(s *source, file string, e *ast.SelectorExpr) (schema.Type, error) {
	pkg, ok := e.X.(*ast.Ident)
	if !ok {
		return schema.Type{}, errors.New("a selector of a selector")
	}
	from := s.imports[file][pkg.Name]
	if rel, ok := strings.CutPrefix(from, path.Join(module, "go/aws")); ok {
		other, err := g.source(strings.TrimPrefix(rel, "/"))
		if err != nil {
			return schema.Type{}, err
		}
		return g.named(other, e.Sel.Name)
	}
	switch e.Sel.Name {
	case "Asset", "Archive", "AssetOrArchive":
		return schema.Type{Kind: schema.Asset}, nil
	}
	return schema.Type{Kind: schema.Any}, nil
}

var scalars = map[string]schema.Kind{"string": schema.String, "bool": schema.Bool, "int": schema.Int, "float64": schema.Number, "any": schema.Any}

func (g *generator) named(s *source, name string) (schema.Type, error) {
	if k, ok := scalars[name]; ok {
		return schema.Type{Kind: k}, nil
	}
	if alias, ok := s.named[name]; ok {
		return g.typeOf(s, s.file[name], alias)
	}
	st, ok := s.structs[name]
	if !ok || isResource(st) {
		return schema.Type{Kind: schema.Any}, nil
	}
	key := s.rel + "." + name
	if _, done := g.out.Types[key]; !done {
		g.out.Types[key] = schema.NewProperties(nil) // ends the recursion of types that contain themselves
		members, err := g.members(s, name, nil)
		if err != nil {
			return schema.Type{}, err
		}
		g.out.Types[key] = members
	}
	return schema.Type{Kind: schema.Object, Ref: key}, nil
}

func isResource(st *ast.StructType) bool {
	for _, f := range st.Fields.List {
		if sel, ok := f.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "CustomResourceState" {
			return true
		}
	}
	return false
}
