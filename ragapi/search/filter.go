package search

import (
	"encoding/json"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Condition is met by documents whose metadata has Value under Key, at the top, or a list with it.
type Condition struct {
	Key string
	// Value is a string. What could be a number, true or false is met by these, too; in double quotes it is a string only.
	Value string
}

// scalar is what is read as a number or a truth value. It is bounded: PostgreSQL writes numbers out with all their digits.
var scalar = regexp.MustCompile(`^(true|false|-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?)$`)

// alternatives are JSON objects, one of which is contained in the metadata that meets c.
func (c Condition) alternatives() ([]string, error) {
	value := norm.NFC.String(c.Value)
	values := []any{value}
	var quoted string
	if strings.HasPrefix(value, `"`) && json.Unmarshal([]byte(value), &quoted) == nil && !strings.Contains(quoted, "\x00") {
		values = []any{quoted}
	} else if scalar.MatchString(value) {
		values = append(values, json.RawMessage(value))
	}
	var objects []string
	for _, v := range values {
		for _, held := range []any{v, []any{v}} {
			object, err := json.Marshal(map[string]any{norm.NFC.String(c.Key): held})
			if err != nil {
				return nil, err
			}
			objects = append(objects, string(object))
		}
	}
	return objects, nil
}
