// Package html is k6's module k6/html, and the html function of answers: elements of a page by jQuery's selectors.
//
// Owns: selections as scripts see them. Does not own: parsing, selectors (goquery).
//
// Source: https://grafana.com/docs/k6/latest/javascript-api/k6-html/ ; read 2026-11-30. What it leaves open was seen
// of k6 v2.2.0.
package html

import (
	"fmt"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/grafana/sobek"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
)

// Module is k6/html.
func Module() js.Module {
	return js.Module{Names: []string{"parseHTML"}, Make: func(u *js.User) map[string]any {
		return map[string]any{"parseHTML": func(text string) *Selection { return Parse(u, text) }}
	}}
}

// Selection is some elements of a page. Its methods are those of scripts, with a small first letter.
type Selection struct {
	u   *js.User
	sel *goquery.Selection
}

// Parse reads a page.
func Parse(u *js.User, text string) *Selection {
	document, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		u.Throw(err)
	}
	return &Selection{u: u, sel: document.Selection}
}

func (s *Selection) with(sel *goquery.Selection) *Selection { return &Selection{s.u, sel} }

// narrowed are elements, or those of them that a selector fits.
func (s *Selection) narrowed(all *goquery.Selection, selector []string) *Selection {
	if len(selector) > 0 {
		all = all.Filter(selector[0])
	}
	return s.with(all)
}

// Find are the elements within these that a selector fits.
func (s *Selection) Find(selector string) *Selection { return s.with(s.sel.Find(selector)) }

// Children are the elements right within these.
func (s *Selection) Children(selector ...string) *Selection {
	return s.narrowed(s.sel.Children(), selector)
}

// Parent are the elements around these.
func (s *Selection) Parent(selector ...string) *Selection {
	return s.narrowed(s.sel.Parent(), selector)
}

// Parents are all elements around these.
func (s *Selection) Parents(selector ...string) *Selection {
	return s.narrowed(s.sel.Parents(), selector)
}

// ParentsUntil are those around these, up to one that a selector fits.
func (s *Selection) ParentsUntil(selector string) *Selection {
	return s.with(s.sel.ParentsUntil(selector))
}

// Closest are the nearest that a selector fits, these or around these.
func (s *Selection) Closest(selector string) *Selection { return s.with(s.sel.Closest(selector)) }

// Next are the elements right after these.
func (s *Selection) Next(selector ...string) *Selection { return s.narrowed(s.sel.Next(), selector) }

// NextAll are all elements after these.
func (s *Selection) NextAll(selector ...string) *Selection {
	return s.narrowed(s.sel.NextAll(), selector)
}

// NextUntil are those after these, up to one that a selector fits.
func (s *Selection) NextUntil(selector string) *Selection { return s.with(s.sel.NextUntil(selector)) }

// Prev are the elements right before these.
func (s *Selection) Prev(selector ...string) *Selection { return s.narrowed(s.sel.Prev(), selector) }

// PrevAll are all elements before these.
func (s *Selection) PrevAll(selector ...string) *Selection {
	return s.narrowed(s.sel.PrevAll(), selector)
}

// PrevUntil are those before these, up to one that a selector fits.
func (s *Selection) PrevUntil(selector string) *Selection { return s.with(s.sel.PrevUntil(selector)) }

// Contents are the elements and texts right within these.
func (s *Selection) Contents() *Selection { return s.with(s.sel.Contents()) }

// First is the first of these.
func (s *Selection) First() *Selection { return s.with(s.sel.First()) }

// Last is the last of these.
func (s *Selection) Last() *Selection { return s.with(s.sel.Last()) }

// Eq is one of these by its number, from 0, or from -1 backwards.
func (s *Selection) Eq(i int) *Selection { return s.with(s.sel.Eq(i)) }

// Slice are those from a number to another.
func (s *Selection) Slice(from int, to ...int) *Selection {
	end := s.sel.Length()
	if len(to) > 0 {
		end = to[0]
	}
	return s.with(s.sel.Slice(from, end))
}

// Has are those with an element within that a selector fits.
func (s *Selection) Has(selector string) *Selection { return s.with(s.sel.Has(selector)) }

// Is tells whether a selector fits one of these.
func (s *Selection) Is(selector string) bool { return s.sel.Is(selector) }

// Not are those that a selector does not fit.
func (s *Selection) Not(selector string) *Selection { return s.with(s.sel.Not(selector)) }

// Filter are those that a selector fits, or of which a function is true.
func (s *Selection) Filter(which sobek.Value) *Selection {
	function, ok := sobek.AssertFunction(which)
	if !ok {
		return s.with(s.sel.Filter(which.String()))
	}
	return s.with(s.sel.FilterFunction(func(i int, one *goquery.Selection) bool {
		return s.call(function, i, s.with(one)).ToBoolean()
	}))
}

// Each calls a function with each of these: its number and the element.
func (s *Selection) Each(function sobek.Callable) *Selection {
	s.sel.Each(func(i int, one *goquery.Selection) { s.call(function, i, &Element{s.with(one)}) })
	return s
}

// Map is what a function makes of each of these, from its number and a selection of it.
func (s *Selection) Map(function sobek.Callable) []any {
	all := []any{}
	s.sel.Each(func(i int, one *goquery.Selection) { all = append(all, s.call(function, i, s.with(one))) })
	return all
}

func (s *Selection) call(function sobek.Callable, i int, one any) sobek.Value {
	result, err := function(sobek.Undefined(), s.u.VM.ToValue(i), s.u.VM.ToValue(one))
	if err != nil {
		panic(err)
	}
	return result
}

// ToArray is a selection for each of these.
func (s *Selection) ToArray() []any {
	all := []any{}
	s.sel.Each(func(_ int, one *goquery.Selection) { all = append(all, s.with(one)) })
	return all
}

// Get is an element by its number; undefined where there is none.
func (s *Selection) Get(i int) sobek.Value {
	if one := s.sel.Eq(i); one.Length() > 0 {
		return s.u.VM.ToValue(&Element{s.with(one)})
	}
	return sobek.Undefined()
}

// Size is how many these are.
func (s *Selection) Size() int { return s.sel.Length() }

// Text is all text within these.
func (s *Selection) Text() string { return s.sel.Text() }

// Html is what is within the first of these, as it is written.
func (s *Selection) Html() string { //nolint:revive // scripts say html
	text, err := s.sel.Html()
	if err != nil {
		s.u.Throw(fmt.Errorf("html: %w", err))
	}
	return text
}

// Attr is an attribute of the first of these; else the default, or undefined.
func (s *Selection) Attr(name string, otherwise ...sobek.Value) sobek.Value {
	if value, ok := s.sel.Attr(name); ok {
		return s.u.VM.ToValue(value)
	}
	if len(otherwise) > 0 {
		return otherwise[0]
	}
	return sobek.Undefined()
}

// Data is a data attribute of the first of these, by its name in camel case: a number or truth as such, JSON as its
// value.
func (s *Selection) Data(name string) sobek.Value {
	var attribute strings.Builder
	attribute.WriteString("data-")
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			attribute.WriteByte('-')
		}
		attribute.WriteString(strings.ToLower(string(r)))
	}
	text, ok := s.sel.Attr(attribute.String())
	if !ok {
		return sobek.Undefined()
	}
	if value, err := s.u.Parse([]byte(text)); err == nil {
		return value
	}
	return s.u.VM.ToValue(text)
}
