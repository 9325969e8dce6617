package rules

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func role(c *check) {
	c.within("maxSessionDuration", 3600, 43200)
}

// Limits in characters; managed policies are counted without white space.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length ;
// read 2026-11-23; of a key's policy: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html ; read 2026-11-30.
var policySizes = map[string]int{
	"aws:iam/policy:Policy": 6144, "aws:iam/rolePolicy:RolePolicy": 10240, "aws:iam/role:Role": 2048, "aws:kms/key:Key": 32768,
}

// policy checks a policy document. One of a resource (a role's trust, a key's policy) names principals.
// As remembered; to settle: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
func policy(path string, ofResource bool) func(*check) {
	return func(c *check) {
		text, ok := c.document(path)
		if !ok {
			return
		}
		d := policyCheck{check: c, path: path, ofResource: ofResource, trust: path == "assumeRolePolicy"}
		d.judge(text)
	}
}

// document is the policy's text: the program gives a text or an object.
func (c *check) document(path string) (string, bool) {
	v, known := props.Plain(props.Get(c.Inputs, path))
	switch {
	case !known || v.IsNull():
		return "", false
	case v.IsString():
		return v.StringValue(), true
	case v.IsObject() && !v.ContainsUnknowns():
		raw, err := json.Marshal(v.Mappable())
		return string(raw), err == nil
	}
	return "", false
}

type policyCheck struct {
	*check
	path       string
	ofResource bool
	trust      bool
}

func (d *policyCheck) judge(text string) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		d.fail(d.path, "is no JSON object (MalformedPolicyDocument): %v", err)
		return
	}
	if size, limit := compactSize(text), policySizes[d.Type]; limit > 0 && size > limit {
		d.fail(d.path, "has %d characters, want at most %d (LimitExceeded)", size, limit)
	}
	for k := range doc {
		if !slices.Contains([]string{"Version", "Id", "Statement"}, k) {
			d.fail(d.path, "has the key %q, want Version, Id, Statement", k)
		}
	}
	if v, ok := doc["Version"]; ok && v != "2012-10-17" && v != "2008-10-17" {
		d.fail(d.path, "has Version %v, want 2012-10-17", v)
	}
	d.statements(asList(doc["Statement"]))
}

func (d *policyCheck) statements(statements []any) {
	if len(statements) == 0 {
		d.fail(d.path, "has no Statement, want at least one")
	}
	for i, s := range statements {
		at := fmt.Sprintf("Statement[%d]", i)
		m, ok := s.(map[string]any)
		if !ok {
			d.fail(d.path, "%s is no object", at)
			continue
		}
		d.statement(at, m)
	}
}

func compactSize(text string) int {
	return len(strings.NewReplacer(" ", "", "\n", "", "\t", "", "\r", "").Replace(text))
}

var (
	statementKeys = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	actionForm    = regexp.MustCompile(`^(\*|[a-z0-9-]+:[A-Za-z0-9*?_-]+)$`)
	sidForm       = regexp.MustCompile(`^[A-Za-z0-9]*$`)
)

func (d *policyCheck) statement(at string, s map[string]any) {
	for k := range s {
		if !slices.Contains(statementKeys, k) {
			d.fail(d.path, "%s has the key %q, want some of %s", at, k, strings.Join(statementKeys, ", "))
		}
	}
	if e := s["Effect"]; e != "Allow" && e != "Deny" {
		d.fail(d.path, "%s has Effect %v, want Allow or Deny", at, e)
	}
	if sid, ok := s["Sid"].(string); ok && !d.ofResource && !sidForm.MatchString(sid) {
		d.fail(d.path, "%s has Sid %q, want letters and digits", at, sid)
	}
	d.actions(at, s)
	d.principals(at, s)
	d.resources(at, s)
	if cond, ok := s["Condition"]; ok {
		if _, isObject := cond.(map[string]any); !isObject {
			d.fail(d.path, "%s has a Condition that is no object", at)
		}
	}
}

func (d *policyCheck) actions(at string, s map[string]any) {
	d.one(at, s, "Action", "NotAction")
	for _, a := range append(asList(s["Action"]), asList(s["NotAction"])...) {
		if text, ok := a.(string); !ok || !actionForm.MatchString(text) {
			d.fail(d.path, "%s has the action %v, want service:Action or *", at, a)
		}
	}
}

func (d *policyCheck) principals(at string, s map[string]any) {
	if d.ofResource {
		d.one(at, s, "Principal", "NotPrincipal")
	} else if s["Principal"] != nil || s["NotPrincipal"] != nil {
		d.fail(d.path, "%s has a Principal, want none in the policy of an identity", at)
	}
}

func (d *policyCheck) resources(at string, s map[string]any) {
	if d.trust {
		if s["Resource"] != nil || s["NotResource"] != nil {
			d.fail(d.path, "%s has a Resource, want none in a role's trust policy", at)
		}
		return
	}
	d.one(at, s, "Resource", "NotResource")
	for _, r := range append(asList(s["Resource"]), asList(s["NotResource"])...) {
		text, ok := r.(string)
		if !ok || text != "*" && !strings.HasPrefix(text, "arn:") {
			d.fail(d.path, "%s has the resource %v, want an ARN or *", at, r)
		}
	}
}

func (d *policyCheck) one(at string, s map[string]any, a, b string) {
	if (s[a] == nil) == (s[b] == nil) {
		d.fail(d.path, "%s wants exactly one of %s and %s", at, a, b)
	}
}

// asList is a list as it is, nothing as no element, anything else as one element.
func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}
