package awsapi

import (
	"strconv"
	"strings"
)

// Account is what exists in the sandbox's AWS account.
type Account interface {
	// List returns the resources of a type, by its token: "aws:rds/instance:Instance".
	List(token string) ([]Resource, error)
}

// Resource is one of the account.
type Resource struct {
	ID     string
	Region string
	Ready  bool           // it is no more in the making
	State  map[string]any // properties as the provider names them; what is secret is ""
}

// at is the value at a path such as "vpcConfig.subnetIds" or "rules.0.id", nil where there is none.
func at(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (r Resource) str(path string) string {
	s, _ := at(r.State, path).(string) //nolint:errcheck // what is no text is none
	return s
}

func (r Resource) flag(path string) bool {
	b, _ := at(r.State, path).(bool) //nolint:errcheck // what is no truth value is false
	return b
}

func (r Resource) strings(path string) []string {
	list, _ := at(r.State, path).([]any) //nolint:errcheck // what is no list is empty
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (r Resource) texts(path string) map[string]string {
	all, _ := at(r.State, path).(map[string]any) //nolint:errcheck // what is no map is empty
	out := map[string]string{}
	for k, v := range all {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// elements makes elements of properties: "DBName=dbName Engine=engine". What the resource lacks has none.
func (r Resource) elements(pairs string) []element {
	var out []element
	for pair := range strings.FieldsSeq(pairs) {
		name, path, _ := strings.Cut(pair, "=")
		switch v := at(r.State, path).(type) {
		case string:
			if v != "" {
				out = append(out, el(name, v))
			}
		case float64:
			out = append(out, el(name, strconv.FormatFloat(v, 'f', -1, 64)))
		case bool:
			out = append(out, el(name, v))
		}
	}
	return out
}

// members is a list element of texts.
func members(name, each string, values []string) element {
	out := element{name: name}
	for _, v := range values {
		out.children = append(out.children, el(each, v))
	}
	return out
}
