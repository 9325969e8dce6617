// Package age tells how old the catalogue's facts are.
//
// Owns: where a fact says when it was read, and which facts say nothing. Does not own: the facts, how old is too old.
//
// A fact is a declaration that holds figures or words, or a table in a text file. Its comment, or that of its group,
// ends with the date: "read 2026-11-23", "as remembered 2026-11-23". What is of our own says so.
package age

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fact is one declaration or table.
type Fact struct {
	Where string    // "rds/volume.go: StripedGiB"
	Read  time.Time // zero if it does not say
}

// ours marks what is no fact but a choice or words of our own.
const ours = "of our own"

// The forms of dates, of our own.
var (
	dated = regexp.MustCompile(`(?:read|remembered|generated from)[^.]{0,40}?\s(20[0-9]{2}-[0-9]{2}-[0-9]{2})`)
	month = regexp.MustCompile(`(?:read|remembered)[^.]{0,40}?\s(20[0-9]{2}-[0-9]{2})(?:[^-0-9]|$)`)
)

// Of lists the facts below a folder, oldest first.
func Of(folder string) ([]Fact, error) {
	var facts []Fact
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		where, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		switch {
		case filepath.Ext(path) == ".txt":
			facts, err = appendTable(facts, path, where)
		case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"):
			facts, err = appendDeclarations(facts, path, where)
		}
		return err
	})
	slices.SortStableFunc(facts, func(a, b Fact) int { return a.Read.Compare(b.Read) })
	return facts, err
}

// appendTable reads the comment at the head of a text file.
func appendTable(facts []Fact, path, where string) ([]Fact, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return facts, err
	}
	var head strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		head.WriteString(strings.TrimPrefix(line, "#"))
	}
	return append(facts, Fact{Where: where, Read: dateIn(head.String())}), nil
}

func appendDeclarations(facts []Fact, path, where string) ([]Fact, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return facts, err
	}
	for _, d := range file.Decls {
		group, isGroup := d.(*ast.GenDecl)
		if !isGroup || group.Tok != token.CONST && group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			value, isValue := spec.(*ast.ValueSpec)
			if !isValue {
				continue
			}
			comment := value.Doc.Text() + " " + value.Comment.Text() + " " + group.Doc.Text() + " " + inner(file, value)
			if isFact(value) && !strings.Contains(comment, ours) {
				facts = append(facts, Fact{Where: fmt.Sprintf("%s: %s", where, value.Names[0].Name), Read: dateIn(comment)})
			}
		}
	}
	return facts, nil
}

// inner is what the comments between a value's lines say, as of the rows of a table.
func inner(file *ast.File, value *ast.ValueSpec) string {
	var text strings.Builder
	for _, c := range file.Comments {
		if c.Pos() > value.Pos() && c.End() < value.End() {
			text.WriteString(c.Text() + " ")
		}
	}
	return text.String()
}

// isFact tells whether a declaration holds figures or words of its own, and is not computed from others or a name for a
// kind.
func isFact(value *ast.ValueSpec) bool {
	if id, typed := value.Type.(*ast.Ident); typed && id.Name != "string" && id.Name != "int64" {
		return false // Kind, Service: names of our own
	}
	held := false
	for _, v := range value.Values {
		switch v := v.(type) {
		case *ast.BasicLit:
			held = true
		case *ast.CompositeLit:
			held = held || len(v.Elts) > 0
		case *ast.CallExpr:
			held = held || hasTable(v)
		}
	}
	return held
}

// hasTable tells whether a call is given a list or a text that is the fact.
func hasTable(call *ast.CallExpr) bool {
	return slices.ContainsFunc(call.Args, func(a ast.Expr) bool {
		switch a := a.(type) {
		case *ast.CompositeLit:
			return len(a.Elts) > 0
		case *ast.BasicLit:
			return a.Kind == token.STRING
		}
		return false
	})
}

// dateIn is the oldest date that a comment gives.
func dateIn(comment string) time.Time {
	comment = strings.Join(strings.Fields(comment), " ")
	var oldest time.Time
	for form, found := range map[string][][]string{time.DateOnly: dated.FindAllStringSubmatch(comment, -1),
		"2006-01": month.FindAllStringSubmatch(comment, -1)} {
		for _, m := range found {
			if at, err := time.Parse(form, m[1]); err == nil && (oldest.IsZero() || at.Before(oldest)) {
				oldest = at
			}
		}
	}
	return oldest
}
