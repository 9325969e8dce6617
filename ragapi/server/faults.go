package server

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a request.
type Fault struct {
	// Of a form field that is JSON there are both, and Pointer is within the field.
	Pointer   *string `json:"pointer,omitempty" jsonschema:"where it is in a JSON body (RFC 6901)"`
	Parameter string  `json:"parameter,omitempty" jsonschema:"the query parameter, the header or the field of a form"`
	Detail    string  `json:"detail"`
}

const (
	maxFaults  = 20  // told of one request
	maxQuoted  = 64  // bytes of what a client sent that a fault repeats
	maxPointer = 256 // bytes of a pointer
)

// addFault adds f, or in place of the first beyond maxFaults a word that there are more.
func addFault(faults []Fault, f Fault) []Fault {
	switch {
	case len(faults) > maxFaults:
		return faults
	case len(faults) == maxFaults:
		root := inParameter("body")
		if f.Pointer != nil {
			root = inBody("")
		}
		root.Detail = "has more faults, which are left out after the first " + strconv.Itoa(maxFaults)
		return append(faults, root)
	}
	return append(faults, f)
}

func (f Fault) sameField(other Fault) bool {
	if f.Pointer == nil || other.Pointer == nil {
		return f.Pointer == other.Pointer && f.Parameter == other.Parameter
	}
	return *f.Pointer == *other.Pointer && f.Parameter == other.Parameter
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// inBody is a fault of the member of that name, or with "" of the whole body.
func inBody(field string) Fault {
	if field == "" {
		return at("")
	}
	return at("/" + escapePointer.Replace(cut(field, maxQuoted)))
}

// at is a fault at a place in a JSON body.
func at(pointer string) Fault {
	pointer = cut(pointer, maxPointer)
	return Fault{Pointer: &pointer}
}

func inParameter(field string) Fault { return Fault{Parameter: cut(field, maxQuoted)} }

// quoted is what a client sent, as a fault repeats it.
func quoted(s string) string { return strconv.Quote(cut(s, maxQuoted)) }

// cut returns s or as much of it as fits in most bytes, and an ellipsis.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

func bytesText(n int64) string { return strconv.FormatInt(n, 10) + " bytes" }

// tooLong is the detail of a text of n bytes.
func tooLong(n, most int) string {
	return "has " + bytesText(int64(n)) + ", want " + bytesText(int64(most)) + " at most"
}
