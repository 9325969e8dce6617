package html

import (
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/grafana/sobek"
)

// Val is the value of the first of these, a control of a form: of several chosen options a list.
func (s *Selection) Val() sobek.Value {
	first := s.sel.First()
	if goquery.NodeName(first) != "select" {
		return s.u.VM.ToValue(valueOf(first))
	}
	chosen := first.Find("option[selected]")
	if _, several := first.Attr("multiple"); several {
		values := []any{}
		chosen.Each(func(_ int, option *goquery.Selection) { values = append(values, valueOf(option)) })
		return s.u.VM.NewArray(values...)
	}
	if chosen.Length() == 0 {
		chosen = first.Find("option").First()
	}
	return s.u.VM.ToValue(valueOf(chosen))
}

// valueOf is the value of a control, or of an option.
func valueOf(control *goquery.Selection) string {
	switch goquery.NodeName(control) {
	case "textarea":
		return control.Text()
	case "option":
		if value, ok := control.Attr("value"); ok {
			return value
		}
		return control.Text()
	}
	return control.AttrOr("value", "")
}

// field is one that a form sends.
type field struct{ name, value string }

// notSent are controls that have no field.
const notSent = "[disabled], [type=submit], [type=button], [type=reset], [type=image], [type=file]"

// fields are those that the forms among these send: what is named, not disabled, and chosen where it is to choose.
func (s *Selection) fields() []field {
	var all []field
	controls := s.sel.Find("input, select, textarea").AddSelection(s.sel.Filter("input, select, textarea"))
	controls.Each(func(_ int, control *goquery.Selection) {
		name, named := control.Attr("name")
		if !named || name == "" || control.Is(notSent) {
			return
		}
		if control.Is("[type=checkbox], [type=radio]") && (!control.Is("[checked]") || control.AttrOr("value", "") == "") {
			return
		}
		value := s.with(control).Val()
		if list, ok := value.Export().([]any); ok {
			for _, one := range list {
				all = append(all, field{name, s.u.VM.ToValue(one).String()})
			}
			return
		}
		all = append(all, field{name, value.String()})
	})
	return all
}

// SerializeArray is the forms' fields as a list of objects.
func (s *Selection) SerializeArray() []any {
	all := []any{}
	for _, f := range s.fields() {
		all = append(all, struct{ Name, Value string }{f.name, f.value})
	}
	return all
}

// SerializeObject is the forms' fields as one object, in their order.
func (s *Selection) SerializeObject() (*sobek.Object, error) {
	all := s.u.VM.NewObject()
	for _, f := range s.fields() {
		if err := all.Set(f.name, f.value); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Serialize is the forms' fields as they are sent.
func (s *Selection) Serialize() string {
	values := url.Values{}
	for _, f := range s.fields() {
		values.Add(f.name, f.value)
	}
	return values.Encode()
}

// Element is one element.
type Element struct{ one *Selection }

// NodeName is the element's, in small letters.
func (e *Element) NodeName() string { return strings.ToLower(goquery.NodeName(e.one.sel)) }

// TextContent is all text within the element.
func (e *Element) TextContent() string { return e.one.Text() }

// InnerHTML is what is within the element, as it is written.
func (e *Element) InnerHTML() string { return e.one.Html() }

// GetAttribute is an attribute of the element; undefined where it has none.
func (e *Element) GetAttribute(name string) sobek.Value { return e.one.Attr(name) }

// HasAttribute tells whether the element has an attribute.
func (e *Element) HasAttribute(name string) bool {
	_, ok := e.one.sel.Attr(name)
	return ok
}

// Id is the element's.
func (e *Element) Id() string { return e.one.sel.AttrOr("id", "") } //nolint:revive // scripts say id
