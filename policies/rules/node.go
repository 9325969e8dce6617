package rules

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Node is one place in a resource's inputs. What is there is a value, nothing, or not known yet in a preview.
type Node struct {
	Path    string // "spec.template.spec.containers[0]"
	value   property.Value
	present bool
}

// At goes down the members of objects. Below an absent value everything is absent, below an unknown one unknown.
func (n Node) At(members ...string) Node {
	for _, m := range members {
		n = n.member(m)
	}
	return n
}

func (n Node) member(name string) Node {
	path := name
	if n.Path != "" {
		path = n.Path + "." + name
	}
	if n.Unknown() {
		return Node{Path: path, value: n.value, present: true}
	}
	if !n.value.IsMap() {
		return Node{Path: path}
	}
	v, present := n.value.AsMap().GetOk(name)
	v = v.WithSecret(v.Secret() || n.value.Secret())
	return Node{Path: path, value: v, present: present && !v.IsNull()}
}

// Each is the elements of a list; none when it is absent or unknown.
func (n Node) Each() []Node {
	if !n.value.IsArray() {
		return nil
	}
	var all []Node
	for i, v := range n.value.AsArray().All {
		v = v.WithSecret(v.Secret() || n.value.Secret())
		all = append(all, Node{Path: fmt.Sprintf("%s[%d]", n.Path, i), value: v, present: !v.IsNull()})
	}
	return all
}

// Members is the entries of an object by name; none when it is absent or unknown.
func (n Node) Members() map[string]Node {
	if !n.value.IsMap() {
		return nil
	}
	all := map[string]Node{}
	for name := range n.value.AsMap().All {
		all[name] = n.member(name)
	}
	return all
}

// Unknown tells that the value will be known after the update only.
func (n Node) Unknown() bool { return n.value.IsComputed() }

// Undecided tells that the value or a part of it is unknown, so that what is missing in it may yet be there.
func (n Node) Undecided() bool { return n.value.HasComputed() }

// Absent tells that there is no value, or null.
func (n Node) Absent() bool { return !n.present }

// Secret tells whether the engine keeps the value encrypted.
func (n Node) Secret() bool { return n.value.Secret() }

// Text is a known string; "" for anything else.
func (n Node) Text() string {
	if !n.value.IsString() {
		return ""
	}
	return n.value.AsString()
}

// True tells whether the value is known and true. Some AWS arguments spell it "true".
func (n Node) True() bool {
	return n.value.IsBool() && n.value.AsBool() || n.Text() == "true"
}

// Number is a known number, also one that is spelled as a string, as in environment variables; ok = false for anything else.
func (n Node) Number() (number float64, ok bool) {
	if n.value.IsNumber() {
		return n.value.AsNumber(), true
	}
	f, err := strconv.ParseFloat(n.Text(), 64)
	return f, err == nil
}

// show is the value as findings show it. No secret is shown.
func (n Node) show() string {
	switch {
	case n.Absent():
		return "not set"
	case n.value.HasSecrets():
		return "a secret"
	case n.value.IsString():
		return strconv.Quote(n.value.AsString())
	case n.value.IsBool():
		return strconv.FormatBool(n.value.AsBool())
	case n.value.IsNumber():
		return strconv.FormatFloat(n.value.AsNumber(), 'f', -1, 64)
	case n.value.IsArray():
		return n.showList()
	default:
		return "an object"
	}
}

func (n Node) showList() string {
	text := "["
	for i, e := range n.Each() {
		if i > 0 {
			text += " "
		}
		text += e.show()
	}
	return text + "]"
}

// texts is the known strings of a list.
func (n Node) texts() []string {
	var all []string
	for _, e := range n.Each() {
		if e.value.IsString() {
			all = append(all, e.Text())
		}
	}
	return all
}
