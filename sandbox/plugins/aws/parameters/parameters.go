// Package parameters knows the parameters of RDS parameter groups for PostgreSQL.
//
// Owns: the table (postgres.txt: names, units, ranges, when a change takes effect) and the arithmetic of values
// such as {DBInstanceClassMemory/32768}. Does not own: what a good value is.
package parameters

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed postgres.txt
var postgresText string

var postgres = mustParse(postgresText)

// Parameter is one row of the table.
type Parameter struct {
	Name    string
	Type    string   // integer, real, boolean, string or enum
	Min     float64  // of integer and real, in Unit
	Max     float64  //
	Values  []string // of enum
	Unit    string   // "8kB", "kB", "MB", "ms", "s", "B"; "" is none
	Static  bool     // takes effect at the next reboot only: apply method pending-reboot
	Library string   // must be in shared_preload_libraries; "" is none
}

// Lookup returns the parameter of that name.
func Lookup(name string) (Parameter, bool) {
	p, ok := postgres[name]
	return p, ok
}

// Names returns all names, sorted.
func Names() []string {
	names := make([]string, 0, len(postgres))
	for n := range postgres {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Check says what is wrong with a parameter's value; nil when RDS takes it. A formula is judged by its syntax only:
// what it gives depends on the instance class.
func (p Parameter) Check(value string) error {
	switch p.Type {
	case "boolean":
		if value != "0" && value != "1" {
			return fmt.Errorf("is %q, want 1 or 0", value)
		}
	case "enum":
		if !slices.Contains(p.Values, value) {
			return fmt.Errorf("is %q, want one of %s", value, strings.Join(p.Values, ", "))
		}
	case "integer", "real":
		return p.checkNumber(value)
	}
	return nil
}

func (p Parameter) checkNumber(value string) error {
	if IsFormula(value) {
		_, err := Evaluate(value, Class{MemoryBytes: 1 << 33, VCPU: 2, StorageGiB: 100, Port: 5432})
		return err
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("is %q, want a number%s without a unit suffix", value, p.inUnit())
	}
	if p.Type == "integer" && n != float64(int64(n)) {
		return fmt.Errorf("is %s, want a whole number%s", value, p.inUnit())
	}
	if n < p.Min || n > p.Max {
		return fmt.Errorf("is %s, want %s to %s%s", value, number(p.Min), number(p.Max), p.inUnit())
	}
	return nil
}

func (p Parameter) inUnit() string {
	if p.Unit == "" {
		return ""
	}
	return " (in " + p.Unit + ")"
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func mustParse(text string) map[string]Parameter {
	out := map[string]Parameter{}
	for n, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		p, err := parseRow(f)
		if err != nil {
			panic(fmt.Sprintf("postgres.txt:%d: %v", n+1, err)) // the embedded file is wrong: tests see it first
		}
		out[p.Name] = p
	}
	return out
}

// parseRow reads: name type range unit static|dynamic [library].
func parseRow(f []string) (Parameter, error) {
	if len(f) < 5 {
		return Parameter{}, fmt.Errorf("%d columns, want at least 5", len(f))
	}
	p := Parameter{Name: f[0], Type: f[1], Unit: f[3], Static: f[4] == "static"}
	if p.Unit == "-" {
		p.Unit = ""
	}
	if len(f) > 5 {
		p.Library = f[5]
	}
	switch p.Type {
	case "integer", "real":
		low, high, ok := strings.Cut(f[2], "..")
		if !ok {
			return Parameter{}, fmt.Errorf("the range is %q, want low..high", f[2])
		}
		var err error
		if p.Min, err = strconv.ParseFloat(low, 64); err != nil {
			return Parameter{}, err
		}
		if p.Max, err = strconv.ParseFloat(high, 64); err != nil {
			return Parameter{}, err
		}
	case "enum":
		p.Values = strings.Split(f[2], ",")
	}
	return p, nil
}
