package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// What the text says in place of values that it cannot or must not show.
const (
	Secret  = "[secret]"
	Unknown = "[unknown]"
)

// Text is the resource as stable text: a paragraph, inputs sorted by name. Strings that hold JSON are shown as JSON,
// secrets as [secret], values not known in a preview as [unknown].
func (r Resource) Text() string {
	var b strings.Builder
	r.write(&b)
	return b.String()
}

func (r Resource) write(b *strings.Builder) {
	fmt.Fprintln(b, r.Path)
	option := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "  (%s: %s)\n", name, value)
		}
	}
	flag := func(name string, set bool) {
		if set {
			fmt.Fprintf(b, "  (%s)\n", name)
		}
	}
	option("provider", r.Provider)
	flag("protect", r.Protect)
	flag("retain on delete", r.RetainOnDelete)
	flag("delete before replace", r.DeleteBeforeReplace)
	option("deleted with", r.DeletedWith)
	option("ignore changes", strings.Join(r.IgnoreChanges, ", "))
	option("replace on changes", strings.Join(r.ReplaceOnChanges, ", "))
	option("timeouts", r.Timeouts)
	for _, d := range r.DependsOn {
		option("after", d)
	}
	writeObject(b, r.Inputs, "  ")
}

func writeObject(b *strings.Builder, m resource.PropertyMap, indent string) {
	for _, k := range m.StableKeys() {
		if strings.HasPrefix(string(k), "__") {
			continue // __defaults and the like are the engine's
		}
		b.WriteString(indent + string(k) + ":")
		writeValue(b, m[k], indent)
	}
}

func writeValue(b *strings.Builder, v resource.PropertyValue, indent string) {
	switch {
	case v.IsSecret():
		fmt.Fprintln(b, " "+Secret)
	case v.IsComputed(), v.IsOutput():
		fmt.Fprintln(b, " "+Unknown)
	case v.IsObject() && len(v.ObjectValue()) > 0:
		fmt.Fprintln(b)
		writeObject(b, v.ObjectValue(), indent+"  ")
	case v.IsArray() && len(v.ArrayValue()) > 0:
		fmt.Fprintln(b)
		for _, e := range v.ArrayValue() {
			b.WriteString(indent + "  -")
			writeValue(b, e, indent+"  ")
		}
	case v.IsString():
		writeString(b, v.StringValue(), indent)
	default:
		fmt.Fprintln(b, " "+scalar(v))
	}
}

// writeString shows JSON documents and texts of several lines as blocks.
func writeString(b *strings.Builder, s, indent string) {
	block := s
	if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		var pretty bytes.Buffer
		if json.Indent(&pretty, []byte(s), "", "  ") == nil {
			block = pretty.String()
		}
	}
	if !strings.Contains(block, "\n") {
		fmt.Fprintf(b, " %q\n", s)
		return
	}
	fmt.Fprintln(b, " |")
	for line := range strings.Lines(block) {
		fmt.Fprintln(b, indent+"    "+strings.TrimRight(line, "\n"))
	}
}

func scalar(v resource.PropertyValue) string {
	switch {
	case v.IsNull():
		return "null"
	case v.IsObject():
		return "{}"
	case v.IsArray():
		return "[]"
	case v.IsBool(), v.IsNumber():
		return fmt.Sprint(v.V)
	default:
		return fmt.Sprintf("<%s>", v.TypeString())
	}
}
