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

	"github.com/ragscale/ragscale/ragapi/text"
)

// parameters reads query parameters and gathers their faults. Those that nobody asks for are ignored.
type parameters struct {
	values url.Values
	faults []Fault
}

// readParameters reads the query of r. Its error is a Problem.
func readParameters(r *http.Request) (*parameters, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid([]Fault{{Parameter: "query", Detail: "is not well-formed: " + cut(err.Error(), 2*maxQuoted)}})
	}
	return &parameters{values: values}, nil
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

func (p *parameters) integer(name string, fallback, high int) int {
	v := p.value(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > high || strconv.Itoa(n) != v {
		p.faultf(name, "is %s, want a whole number from 1 to %d", quoted(v), high)
	}
	return n
}

func (p *parameters) oneOf(name string, allowed ...string) string {
	v := p.value(name)
	if v == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, v) {
		p.faultf(name, "is %s, want one of %s", quoted(v), strings.Join(allowed, ", "))
	}
	return v
}

// text reads a required text, in its normal form.
func (p *parameters) text(name string, maxBytes int) string {
	v := strings.TrimSpace(text.Normal(p.value(name)))
	if detail := shortTextFault(v, maxBytes); detail != "" {
		p.faultf(name, "%s", detail)
	}
	return v
}

// cursor reads a page's cursor; without one, the first page.
func (p *parameters) cursor(name string) uuid.UUID {
	v := p.value(name)
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
	p.faultf(name, "is %s, want the value of next of the page before", quoted(v))
	return uuid.Max
}

// userOf reads the header that names the user, in its normal form; "" without one. Its error is a Problem.
func userOf(r *http.Request) (string, error) {
	values := r.Header.Values(userHeader)
	if len(values) == 0 {
		return "", nil
	}
	user := text.Normal(values[0])
	if len(values) > 1 || len(user) > maxUserBytes || text.Fault(user) != "" {
		return "", invalid([]Fault{{Parameter: userHeader, Detail: "is not valid, want it once, UTF-8 of " + bytesText(maxUserBytes) + " at most"}})
	}
	return user, nil
}
