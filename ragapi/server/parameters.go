package server

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// parameters reads query parameters and gathers their faults.
type parameters struct {
	values url.Values
	faults []Fault
}

func (p *parameters) faultf(name, format string, args ...any) {
	p.faults = append(p.faults, Fault{Parameter: name, Detail: fmt.Sprintf(format, args...)})
}

func (p *parameters) integer(name string, fallback, high int) int {
	v := p.values.Get(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > high {
		p.faultf(name, "is %q, want a whole number from 1 to %d", v, high)
	}
	return n
}

func (p *parameters) oneOf(name string, allowed ...string) string {
	v := p.values.Get(name)
	if v == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, v) {
		p.faultf(name, "is %q, want one of %s", v, strings.Join(allowed, ", "))
	}
	return v
}

func (p *parameters) text(name string, maxBytes int) string {
	v := strings.TrimSpace(p.values.Get(name))
	if detail := shortTextFault(v, maxBytes); detail != "" {
		p.faultf(name, "%s", detail)
	}
	return v
}

// cursor reads a page's cursor; without one, the first page.
func (p *parameters) cursor(name string) uuid.UUID {
	v := p.values.Get(name)
	if v == "" {
		return uuid.Max
	}
	raw, err := base64.RawURLEncoding.DecodeString(v)
	if err == nil {
		var id uuid.UUID
		if id, err = uuid.FromBytes(raw); err == nil {
			return id
		}
	}
	p.faultf(name, "is %q, want the value of next of the page before", v)
	return uuid.Max
}

// textFault says why PostgreSQL could not keep s, or "".
func textFault(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.ContainsRune(s, 0):
		return "has a NUL character, which cannot be stored"
	}
	return ""
}

func bytesText(n int64) string { return strconv.FormatInt(n, 10) + " bytes" }
