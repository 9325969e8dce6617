package rules

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

//go:embed required.txt
var requiredText string

//go:embed replace.txt
var replaceText string

var (
	requiredPaths = table(requiredText)
	replacePaths  = table(replaceText)
)

// table reads lines "token path path…".
func table(text string) map[string][]string {
	out := map[string][]string{}
	for _, line := range strings.Split(text, "\n") {
		if f := strings.Fields(line); len(f) > 1 && !strings.HasPrefix(line, "#") {
			out[f[0]] = append(out[f[0]], f[1:]...)
		}
	}
	return out
}

// Replaces says whether AWS cannot change the property in place. path has no list indices; what lies below a path of
// the table counts too.
func Replaces(token, path string) bool {
	for _, p := range replacePaths[token] {
		if path == p || strings.HasPrefix(path, p+".") {
			return true
		}
	}
	return false
}

// required checks the lists and maps that must be there when the object around them is.
func required(c *check) {
	for _, path := range requiredPaths[c.Type] {
		c.requireIn("", c.Inputs, path)
	}
}

func (c *check) requireIn(at string, m resource.PropertyMap, path string) {
	head, rest, inList := strings.Cut(path, "[].")
	if inList {
		for i, e := range props.Objects(m, head) {
			c.requireIn(fmt.Sprintf("%s%s[%d].", at, head, i), e, rest)
		}
		return
	}
	object, name := m, path
	if i := strings.LastIndex(path, "."); i >= 0 {
		object, name = props.Object(m, path[:i]), path[i+1:]
	}
	if object == nil {
		return
	}
	v, known := props.Plain(object[resource.PropertyKey(name)])
	if known && (v.IsNull() || v.IsArray() && len(v.ArrayValue()) == 0) {
		c.fail(at+path, "missing, want at least one")
	}
}
