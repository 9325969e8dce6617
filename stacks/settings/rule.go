// Package settings reads a configuration strictly into Go structs and tells every fault at once, each with its path.
//
// Owns: faults, strict JSON, the struct tags json and rule, decoding over defaults, spelling. Does not
// own: which keys there are, what they mean together, the forms of text (they come in through Vocabulary).
package settings

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Rule is what a field's rule tag says, as words separated by spaces: min=, max= bound a number, by a figure or one of
// the vocabulary's limits; one=a|b|c enumerates, of= names one of its lists; match= names a form of text; keys= names
// the form of a map's keys; minItems=, maxItems= bound lists and maps; required = an object must say it, there is no
// default. In a list or map, min, max, one and match speak of the elements.
type Rule struct {
	Min, Max           float64
	Bounded            bool
	One                []string
	Match, Keys        string
	MinItems, MaxItems int // MaxItems 0 = no bound
	Required           bool

	words *Vocabulary
}

// Vocabulary is what rules name.
type Vocabulary struct {
	Forms  map[string]Form
	Limits map[string]float64
	Lists  map[string][]string
}

func (v *Vocabulary) rule(field reflect.StructField) Rule {
	r := Rule{words: v}
	for word := range strings.FieldsSeq(field.Tag.Get("rule")) {
		name, value, _ := strings.Cut(word, "=")
		number := v.figure(value)
		switch name {
		case "min":
			r.Min, r.Bounded = number, true
		case "max":
			r.Max = number
		case "one":
			r.One = strings.Split(value, "|")
		case "of":
			r.One = v.Lists[value]
		case "match":
			r.Match = value
		case "keys":
			r.Keys = value
		case "minItems":
			r.MinItems = int(number)
		case "maxItems":
			r.MaxItems = int(number)
		case "required":
			r.Required = true
		}
	}
	return r
}

// figure is a number or one of the limits; 0 for any other word.
func (v *Vocabulary) figure(text string) float64 {
	if limit, named := v.Limits[text]; named {
		return limit
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return number
}

// Form is a form of text: a regular expression, a phrase for it, and, where an expression does not suffice, a check.
type Form struct {
	Pattern func() *regexp.Regexp // compiled when first used: every start of every binary would pay for all (15 ms)
	Want    string
	Check   func(text string) error
}

// Pattern is the form of an expression.
func Pattern(expression, want string) Form {
	return Form{Pattern: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + expression + `)$`) }),
		Want: want}
}

// Form is the form that match= or keys= name.
func (r Rule) Form(name string) Form {
	if r.words == nil {
		return Form{}
	}
	return r.words.Forms[name]
}

// Keyed is the rule of a map's keys.
func (r Rule) Keyed() Rule { return Rule{Match: r.Keys, words: r.words} }

// fault says what is wrong with text; fine = true if nothing is. want is the form's phrase or the list in the check's
// error.
func (f Form) fault(text string) (want string, fine bool) {
	if f.Pattern != nil && !f.Pattern().MatchString(text) {
		return f.Want, false
	}
	if f.Check == nil {
		return "", true
	}
	err := f.Check(text)
	if err == nil {
		return "", true
	}
	if _, listed, found := strings.Cut(err.Error(), ", want "); found {
		return listed, false
	}
	return f.Want, false
}

// quantity is a type written as text with a unit, which has a phrase for what it takes.
type quantity interface{ Want() string }

// Want is the phrase for the values a type takes under the rule: what faults and the reference page say.
func (r Rule) Want(t reflect.Type) string {
	if q, isQuantity := reflect.Zero(t).Interface().(quantity); isQuantity {
		return q.Want()
	}
	if len(r.One) > 0 {
		return "one of " + Join(r.One)
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number from " + r.bounds()
	case reflect.Float64:
		return "a number from " + r.bounds()
	case reflect.Slice:
		return "a list" + r.items()
	case reflect.Map:
		return "an object" + r.items()
	case reflect.Struct:
		return "an object"
	}
	return r.Form(r.Match).Want
}

func (r Rule) bounds() string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return number(r.Min) + " to " + number(r.Max)
}

func (r Rule) items() string {
	switch {
	case r.MinItems > 0 && r.MaxItems > 0:
		return fmt.Sprintf(" of %d to %d entries", r.MinItems, r.MaxItems)
	case r.MaxItems > 0:
		return fmt.Sprintf(" of at most %d entries", r.MaxItems)
	}
	return ""
}

// allows reports whether text is among those enumerated.
func (r Rule) allows(text string) bool { return len(r.One) == 0 || slices.Contains(r.One, text) }
