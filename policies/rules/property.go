package rules

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Property is one place in a resource's inputs. What is there is a value, nothing, or not known yet in a preview.
type Property struct {
	Path    string // "spec.template.spec.containers[0]"
	value   property.Value
	present bool
}

// At goes down the members of objects. Below an absent value everything is absent, below an unknown one unknown.
func (p Property) At(members ...string) Property {
	for _, m := range members {
		p = p.member(m)
	}
	return p
}

func (p Property) member(name string) Property {
	path := name
	if p.Path != "" {
		path = p.Path + "." + name
	}
	if p.Unknown() {
		return Property{Path: path, value: p.value, present: true}
	}
	if !p.value.IsMap() {
		return Property{Path: path}
	}
	v, present := p.value.AsMap().GetOk(name)
	v = v.WithSecret(v.Secret() || p.value.Secret())
	return Property{Path: path, value: v, present: present && !v.IsNull()}
}

// Each is the elements of a list; none when it is absent or unknown.
func (p Property) Each() []Property {
	if !p.value.IsArray() {
		return nil
	}
	var all []Property
	for i, v := range p.value.AsArray().All {
		v = v.WithSecret(v.Secret() || p.value.Secret())
		all = append(all, Property{Path: fmt.Sprintf("%s[%d]", p.Path, i), value: v, present: !v.IsNull()})
	}
	return all
}

// Members is the entries of an object by name; none when it is absent or unknown.
func (p Property) Members() map[string]Property {
	if !p.value.IsMap() {
		return nil
	}
	all := map[string]Property{}
	for name := range p.value.AsMap().All {
		all[name] = p.member(name)
	}
	return all
}

// Unknown tells that the value will be known after the update only.
func (p Property) Unknown() bool { return p.value.IsComputed() }

// Undecided tells that the value or a part of it is unknown, so that what is missing in it may yet be there.
func (p Property) Undecided() bool { return p.value.HasComputed() }

// Absent tells that there is no value, or null.
func (p Property) Absent() bool { return !p.present }

// Secret tells whether the engine keeps the value encrypted.
func (p Property) Secret() bool { return p.value.Secret() }

// Text is a known string; "" for anything else.
func (p Property) Text() string {
	if !p.value.IsString() {
		return ""
	}
	return p.value.AsString()
}

// True tells whether the value is known and true. Some AWS arguments spell it "true".
func (p Property) True() bool {
	return p.value.IsBool() && p.value.AsBool() || p.Text() == "true"
}

// Number is a known number, also one that is spelled as a string, as in environment variables; ok = false for anything
// else.
func (p Property) Number() (number float64, ok bool) {
	if p.value.IsNumber() {
		return p.value.AsNumber(), true
	}
	f, err := strconv.ParseFloat(p.Text(), 64)
	return f, err == nil
}

// show is the value as findings show it. No secret is shown.
func (p Property) show() string {
	switch {
	case p.Absent():
		return "not set"
	case p.value.HasSecrets():
		return "a secret"
	case p.value.IsString():
		return strconv.Quote(p.value.AsString())
	case p.value.IsBool():
		return strconv.FormatBool(p.value.AsBool())
	case p.value.IsNumber():
		return strconv.FormatFloat(p.value.AsNumber(), 'f', -1, 64)
	case p.value.IsArray():
		return p.showList()
	default:
		return "an object"
	}
}

func (p Property) showList() string {
	text := "["
	for i, e := range p.Each() {
		if i > 0 {
			text += " "
		}
		text += e.show()
	}
	return text + "]"
}

// texts is the known strings of a list.
func (p Property) texts() []string {
	var all []string
	for _, e := range p.Each() {
		if e.value.IsString() {
			all = append(all, e.Text())
		}
	}
	return all
}
