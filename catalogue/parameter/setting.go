// Package parameter says what a parameter of an engine's parameter group is.
//
// Owns: kinds of values, how a value is judged, the formulas that RDS computes, how a table of parameters is written.
// Does not own: which parameters an engine has (catalogue/postgres, catalogue/redis), what a good value is.
package parameter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind is what the values of a setting are.
type Kind string

// The kinds.
const (
	Integer Kind = "integer"
	Real    Kind = "real"
	Choice  Kind = "choice"  // one of Values; a boolean of PostgreSQL is 0 or 1
	Letters Kind = "letters" // any of the letters in Values[0], or none
	Text    Kind = "text"    // anything that is not empty
)

// Setting is a parameter that a parameter group may set: what its values may be and when a new one takes effect.
type Setting struct {
	Name     string
	Kind     Kind
	Unit     string   // what a number counts: "8kB", "kB", "MB", "B", "ms", "us", "s", "min", "%"; "" = nothing
	Min, Max float64  // of a number, in Unit; Max may be +Inf
	OrZero   bool     // 0 is taken below Min too: it switches off
	Values   []string // of a choice
	Since    int      // the engine's first major version that has it; 0 = all that the table is of
	Until    int      // the last; 0 = all
	Static   bool     // a new value takes effect at the next restart
	Formula  bool     // RDS computes {DBInstanceClassMemory/n} and the like
	Library  string   // must be in shared_preload_libraries
	Standby  Standby  // what it is to a replica
}

// Standby says how a setting concerns a replica.
type Standby int

// What a setting may be to a replica.
const (
	OnAnyServer   Standby = iota
	AtLeastOf             // a replica stops replaying when its value is below the primary's
	OnReplicaOnly         // has no effect on a primary
)

// In tells whether a major version of the engine has the setting.
func (s Setting) In(major int) bool { return major >= s.Since && (s.Until == 0 || major <= s.Until) }

// Check says what is wrong with a value on an instance; nil if nothing is.
func (s Setting) Check(value string, on Instance) error {
	switch s.Kind {
	case Choice:
		if !slices.Contains(s.Values, value) {
			return fmt.Errorf("is %q, want %s", value, s.Range())
		}
	case Letters:
		if strings.Trim(value, s.Values[0]) != "" {
			return fmt.Errorf("is %q, want %s", value, s.Range())
		}
	case Text:
		if strings.TrimSpace(value) == "" {
			return fmt.Errorf("is %q, want %s", value, s.Range())
		}
	default:
		return s.checkNumber(value, on)
	}
	return nil
}

// CheckForm is Check where the instance is not known: of a formula only the syntax is judged.
func (s Setting) CheckForm(value string) error {
	if s.Formula && IsFormula(value) {
		_, err := Evaluate(value, Instance{MemoryBytes: 1 << 33, VCPU: 2, StorageGiB: 100, Port: 5432})
		return err
	}
	return s.Check(value, Instance{})
}

func (s Setting) checkNumber(value string, on Instance) error {
	n, err := s.Number(value, on)
	if err != nil {
		return err
	}
	if s.OrZero && n == 0 {
		return nil
	}
	if s.Kind == Integer && n != math.Trunc(n) || n < s.Min || n > s.Max {
		return fmt.Errorf("is %s, want %s", value, s.Range())
	}
	return nil
}

// Range is the phrase for the values that Check takes.
func (s Setting) Range() string {
	switch s.Kind {
	case Choice:
		return "one of " + strings.Join(s.Values, ", ")
	case Letters:
		return "letters of " + s.Values[0]
	case Text:
		return "text"
	}
	text := number(s.Min) + " to " + number(s.Max)
	switch {
	case math.IsInf(s.Max, 1):
		text = "a number of at least " + number(s.Min)
		if s.Kind == Integer {
			text = "a whole number of at least " + number(s.Min)
		}
	case s.Kind == Integer:
		text = "a whole number from " + text
	}
	if s.OrZero {
		text = "0 or " + text
	}
	if s.Unit != "" {
		text += " (" + s.Unit + ")"
	}
	if s.Formula {
		text += " or a formula"
	}
	return text
}

// number is written out as far as anybody reads it.
func number(f float64) string {
	const long = 1e15
	if math.Abs(f) >= long {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// Number is the value of a number or, where the setting takes one, of a formula on an instance.
func (s Setting) Number(value string, on Instance) (float64, error) {
	if s.Formula && IsFormula(value) {
		text, err := Evaluate(value, on)
		if err != nil {
			return 0, err
		}
		value = text
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("is %q, want %s", value, s.Range())
	}
	return n, nil
}
