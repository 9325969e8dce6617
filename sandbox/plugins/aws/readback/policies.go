package readback

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// sameJSON is a document without white space, its keys in order.
func sameJSON(v resource.PropertyValue) (string, bool) {
	document, ok := decoded(v)
	if !ok {
		return "", false
	}
	return encoded(document), true
}

// sameRules is a lifecycle of images whose rules have their priority for an order.
func sameRules(v resource.PropertyValue) (string, bool) {
	document, ok := decoded(v)
	rules, isList := asObject(document)["rules"].([]any)
	if !ok || !isList {
		return "", false
	}
	for _, rule := range rules {
		selection := asObject(asObject(rule)["selection"])
		for _, key := range []string{"tagPrefixList", "tagPatternList"} {
			if tags, given := selection[key]; given {
				selection[key] = sameList(tags, false)
			}
		}
	}
	asObject(document)["rules"] = sorted(rules)
	return encoded(document), true
}

// samePolicy is a policy without what says nothing: order, one item as a list or not, an account or its root user.
// Source: https://github.com/hashicorp/awspolicyequivalence , as remembered 2026-11-30.
func samePolicy(v resource.PropertyValue) (string, bool) {
	document, ok := decoded(v)
	policy, isObject := document.(map[string]any)
	if !ok || !isObject {
		return "", false
	}
	statements, isList := policy["Statement"].([]any)
	if !isList {
		statements = []any{policy["Statement"]}
	}
	for i, s := range statements {
		statements[i] = sameStatement(s)
	}
	policy["Statement"] = sorted(statements)
	return encoded(policy), true
}

// sameStatement has a sorted list wherever there may be one.
func sameStatement(s any) any {
	statement, ok := s.(map[string]any)
	if !ok {
		return s
	}
	for _, key := range []string{"Action", "NotAction", "Resource", "NotResource"} {
		if v, given := statement[key]; given {
			statement[key] = sameList(v, strings.Contains(key, "Action"))
		}
	}
	for _, key := range []string{"Principal", "NotPrincipal"} {
		switch principals := statement[key].(type) {
		case string:
			statement[key] = map[string]any{"AWS": []any{principals}}
		case map[string]any:
			for kind, v := range principals {
				principals[kind] = sameList(v, false)
			}
		}
	}
	if conditions, ok := statement["Condition"].(map[string]any); ok {
		for _, operator := range conditions {
			for key, v := range asObject(operator) {
				asObject(operator)[key] = sameList(v, false)
			}
		}
	}
	return statement
}

func asObject(v any) map[string]any {
	object, _ := v.(map[string]any) // nil has no members
	return object
}

// sameList is a sorted list of what is one or a single item. Actions have no case.
func sameList(v any, anyCase bool) any {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
		if s, isText := item.(string); isText {
			if anyCase {
				s = strings.ToLower(s)
			}
			out[i] = rootOf(s)
		}
	}
	return sorted(out)
}

// rootOf is the ARN of an account's root user, of which the account's number is a short form.
func rootOf(s string) string {
	const digits = 12
	if len(s) == digits && strings.Trim(s, "0123456789") == "" {
		return "arn:aws:iam::" + s + ":root"
	}
	return s
}

func sorted(list []any) []any {
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(encoded(a), encoded(b)) })
	return list
}

// decoded is the document in a value, which is a text or, where the SDK takes one, an object.
func decoded(v resource.PropertyValue) (document any, ok bool) {
	switch {
	case v.IsString():
		return document, json.Unmarshal([]byte(v.StringValue()), &document) == nil
	case v.IsObject() && !v.ContainsUnknowns():
		raw, err := json.Marshal(v.Mappable())
		return document, err == nil && json.Unmarshal(raw, &document) == nil
	}
	return nil, false
}

// encoded is the JSON of what came from JSON: that cannot fail.
func encoded(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
