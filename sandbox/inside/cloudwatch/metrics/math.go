package metrics

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
	"strings"
)

// Points are a value for each period of a grid, oldest first; NaN where there is none.
type Points []float64

// value is what a part of an expression is: points, or one number for all of them, or a list.
type value struct {
	points Points
	number float64 // where points and list are nil
	list   []value
}

// Expression is a metric math expression that was read.
type Expression struct{ root ast.Expr }

// mostExpression is CloudWatch's limit of characters.
const mostExpression = 2048

// ParseExpression reads metric math. Its grammar is that of Go's expressions but for arrays, [a, b], which are told apart
// by a name that no id can have.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func ParseExpression(text string) (Expression, error) {
	if len(text) > mostExpression {
		return Expression{}, fmt.Errorf("the expression has %d characters, want at most %d", len(text), mostExpression)
	}
	asCall := strings.NewReplacer("[", arrayName+"(", "]", ")", " AND ", " && ", " OR ", " || ").Replace(text)
	root, err := parser.ParseExpr(asCall)
	if err != nil {
		return Expression{}, fmt.Errorf("the expression %q does not parse: %w", text, err)
	}
	return Expression{root}, nil
}

const arrayName = "Array_"

// IDs are the metrics and expressions that an expression needs.
func (e Expression) IDs() []string {
	var out []string
	called := map[*ast.Ident]bool{}
	ast.Inspect(e.root, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok {
				called[name] = true
				if name.Name == "FILL" && len(call.Args) == 2 && isKeyword(call.Args[1]) {
					called[call.Args[1].(*ast.Ident)] = true
				}
			}
		}
		if id, ok := n.(*ast.Ident); ok && !called[id] {
			out = append(out, id.Name)
		}
		return true
	})
	return out
}

func isKeyword(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && (id.Name == "REPEAT" || id.Name == "LINEAR")
}

// Evaluate computes an expression over a grid of n periods of some seconds. What cannot be computed, such as a division
// by zero, has no value there.
func (e Expression) Evaluate(n int, period float64, of func(id string) (Points, error)) (Points, error) {
	m := grid{n: n, period: period, of: of}
	v, err := m.eval(e.root)
	if err != nil {
		return nil, err
	}
	if v.list != nil {
		return nil, fmt.Errorf("the expression is an array, want one time series")
	}
	out := make(Points, n)
	for i := range out {
		out[i] = finite(v.at(i))
	}
	return out, nil
}

func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

func (v value) at(i int) float64 {
	if v.points == nil {
		return v.number
	}
	return v.points[i]
}

// grid evaluates over one grid.
type grid struct {
	n      int
	period float64
	of     func(id string) (Points, error)
}

func (m grid) eval(e ast.Expr) (value, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return m.eval(e.X)
	case *ast.Ident:
		points, err := m.of(e.Name)
		return value{points: points}, err
	case *ast.BasicLit:
		number, err := strconv.ParseFloat(e.Value, 64)
		if err != nil {
			err = fmt.Errorf("%s is no number", e.Value)
		}
		return value{number: number}, err
	case *ast.UnaryExpr:
		if e.Op == token.SUB || e.Op == token.ADD {
			return m.binary(token.MUL, &ast.BasicLit{Value: e.Op.String() + "1"}, e.X)
		}
		return value{}, fmt.Errorf("the operator %s is not answered here", e.Op)
	case *ast.BinaryExpr:
		return m.binary(e.Op, e.X, e.Y)
	case *ast.CallExpr:
		return m.call(e)
	}
	return value{}, fmt.Errorf("a part of the expression (%T) is not metric math", e)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// operators of metric math. ^ binds in Go as + does, and so is not among them.
var operators = map[token.Token]func(a, b float64) float64{
	token.ADD: func(a, b float64) float64 { return a + b },
	token.SUB: func(a, b float64) float64 { return a - b },
	token.MUL: func(a, b float64) float64 { return a * b },
	token.QUO: func(a, b float64) float64 { return a / b },
	token.LSS: func(a, b float64) float64 { return truth(a < b) },
	token.GTR: func(a, b float64) float64 { return truth(a > b) },
	token.LEQ: func(a, b float64) float64 { return truth(a <= b) },
	token.GEQ: func(a, b float64) float64 { return truth(a >= b) },
	token.EQL: func(a, b float64) float64 { return truth(a == b) },
	token.NEQ: func(a, b float64) float64 { return truth(a != b) },

	token.LAND: func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	token.LOR:  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

func (m grid) binary(op token.Token, left, right ast.Expr) (value, error) {
	f, known := operators[op]
	if !known {
		return value{}, fmt.Errorf("the operator %s is not answered here", op)
	}
	a, err := m.eval(left)
	if err != nil {
		return value{}, err
	}
	b, err := m.eval(right)
	if err != nil {
		return value{}, err
	}
	return m.zip(a, b, f)
}

// zip combines two values point by point; an array with each of its members. A point that either lacks is lacking.
func (m grid) zip(a, b value, f func(a, b float64) float64) (value, error) {
	if a.list != nil && b.list != nil {
		return value{}, fmt.Errorf("an operator has an array on both sides, want a time series or a number on one")
	}
	if a.list != nil {
		return each(a.list, func(v value) (value, error) { return m.zip(v, b, f) })
	}
	if b.list != nil {
		return each(b.list, func(v value) (value, error) { return m.zip(a, v, f) })
	}
	apply := func(x, y float64) float64 {
		if math.IsNaN(x) || math.IsNaN(y) {
			return math.NaN()
		}
		return finite(f(x, y))
	}
	if a.points == nil && b.points == nil {
		return value{number: apply(a.number, b.number)}, nil
	}
	out := make(Points, m.n)
	for i := range out {
		out[i] = apply(a.at(i), b.at(i))
	}
	return value{points: out}, nil
}

func each(list []value, f func(value) (value, error)) (value, error) {
	out := value{list: []value{}}
	for _, v := range list {
		w, err := f(v)
		if err != nil {
			return value{}, err
		}
		out.list = append(out.list, w)
	}
	return out, nil
}
