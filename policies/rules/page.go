package rules

import (
	"fmt"
	"strings"
)

const pageHead = `# Policies

What the policy pack holds every stack to. This page is generated from the table in package ` + "`policies/rules`" + `
(` + "`go test ./policies -update`" + `); every rule there has a test that breaks production so and sees exactly this rule stop it.

- ` + "`pulumi preview --policy-pack policies`" + ` and ` + "`pulumi up --policy-pack policies`" + ` run it; ` + "`ragscale preview`" + ` and ` + "`ragscale up`" + ` have it built in.
- **mandatory** stops a preview or an update, **advisory** is reported, **off** is not looked for. The environment of
  the stack decides: ` + "`ragscale:environment`" + `.
- Thresholds are the stack's own objectives (` + "`ragscale:slo`" + `) wherever there is one; each rule names the origin of its own.
- What a preview does not know yet is undecided: no rule finds fault with it. The update decides.
- ` + "`ragscale policies list --stack prod`" + ` shows every rule with the level and the thresholds that a stack gives it, ` + "`--json`" + ` the same for machines.

## In a pipeline

Thresholds reach the pack with the stack's own configuration, which the engine hands to it: there is nothing to pass. A
run for one environment may change levels, and only levels, in a file of its own:

` + "```sh" + `
pulumi preview --stack prod --policy-pack policies --policy-pack-config levels.json
` + "```" + `

` + "```json" + `
{"rds-slow-statements": "advisory", "tags": {"enforcementLevel": "disabled"}}
` + "```" + `

| what happens | exit code |
|---|---|
| nothing, or advisory findings only | 0 |
| a mandatory finding | not 0; the report names rule, resource, what is, what is wanted, the fix |
| no such rule or key, an expired exemption, a stack without a configuration under ` + "`ragscale:`" + ` | not 0, before anything is planned |

## Exemptions

A rule that need not hold for a while is exempt in the stack's file, for one resource, with a reason and a last day:

` + "```yaml" + `
config:
  policies:exemptions:
    - rule: rds-multi-az
      resource: rag-prod # or a pattern such as rag-prod-*; "*" also covers what is about the stack as a whole
      reason: the standby is moved to another zone
      expires: 2027-01-31
` + "```" + `

Every run reports every exemption, also those that silence nothing. An exemption that has expired, or that names an
unknown rule or key, stops the pack before anything is planned.

## Remedies

Two faults are mended where they are found, for nothing can break by it; the engine reports each.

`

// Page is docs/policies.md.
func Page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, m := range Remedies() {
		fmt.Fprintf(&b, "- `%s`: %s\n", m.Name, m.Says)
	}
	b.WriteString("\n## Rules\n")
	var area Area
	for _, r := range All() {
		if r.Area != area {
			area = r.Area
			fmt.Fprintf(&b, "\n### The %s\n", area)
		}
		fmt.Fprintf(&b, "\n#### %s\n\n%s\n\n- Fix: %s\n- Origin: %s\n", r.Name, r.Says, r.Fix, r.Origin)
		fmt.Fprintf(&b, "- Level: production %s, development %s, local %s\n", r.Levels.Production, r.Levels.Development,
			r.Levels.Local)
	}
	return b.String()
}
