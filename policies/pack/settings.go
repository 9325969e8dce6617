package pack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/stacks"
)

const (
	prefix = "policies:" // the pack's namespace in a stack file

	// ExemptionsKey is where a stack file lists what need not hold for a while.
	ExemptionsKey = prefix + "exemptions"

	platformPrefix = "ragscale:"
)

// Exemption says that a rule need not hold for some resources of a stack until a day.
type Exemption struct {
	Rule     string
	Resource string // name of the resource, or a pattern such as "rag-prod-*"
	Reason   string
	Expires  time.Time // the last day, UTC
}

// covers tells whether the exemption is for a finding of a rule. What is about the stack as a whole is covered by "*".
func (e Exemption) covers(rule string, f rules.Finding) bool {
	matched, err := path.Match(e.Resource, f.Name)
	return err == nil && matched && e.Rule == rule
}

// Settings is what the pack measures a stack against.
type Settings struct {
	Thresholds rules.Thresholds
	Exemptions []Exemption
}

// Read takes the settings from a stack's configuration, in the form that stacks.Parse takes. today decides which
// exemptions have expired. The error joins every fault of the configuration and of the exemptions.
func Read(stack string, values map[string]string, today time.Time) (Settings, error) {
	if !slices.ContainsFunc(slices.Collect(maps.Keys(values)),
		func(k string) bool { return strings.HasPrefix(k, platformPrefix) }) {
		return Settings{}, stacks.Fault{Path: "stack " + stack, Is: "says nothing under " + platformPrefix,
			Want: "the configuration of a ragscale stack: run the pack for one of its stacks"}
	}
	cfg, err := stacks.Parse(stack, values)
	errs := []error{err}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(key, prefix) && key != ExemptionsKey {
			errs = append(errs, stacks.Fault{Path: key, Is: "is no known key", Want: ExemptionsKey})
		}
	}
	exemptions, err := readExemptions(values[ExemptionsKey], today)
	if err := errors.Join(append(errs, err)...); err != nil {
		return Settings{}, err
	}
	return Settings{Thresholds: rules.For(cfg), Exemptions: exemptions}, nil
}

// everyPolicy is the name under which the engine takes a level for all policies.
const everyPolicy = "all"

// checkLevels refuses what --policy-pack-config may not say: policies that there are not, and anything but levels.
func checkLevels(config map[string]*pulumirpc.PolicyConfig) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(config)) {
		if name != everyPolicy && !isPolicy(name) {
			errs = append(errs, stacks.Fault{Path: "policy " + name, Is: "is none of this pack",
				Want: "a rule of docs/policies.md, or " + everyPolicy})
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(config[name].GetProperties().GetFields())) {
			errs = append(errs, stacks.Fault{Path: "policy " + name + "." + key, Is: "is no known key",
				Want: "enforcementLevel: thresholds are in the stack's file, under " + platformPrefix})
		}
	}
	return errors.Join(errs...)
}

func isPolicy(name string) bool {
	_, isRule := rules.Named(name)
	isRemedy := slices.ContainsFunc(rules.Remedies(), func(m rules.Remedy) bool { return m.Name == name })
	return isRule || isRemedy || name == exemptionsPolicy
}

func readExemptions(text string, today time.Time) ([]Exemption, error) {
	if text == "" {
		return nil, nil
	}
	var entries []map[string]string
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, stacks.Fault{Path: ExemptionsKey, Is: "is no list of objects with texts", Want: "entries with " +
			strings.Join(exemptionKeys, ", ")}
	}
	var all []Exemption
	var errs []error
	for i, entry := range entries {
		e, err := readExemption(fmt.Sprintf("%s[%d]", ExemptionsKey, i), entry, today)
		all, errs = append(all, e), append(errs, err)
	}
	return all, errors.Join(errs...)
}

var exemptionKeys = []string{"rule", "resource", "reason", "expires"}

func readExemption(at string, entry map[string]string, today time.Time) (Exemption, error) {
	var errs []error
	fault := func(key, is, want string) {
		errs = append(errs, stacks.Fault{Path: at + "." + key, Is: is, Want: want})
	}
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		if !slices.Contains(exemptionKeys, key) {
			fault(key, "is no known key", "one of "+strings.Join(exemptionKeys, ", "))
		}
	}
	for _, key := range exemptionKeys {
		if strings.TrimSpace(entry[key]) == "" {
			fault(key, "is not set", wantOf[key])
		}
	}
	e := Exemption{Rule: entry["rule"], Resource: entry["resource"], Reason: entry["reason"]}
	if _, known := rules.Named(e.Rule); !known && e.Rule != "" {
		fault("rule", fmt.Sprintf("is %q", e.Rule), wantOf["rule"])
	}
	if _, err := path.Match(e.Resource, ""); err != nil {
		fault("resource", fmt.Sprintf("is %q", e.Resource), wantOf["resource"])
	}
	day, err := time.Parse(time.DateOnly, entry["expires"])
	switch {
	case entry["expires"] == "":
	case err != nil:
		fault("expires", fmt.Sprintf("is %q", entry["expires"]), wantOf["expires"])
	case !today.UTC().Before(day.AddDate(0, 0, 1)):
		fault("expires", "was "+entry["expires"], "a day to come: mend the stack or renew the exemption with its reason")
	}
	e.Expires = day
	return e, errors.Join(errs...)
}

var wantOf = map[string]string{
	"rule":     "a rule of the pack: docs/policies.md lists them",
	"resource": `the name of a resource or a pattern such as "rag-prod-*"`,
	"reason":   "why the rule need not hold",
	"expires":  "the last day, such as 2027-01-31",
}
