package server

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/text"
)

// parameters reads query parameters and gathers their faults. Those that nobody asks for are ignored.
type parameters struct {
	values url.Values
	faults []Fault
}

// parameters reads the query of r, once. Its error is a Problem.
func (x *exchange) parameters(r *http.Request) (*parameters, error) {
	if x.query != nil {
		return x.query, nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid([]Fault{{Parameter: "query", Detail: "is not well-formed: " + cut(err.Error(), 2*maxQuoted)}})
	}
	x.query = &parameters{values: values}
	return x.query, nil
}

func (p *parameters) faultf(name, format string, args ...any) {
	f := inParameter(name)
	f.Detail = fmt.Sprintf(format, args...)
	p.faults = addFault(p.faults, f)
}

// value is a parameter as it was sent. Of two, one who reads takes the first and another the last, so that two are a fault.
func (p *parameters) value(name string) string {
	if n := len(p.values[name]); n > 1 {
		p.faultf(name, "is given %d times, want it once", n)
	}
	return p.values.Get(name)
}

// number is a parameter that is a whole number.
type number struct {
	name      string
	low, high int
	fallback  int // without it; below low it means none
	about     string
}

func (p *parameters) number(n number) int {
	v := p.value(n.name)
	if v == "" {
		return n.fallback
	}
	got, err := strconv.Atoi(v)
	if err != nil || got < n.low || got > n.high || strconv.Itoa(got) != v {
		p.faultf(n.name, "is %s, want a whole number from %d to %d", quoted(v), n.low, n.high)
	}
	return got
}

// choice is a parameter that is one of some words.
type choice struct {
	name   string
	words  []string
	orNone bool // without it, it is none of them, else the first
	about  string
}

func (p *parameters) oneOf(c choice) string {
	v := p.value(c.name)
	switch {
	case v == "" && !c.orNone:
		return c.words[0]
	case v != "" && !slices.Contains(c.words, v):
		p.faultf(c.name, "is %s, want one of %s", quoted(v), strings.Join(c.words, ", "))
	}
	return v
}

// phrase is a parameter that is a text.
type phrase struct {
	name  string
	most  int // bytes
	need  need
	about string
}

// text reads a required text, in its normal form.
func (p *parameters) text(t phrase) string {
	v := strings.TrimSpace(text.Normal(p.value(t.name)))
	if detail := shortTextFault(v, t.most); detail != "" {
		p.faultf(t.name, "%s", detail)
	}
	return v
}

// user reads the name of a user, which is required.
func (p *parameters) user(t phrase) string {
	name, fault := auth.Name(p.value(t.name))
	if fault != "" {
		p.faultf(t.name, "%s", fault)
	}
	return name
}

// token is a parameter that is an earlier answer's own.
type token struct {
	name  string
	about string
}

// cursor reads a page's cursor; without one, the first page.
func (p *parameters) cursor(t token) uuid.UUID {
	v := p.value(t.name)
	if v == "" {
		return uuid.Max
	}
	raw, err := base64.RawURLEncoding.DecodeString(v)
	if err == nil {
		var id uuid.UUID
		if id, err = uuid.FromBytes(raw); err == nil && cursorOf(id) == v {
			return id
		}
	}
	p.faultf(t.name, "is %s, want the value of next of the page before", quoted(v))
	return uuid.Max
}

// userOf reads the header that names the user; "" without one. Its error is a Problem.
func userOf(r *http.Request) (string, error) {
	values := r.Header.Values(userHeader)
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return "", nil
	}
	name, fault := auth.Name(values[0])
	if len(values) > 1 || fault != "" {
		return "", invalid([]Fault{{Parameter: userHeader, Detail: "is not valid, want it once, UTF-8 of " + bytesText(maxUserBytes) + " at most"}})
	}
	return name, nil
}
