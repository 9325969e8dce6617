package search

import (
	"encoding/json"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/ragscale/ragscale/ragapi/text"
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
	value := text.Normal(c.Value)
	values := forms(value)
	var quoted string
	if strings.HasPrefix(value, `"`) && json.Unmarshal([]byte(value), &quoted) == nil && !strings.Contains(quoted, "\x00") {
		values = forms(quoted)
	} else if scalar.MatchString(value) {
		values = append(values, json.RawMessage(value))
	}
	var objects []string
	for _, key := range forms(text.Normal(c.Key)) {
		for _, v := range values {
			for _, held := range []any{v, []any{v}} {
				object, err := json.Marshal(map[string]any{key.(string): held})
				if err != nil {
					return nil, err
				}
				objects = append(objects, string(object))
			}
		}
	}
	return objects, nil
}

// forms are those in which a normal text may be kept: metadata is kept as it was sent, composed or taken apart.
func forms(normal string) []any {
	if apart := norm.NFD.String(normal); apart != normal {
		return []any{normal, apart}
	}
	return []any{normal}
}
