package readback

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

//go:embed forms.txt
var formsText string

var forms = mustParse(formsText)

// spelling writes a value as the provider compares it; ok is false for a value that has no such form.
type spelling func(resource.PropertyValue) (same string, ok bool)

var spellings = map[string]spelling{
	"lower":    text(strings.ToLower),
	"upper":    text(strings.ToUpper),
	"protocol": text(protocolName),
	"key":      text(keyID),
	"json":     sameJSON,
	"policy":   samePolicy,
	"rules":    sameRules,
}

// comparison is how the provider compares a type's properties, by path without indices.
type comparison struct {
	sets, keeps map[string]bool
	spelt       map[string]spelling
}

func mustParse(text string) map[string]comparison {
	table, err := parse(text)
	if err != nil {
		panic(err) // the embedded file is wrong: the package's tests see it first
	}
	return table
}

func parse(text string) (map[string]comparison, error) {
	table, token := map[string]comparison{}, ""
	for n, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, " "):
			token = words[0]
			if _, twice := table[token]; twice || len(words) < 2 {
				return nil, fmt.Errorf("forms.txt:%d: %q, want a type that is not there yet, and its source", n+1, line)
			}
			table[token] = comparison{sets: map[string]bool{}, keeps: map[string]bool{}, spelt: map[string]spelling{}}
		default:
			if err := table[token].add(words[0], words[1:]); err != nil {
				return nil, fmt.Errorf("forms.txt:%d: %w", n+1, err)
			}
		}
	}
	return table, nil
}

func (c comparison) add(form string, paths []string) error {
	for _, path := range paths {
		switch {
		case form == "set":
			c.sets[path] = true
		case form == "keeps":
			c.keeps[path] = true
		case spellings[form] != nil:
			c.spelt[path] = spellings[form]
		default:
			return fmt.Errorf("%q is no form", form)
		}
	}
	return nil
}

// text is the spelling of what is a text.
func text(same func(string) string) spelling {
	return func(v resource.PropertyValue) (string, bool) {
		if !v.IsString() {
			return "", false
		}
		return same(v.StringValue()), true
	}
}

// keyID is the id of a KMS key, of which an ARN is the end.
func keyID(s string) string {
	_, id, isARN := strings.Cut(s, ":key/")
	if isARN {
		return id
	}
	return s
}

// protocolName is the name of a protocol that EC2 knows by number.
// Source: IpPermission of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html ; read 2026-11-23.
func protocolName(s string) string {
	names := map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}
	if name, numbered := names[strings.ToLower(s)]; numbered {
		return name
	}
	return strings.ToLower(s)
}
