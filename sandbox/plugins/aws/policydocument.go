package aws

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// statement is a statement of an IAM policy in the order of keys that AWS's consoles show.
type statement struct {
	Sid          string                    `json:"Sid,omitempty"`
	Effect       string                    `json:"Effect"`
	Action       any                       `json:"Action,omitempty"`
	NotAction    any                       `json:"NotAction,omitempty"`
	Resource     any                       `json:"Resource,omitempty"`
	NotResource  any                       `json:"NotResource,omitempty"`
	Principal    any                       `json:"Principal,omitempty"`
	NotPrincipal any                       `json:"NotPrincipal,omitempty"`
	Condition    map[string]map[string]any `json:"Condition,omitempty"`
}

type document struct {
	Version   string      `json:"Version"`
	ID        string      `json:"Id,omitempty"`
	Statement []statement `json:"Statement"`
}

// policyDocument renders an IAM policy. Source documents come first; a statement with the Sid of an earlier one
// replaces it.
func policyDocument(_ *Provider, args resource.PropertyMap) (map[string]any, error) {
	doc := document{Version: "2012-10-17", ID: props.Str(args, "policyId"), Statement: []statement{}}
	if v := props.Str(args, "version"); v != "" {
		doc.Version = v
	}
	if err := doc.merge(props.Strings(args, "sourcePolicyDocuments")); err != nil {
		return nil, err
	}
	for _, s := range props.Objects(args, "statements") {
		doc.add(renderStatement(s))
	}
	if err := doc.merge(props.Strings(args, "overridePolicyDocuments")); err != nil {
		return nil, err
	}
	pretty, err := encode(doc, "  ")
	if err != nil {
		return nil, err
	}
	minified, err := encode(doc, "")
	return map[string]any{"id": doc.ID, "version": doc.Version, "json": pretty, "minifiedJson": minified}, err
}

// encode is JSON without HTML escapes: ARNs may hold & and <.
func encode(doc document, indent string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(doc)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func (d *document) merge(sources []string) error {
	for _, source := range sources {
		var other document
		if err := json.Unmarshal([]byte(source), &other); err != nil {
			return err
		}
		for _, s := range other.Statement {
			d.add(s)
		}
	}
	return nil
}

func (d *document) add(s statement) {
	if i := slices.IndexFunc(d.Statement, func(o statement) bool { return s.Sid != "" && o.Sid == s.Sid }); i >= 0 {
		d.Statement[i] = s
		return
	}
	d.Statement = append(d.Statement, s)
}

func renderStatement(m resource.PropertyMap) statement {
	s := statement{
		Sid: props.Str(m, "sid"), Effect: props.Str(m, "effect"),
		Action: oneOrMany(props.Strings(m, "actions")), NotAction: oneOrMany(props.Strings(m, "notActions")),
		Resource: oneOrMany(props.Strings(m, "resources")), NotResource: oneOrMany(props.Strings(m, "notResources")),
		Principal: principals(m, "principals"), NotPrincipal: principals(m, "notPrincipals"),
	}
	if s.Effect == "" {
		s.Effect = "Allow"
	}
	s.Condition = conditions(m)
	return s
}

// conditions are tests, each with its variables and their values; the values of a pair given twice are joined.
func conditions(m resource.PropertyMap) map[string]map[string]any {
	type pair struct{ test, variable string }
	values := map[pair][]string{}
	for _, c := range props.Objects(m, "conditions") {
		key := pair{props.Str(c, "test"), props.Str(c, "variable")}
		values[key] = append(values[key], props.Strings(c, "values")...)
	}
	out := map[string]map[string]any{}
	for key, list := range values {
		if out[key.test] == nil {
			out[key.test] = map[string]any{}
		}
		out[key.test][key.variable] = oneOrMany(list)
	}
	return out
}

// oneOrMany is a lone text as itself, several as a sorted list, none as nothing.
func oneOrMany(list []string) any {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	sorted := slices.Sorted(slices.Values(list))
	return slices.Compact(sorted)
}

func principals(m resource.PropertyMap, key string) any {
	byType := map[string][]string{}
	for _, p := range props.Objects(m, key) {
		kind := props.Str(p, "type")
		byType[kind] = append(byType[kind], props.Strings(p, "identifiers")...)
	}
	if slices.Equal(byType["*"], []string{"*"}) {
		return "*"
	}
	out := map[string]any{}
	for kind, ids := range byType {
		out[kind] = oneOrMany(ids)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
