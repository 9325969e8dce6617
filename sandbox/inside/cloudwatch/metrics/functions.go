package metrics

import (
	"fmt"
	"go/ast"
	"maps"
	"math"
	"slices"
	"strings"
)

// function of metric math over values that were computed. arguments is how many it takes, -1 for any.
type function struct {
	arguments int
	apply     func(m grid, args []value) (value, error)
}

var functions map[string]function

func init() { // refers to itself through eval
	functions = map[string]function{
		arrayName: {-1, func(_ grid, args []value) (value, error) { return value{list: args}, nil }},
		"ABS":     {1, pointwise(math.Abs)},
		"CEIL":    {1, pointwise(math.Ceil)},
		"FLOOR":   {1, pointwise(math.Floor)},
		"SUM":     {1, across(func(all []float64) float64 { return total(all) })},
		"AVG":     {1, across(func(all []float64) float64 { return total(all) / float64(len(all)) })},
		"MIN":     {1, across(slices.Min[[]float64])},
		"MAX":     {1, across(slices.Max[[]float64])},
		"DIFF":    {1, steps(func(m grid, before, now float64) float64 { return now - before })},
		"RATE":    {1, steps(func(m grid, before, now float64) float64 { return (now - before) / m.period })},
		"PERIOD":  {1, func(m grid, _ []value) (value, error) { return value{number: m.period}, nil }},
		"IF":      {3, choose},
	}
}

func (m grid) call(e *ast.CallExpr) (value, error) {
	id, ok := e.Fun.(*ast.Ident)
	if !ok {
		return value{}, fmt.Errorf("a call of something that is no function")
	}
	if id.Name == "FILL" {
		return m.fill(e.Args)
	}
	f, known := functions[id.Name]
	if !known {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(functions)), func(n string) bool { return n == arrayName })
		return value{}, fmt.Errorf("the function %s is not answered here, of metric math are %s and FILL", id.Name, strings.Join(names, ", "))
	}
	if f.arguments >= 0 && len(e.Args) != f.arguments {
		return value{}, fmt.Errorf("%s has %d arguments, want %d", id.Name, len(e.Args), f.arguments)
	}
	args := make([]value, len(e.Args))
	for i, arg := range e.Args {
		var err error
		if args[i], err = m.eval(arg); err != nil {
			return value{}, err
		}
	}
	return f.apply(m, args)
}

func pointwise(f func(float64) float64) func(grid, []value) (value, error) {
	var apply func(m grid, args []value) (value, error)
	apply = func(m grid, args []value) (value, error) {
		if args[0].list != nil {
			return each(args[0].list, func(v value) (value, error) { return apply(m, []value{v}) })
		}
		return m.zip(args[0], value{}, func(x, _ float64) float64 { return f(x) })
	}
	return apply
}

func total(all []float64) float64 {
	sum := 0.0
	for _, x := range all {
		sum += x
	}
	return sum
}

// across reduces an array to a time series point by point, and a time series to a number.
func across(f func(all []float64) float64) func(grid, []value) (value, error) {
	return func(m grid, args []value) (value, error) {
		reduce := func(all []float64) float64 {
			all = slices.DeleteFunc(all, math.IsNaN)
			if len(all) == 0 {
				return math.NaN()
			}
			return f(all)
		}
		arg := args[0]
		if arg.list == nil {
			if arg.points == nil {
				return arg, nil
			}
			return value{number: reduce(slices.Clone(arg.points))}, nil
		}
		out := make(Points, m.n)
		for i := range out {
			var all []float64
			for _, v := range arg.list {
				all = append(all, v.at(i))
			}
			out[i] = reduce(all)
		}
		return value{points: out}, nil
	}
}

// steps compares each point with the one before it.
func steps(f func(m grid, before, now float64) float64) func(grid, []value) (value, error) {
	return func(m grid, args []value) (value, error) {
		if args[0].points == nil {
			return value{}, fmt.Errorf("DIFF and RATE take a time series")
		}
		out := make(Points, m.n)
		for i := range out {
			out[i] = math.NaN()
			if i > 0 {
				out[i] = f(m, args[0].points[i-1], args[0].points[i])
			}
		}
		return value{points: out}, nil
	}
}

// choose is IF: where the condition has no value, neither has the result.
func choose(m grid, args []value) (value, error) {
	for _, arg := range args {
		if arg.list != nil {
			return value{}, fmt.Errorf("IF takes time series and numbers, and no arrays")
		}
	}
	out := make(Points, m.n)
	for i := range out {
		switch condition := args[0].at(i); {
		case math.IsNaN(condition):
			out[i] = math.NaN()
		case condition != 0:
			out[i] = args[1].at(i)
		default:
			out[i] = args[2].at(i)
		}
	}
	return value{points: out}, nil
}

// fill is FILL: what lacks becomes a number, another series' point, the last point or one on the line between neighbours.
func (m grid) fill(args []ast.Expr) (value, error) {
	if len(args) != 2 {
		return value{}, fmt.Errorf("FILL has %d arguments, want 2", len(args))
	}
	what, err := m.eval(args[0])
	if err != nil {
		return value{}, err
	}
	if isKeyword(args[1]) {
		linear := args[1].(*ast.Ident).Name == "LINEAR"
		return m.filled(what, func(p Points, i int) float64 { return neighbour(p, i, linear) })
	}
	with, err := m.eval(args[1])
	if err != nil {
		return value{}, err
	}
	return m.filled(what, func(_ Points, i int) float64 { return with.at(i) })
}

func (m grid) filled(v value, with func(p Points, i int) float64) (value, error) {
	if v.list != nil {
		return each(v.list, func(one value) (value, error) { return m.filled(one, with) })
	}
	if v.points == nil {
		return v, nil
	}
	out := slices.Clone(v.points)
	for i, x := range v.points {
		if math.IsNaN(x) {
			out[i] = with(v.points, i)
		}
	}
	return value{points: out}, nil
}

// neighbour is the last point before i, or with linear the one on the line to the next.
func neighbour(p Points, i int, linear bool) float64 {
	before, after := i, i
	for before >= 0 && math.IsNaN(p[before]) {
		before--
	}
	for after < len(p) && math.IsNaN(p[after]) {
		after++
	}
	switch {
	case before < 0 || linear && after == len(p):
		return math.NaN()
	case !linear:
		return p[before]
	}
	return p[before] + (p[after]-p[before])*float64(i-before)/float64(after-before)
}
