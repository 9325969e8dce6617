package s3

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// allowed says whether the caller may do action on key, by the bucket's policy: whom it denies is out. The account's own
// principals are in otherwise, since what IAM lets them do is not imitated here; a stranger needs to be let in.
func (q *request) allowed(action, key string) error {
	if action == "" {
		return nil
	}
	p, err := readPolicy(q.setting.Policy)
	if err != nil {
		return err
	}
	resource := "arn:aws:s3:::" + q.bucket
	if key != "" {
		resource += "/" + key
	}
	allow := q.caller != nil
	for _, st := range p.Statement {
		if !st.concerns(action, resource) || !st.principal(q) || !st.holds(q) {
			continue
		}
		if st.Effect == "Deny" {
			return errDenied
		}
		allow = allow || !q.setting.Restricted
	}
	if !allow {
		return errDenied
	}
	return nil
}

// policy is a bucket's policy.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html ; read 2026-11-30.
type policy struct{ Statement many[statement] }

type statement struct {
	Effect       string
	Principal    principals
	NotPrincipal principals
	Action       many[string]
	NotAction    many[string]
	Resource     many[string]
	NotResource  many[string]
	Condition    map[string]map[string]many[value]
}

// many is one value or a list of them.
type many[T any] []T

func (m *many[T]) UnmarshalJSON(raw []byte) error {
	var list []T
	if json.Unmarshal(raw, &list) == nil {
		*m = list
		return nil
	}
	var one T
	err := json.Unmarshal(raw, &one)
	*m = many[T]{one}
	return err
}

// value is a text, a number or a truth value, as text.
type value string

func (v *value) UnmarshalJSON(raw []byte) error {
	var plain any
	err := json.Unmarshal(raw, &plain)
	*v = value(fmt.Sprint(plain))
	return err
}

// principals are by kind: AWS, Service and so on. "*" alone is everybody.
type principals map[string]many[string]

func (p *principals) UnmarshalJSON(raw []byte) error {
	var all string
	if json.Unmarshal(raw, &all) == nil {
		*p = principals{"AWS": {all}}
		return nil
	}
	var kinds map[string]many[string]
	err := json.Unmarshal(raw, &kinds)
	*p = kinds
	return err
}

func readPolicy(text string) (policy, error) {
	var p policy
	if text == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("the bucket's policy: %w", err)
	}
	return p, nil
}

// concerns says whether a statement is about an action on a resource.
func (st statement) concerns(action, resource string) bool {
	matches := func(patterns many[string], name string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return like(p, name) })
	}
	lower := strings.ToLower(action)
	actions := func(patterns many[string]) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return like(strings.ToLower(p), lower) })
	}
	about := actions(st.Action) || len(st.NotAction) > 0 && !actions(st.NotAction)
	return about && (matches(st.Resource, resource) || len(st.NotResource) > 0 && !matches(st.NotResource, resource))
}

// principal says whether a statement is about the caller. Services are none: no service calls here.
func (st statement) principal(q *request) bool {
	if len(st.NotPrincipal) > 0 {
		return !names(st.NotPrincipal["AWS"], q.arn())
	}
	return names(st.Principal["AWS"], q.arn())
}

// names says whether principals name one: by ARN, by account, or as everybody.
func names(all many[string], arn string) bool {
	account, role := accountOf(arn), roleOf(arn)
	return slices.ContainsFunc(all, func(p string) bool {
		return p == "*" || arn != "" && (p == arn || p == role || p == account || p == "arn:aws:iam::"+account+":root")
	})
}

// roleOf is the role of a session, "" for any other principal: policies name roles, and requests come from sessions.
func roleOf(arn string) string {
	name, ok := strings.CutPrefix(arn, "arn:aws:sts::"+accountOf(arn)+":assumed-role/")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, "/")
	return "arn:aws:iam::" + accountOf(arn) + ":role/" + name
}

func (q *request) arn() string {
	if q.caller == nil {
		return ""
	}
	return q.caller.ARN
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// holds says whether the conditions of a statement do. One that is not known here does for a Deny, not for an Allow.
func (st statement) holds(q *request) bool {
	for operator, keys := range st.Condition {
		base, ifExists := strings.CutSuffix(operator, "IfExists")
		compare, known := operators[base]
		if !known {
			return st.Effect == "Deny"
		}
		for key, wanted := range keys {
			got, present := q.context(key)
			if !present && ifExists {
				continue
			}
			if !compare(got, present, wanted) {
				return false
			}
		}
	}
	return true
}

// context is the value of a condition key.
func (q *request) context(key string) (string, bool) {
	switch strings.ToLower(key) {
	case "aws:securetransport":
		return fmt.Sprint(q.TLS != nil), true
	case "aws:principalarn":
		return q.arn(), q.caller != nil
	case "aws:principalaccount":
		return accountOf(q.arn()), q.caller != nil
	case "s3:prefix", "s3:delimiter", "s3:max-keys":
		name := strings.TrimPrefix(strings.ToLower(key), "s3:")
		return q.query.Get(name), q.query.Has(name)
	case "s3:versionid":
		return q.query.Get("versionId"), q.query.Has("versionId")
	}
	if header, ok := strings.CutPrefix(strings.ToLower(key), "s3:x-amz-"); ok {
		name := http.CanonicalHeaderKey("x-amz-" + header)
		return q.Header.Get(name), len(q.Header[name]) > 0
	}
	return "", false
}

// comparison says whether what a request has is what a policy wants.
type comparison func(got string, present bool, wanted many[value]) bool

func positive(same func(want, got string) bool) comparison {
	return func(got string, present bool, wanted many[value]) bool {
		return present && slices.ContainsFunc(wanted, func(w value) bool { return same(string(w), got) })
	}
}

func negative(same func(want, got string) bool) comparison {
	return func(got string, present bool, wanted many[value]) bool { return !positive(same)(got, present, wanted) }
}

func exactly(want, got string) bool { return want == got }

var operators = map[string]comparison{
	"Bool":                      positive(strings.EqualFold),
	"StringEquals":              positive(exactly),
	"StringNotEquals":           negative(exactly),
	"StringEqualsIgnoreCase":    positive(strings.EqualFold),
	"StringNotEqualsIgnoreCase": negative(strings.EqualFold),
	"StringLike":                positive(like),
	"StringNotLike":             negative(like),
	"ArnEquals":                 positive(like),
	"ArnLike":                   positive(like),
	"ArnNotEquals":              negative(like),
	"ArnNotLike":                negative(like),
	"Null": func(_ string, present bool, wanted many[value]) bool {
		return slices.ContainsFunc(wanted, func(w value) bool { return strings.EqualFold(string(w), fmt.Sprint(!present)) })
	},
}

// like says whether a text fits a pattern of * and ?.
func like(pattern, text string) bool {
	// path.Match stops * at a slash, and policies do not: neither side has one for it.
	hide := strings.NewReplacer("/", "\x00", "[", "\x01", "\\", "\x02")
	ok, err := path.Match(hide.Replace(pattern), hide.Replace(text))
	return err == nil && ok
}
