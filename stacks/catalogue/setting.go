package catalogue

import (
	"fmt"
	"math"
	"regexp"
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
	Choice  Kind = "choice" // one of Values; a boolean is 0 or 1
	Text    Kind = "text"   // anything that is not empty
)

// Setting is a parameter that a parameter group may set: what its values may be and when a new one takes effect.
type Setting struct {
	Name     string
	Kind     Kind
	Unit     string   // what a number counts: "8kB", "kB", "MB", "B", "ms", "us", "s", "%"; "" = nothing
	Min, Max float64  // of a number, in Unit
	OrZero   bool     // 0 is taken below Min too: it switches off
	Values   []string // of a choice
	Since    string   // the engine's first version that has it; "7" is 7 or older
	Static   bool     // a new value takes effect at the next restart
	Formula  bool     // RDS evaluates {DBInstanceClassMemory/n}
	Library  string   // must be in shared_preload_libraries
	Standby  Standby  // what it is to a replica
	Source   string   // where the engine's documentation describes it
}

// Standby says how a setting concerns a replica.
type Standby int

// What a setting may be to a replica.
const (
	OnAnyServer   Standby = iota
	AtLeastOf             // a replica stops replaying when its value is below the primary's
	OnReplicaOnly         // has no effect on a primary
)

// Check says what is wrong with a value: nil if nothing is. A formula is judged with the memory of a class.
func (s Setting) Check(value string, class DBClass) error {
	switch s.Kind {
	case Choice:
		if !slices.Contains(s.Values, value) {
			return fmt.Errorf("is %q, want %s", value, s.Range())
		}
	case Text:
		if strings.TrimSpace(value) == "" {
			return fmt.Errorf("is %q, want %s", value, s.Range())
		}
	default:
		return s.checkNumber(value, class)
	}
	return nil
}

func (s Setting) checkNumber(value string, class DBClass) error {
	n, err := s.Number(value, class)
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
	case Text:
		return "text"
	}
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	text := number(s.Min) + " to " + number(s.Max)
	if s.Kind == Integer {
		text = "a whole number from " + text
	}
	if s.OrZero {
		text = "0 or " + text
	}
	if s.Unit != "" {
		text += " (" + s.Unit + ")"
	}
	if s.Formula {
		text += " or {DBInstanceClassMemory/n}"
	}
	return text
}

var memoryFormula = regexp.MustCompile(`^\{DBInstanceClassMemory/([1-9][0-9]{0,11})\}$`)

// Number is the value of a number or, where the setting takes one, of a formula on a class: rounded down, as RDS does.
func (s Setting) Number(value string, class DBClass) (float64, error) {
	if parts := memoryFormula.FindStringSubmatch(value); s.Formula && parts != nil {
		divisor, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("is %q: %w", value, err)
		}
		return float64(class.ParameterMemory() / divisor), nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("is %q, want %s", value, s.Range())
	}
	return n, nil
}

func settings(tables ...[]Setting) map[string]Setting {
	byName := map[string]Setting{}
	for _, s := range slices.Concat(tables...) {
		byName[s.Name] = s
	}
	return byName
}
