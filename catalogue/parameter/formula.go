package parameter

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Instance is what a formula may refer to.
type Instance struct {
	MemoryBytes int64 // DBInstanceClassMemory: bytes the engine may use, after the operating system's reservation
	VCPU        int   // DBInstanceVCPU
	StorageGiB  int   // AllocatedStorage, in bytes in a formula
	Port        int   // EndPointPort
}

// IsFormula says whether a value is computed from the instance class.
func IsFormula(value string) bool {
	return strings.ContainsAny(value, "{") || strings.HasPrefix(value, "LEAST(") ||
		strings.HasPrefix(value, "GREATEST(") || strings.HasPrefix(value, "SUM(")
}

// Evaluate computes a value: {DBInstanceClassMemory/32768}, LEAST(…), GREATEST(…), SUM(…); the result is rounded
// down, as RDS does. A value that is no formula is returned as it is. Any integer parameter takes
// one. Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html , as remembered
// 2026-11-23.
func Evaluate(value string, on Instance) (string, error) {
	if !IsFormula(value) {
		return value, nil
	}
	f := formula{rest: value, on: on}
	n, err := f.term()
	if err == nil && f.rest != "" {
		err = fmt.Errorf("%q follows the formula", f.rest)
	}
	if err == nil && (math.IsInf(n, 0) || math.IsNaN(n)) {
		err = errors.New("it divides by zero")
	}
	if err != nil {
		return "", fmt.Errorf("is %q, want a formula such as {DBInstanceClassMemory/32768}: %w", value, err)
	}
	return strconv.FormatInt(int64(math.Floor(n)), 10), nil
}

type formula struct {
	rest string
	on   Instance
}

// term is a function call, an expression in braces, or a number.
func (f *formula) term() (float64, error) {
	f.space()
	for name, fold := range folds {
		if rest, ok := strings.CutPrefix(f.rest, name+"("); ok {
			f.rest = rest
			return f.call(fold)
		}
	}
	if rest, ok := strings.CutPrefix(f.rest, "{"); ok {
		f.rest = rest
		n, err := f.expression()
		if err != nil {
			return 0, err
		}
		return n, f.expect("}")
	}
	return f.operand()
}

// folds are the functions of formulas. Source: as Evaluate; as remembered 2026-11-23.
var folds = map[string]func(a, b float64) float64{
	"LEAST": math.Min, "GREATEST": math.Max, "SUM": func(a, b float64) float64 { return a + b },
}

func (f *formula) call(fold func(a, b float64) float64) (float64, error) {
	result, err := f.term()
	for err == nil {
		f.space()
		rest, more := strings.CutPrefix(f.rest, ",")
		if !more {
			return result, f.expect(")")
		}
		f.rest = rest
		var next float64
		next, err = f.term()
		result = fold(result, next)
	}
	return 0, err
}

// expression is a chain of operands with * and /, from left to right.
func (f *formula) expression() (float64, error) {
	n, err := f.operand()
	for err == nil {
		f.space()
		if f.rest == "" || !strings.ContainsRune("*/", rune(f.rest[0])) {
			return n, nil
		}
		operator := f.rest[0]
		f.rest = f.rest[1:]
		var next float64
		if next, err = f.operand(); operator == '*' {
			n *= next
		} else {
			n /= next
		}
	}
	return 0, err
}

func (f *formula) operand() (float64, error) {
	f.space()
	end := strings.IndexFunc(f.rest, func(r rune) bool { return strings.ContainsRune("*/,(){} ", r) })
	if end < 0 {
		end = len(f.rest)
	}
	word := f.rest[:end]
	f.rest = f.rest[end:]
	switch word {
	case "DBInstanceClassMemory":
		return float64(f.on.MemoryBytes), nil
	case "DBInstanceVCPU":
		return float64(f.on.VCPU), nil
	case "AllocatedStorage":
		return float64(f.on.StorageGiB) * (1 << 30), nil
	case "EndPointPort":
		return float64(f.on.Port), nil
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor a variable of RDS", word)
	}
	return n, nil
}

func (f *formula) space() { f.rest = strings.TrimLeft(f.rest, " ") }

func (f *formula) expect(text string) error {
	f.space()
	rest, ok := strings.CutPrefix(f.rest, text)
	if !ok {
		return fmt.Errorf("%q is missing", text)
	}
	f.rest = rest
	return nil
}
