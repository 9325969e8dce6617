package server

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object of a request, whose members are read one by one. It gathers their faults.
type object struct {
	members map[string]json.RawMessage
	faults  []Fault
}

// readObject reads a body of at most limit bytes with no members but known ones. Its error is a Problem, or that of a body over the limit.
func readObject(w http.ResponseWriter, r *http.Request, limit int64, known ...string) (*object, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, unsupportedMedia("application/json")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, bodyError(err)
	}
	o := &object{}
	if err := json.Unmarshal(raw, &o.members); err != nil {
		o.faultf("", "%s", jsonFault(err))
		return nil, invalid(o.faults)
	}
	if o.members == nil {
		o.faultf("", "is null, want an object")
		return nil, invalid(o.faults)
	}
	for _, name := range sortedKeys(o.members) {
		if !slices.Contains(known, name) {
			o.faultf(name, "is not known, want %s", strings.Join(known, " or "))
		}
	}
	return o, nil
}

func (o *object) faultf(name, format string, args ...any) {
	f := inBody(name)
	f.Detail = fmt.Sprintf(format, args...)
	o.faults = append(o.faults, f)
}

func (o *object) has(name string) bool { return o.members[name] != nil }

// text reads a required text.
func (o *object) text(name string, maxBytes int) (v string) {
	if raw := o.members[name]; raw != nil {
		if err := json.Unmarshal(raw, &v); err != nil {
			o.faultf(name, "%s", jsonFault(err))
			return ""
		}
	}
	if detail := shortTextFault(v, maxBytes); detail != "" {
		o.faultf(name, "%s", detail)
	}
	return v
}

func (o *object) oneOf(name string, allowed ...string) string {
	before := len(o.faults)
	v := o.text(name, maxRequestID)
	if len(o.faults) == before && !slices.Contains(allowed, v) {
		o.faultf(name, "is %s, want one of %s", strconv.Quote(v), strings.Join(allowed, ", "))
	}
	return v
}

// isTrue reads a member that can only be true.
func (o *object) isTrue(name string) bool {
	var v bool
	if err := json.Unmarshal(o.members[name], &v); err != nil || !v {
		o.faultf(name, "is not true: leave it out, or want true")
		return false
	}
	return true
}

// shortTextFault says what is wrong with a required text of bounded length, or "".
func shortTextFault(v string, maxBytes int) string {
	switch {
	case strings.TrimSpace(v) == "":
		return "is missing or blank, want a text"
	case len(v) > maxBytes:
		return "has " + bytesText(int64(len(v))) + ", want " + bytesText(int64(maxBytes)) + " at most"
	}
	return textFault(v)
}
