package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragscale/ragscale/ragapi/auth"
	"github.com/ragscale/ragscale/ragapi/text"
)

// object is a JSON object of a request, whose members are read one by one. It gathers their faults.
type object struct {
	members map[string]jsontext.Value // as they are written
	faults  []Fault
}

// readObject reads a body with no members but those of a shape. Its error is a Problem.
func readObject(x *exchange, want *shape) (*object, error) {
	o := &object{}
	return o, o.read(x.body.take(), want.names)
}

// read finds the known members of raw. Where it cannot read on, its error is a Problem with every fault until there.
func (o *object) read(raw []byte, known []string) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true)) // reads raw where it is
	o.members = map[string]jsontext.Value{}
	begin, err := d.ReadToken()
	if err == nil && begin.Kind() != jsontext.KindBeginObject {
		o.faultf("", "%s", notA("an object", begin.Kind()))
		return invalid(o.faults)
	}
	for err == nil && d.PeekKind() != jsontext.KindEndObject {
		err = o.readMember(d, raw, known)
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.Join(err, errTrailing)
	}
	return o.unreadable(d, err)
}

var (
	errTrailing = errors.New("has more after the JSON value")
	errTooDeep  = fmt.Errorf("is nested too deeply, want %d levels at most", maxNesting)
	errFull     = errors.New("too many faults to read on")
)

// maxNesting counts the levels of a member, the member itself included.
const maxNesting = 16

func (o *object) readMember(d *jsontext.Decoder, raw []byte, known []string) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	name, from := token.String(), d.InputOffset()
	if err := skip(d, maxNesting); err != nil {
		return err
	}
	switch {
	case !slices.Contains(known, name):
		o.faultf(name, "is not known, want %s", strings.Join(known, " or "))
	case o.has(name):
		o.faultf(name, "is given more than once")
	default:
		o.members[name] = jsontext.Value(bytes.TrimLeft(raw[from:d.InputOffset()], ": \t\r\n"))
	}
	if len(o.faults) > maxFaults {
		return errFull
	}
	return nil
}

// skip reads a value of at most levels of nesting, token by token: that takes no stack, however deep it is.
func skip(d *jsontext.Decoder, levels int) error {
	outer := d.StackDepth()
	for {
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		if d.StackDepth() > outer+levels {
			return errTooDeep
		}
		if d.StackDepth() == outer {
			return nil
		}
	}
}

// unreadable is the problem of a body that could not be read to its end.
func (o *object) unreadable(d *jsontext.Decoder, err error) error {
	pointer, detail := jsonFault(d, err)
	if detail != "" {
		f := at(pointer)
		f.Detail = detail
		o.faults = addFault(o.faults, f)
	}
	return invalid(o.faults)
}

// jsonFault says where d could not read on and why, in the words of the text's sender. It is silent of faults that are known.
func jsonFault(d *jsontext.Decoder, err error) (pointer, detail string) {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errFull):
		return "", ""
	case errors.Is(err, errTooDeep):
		return string(d.StackPointer()), err.Error()
	case errors.Is(err, errTrailing):
		return "", fmt.Sprintf("%v at byte %d", errTrailing, d.InputOffset())
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "", "is not JSON: it ends early"
	case errors.Is(err, io.EOF):
		return "", "is empty, want a JSON value"
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return string(syntax.JSONPointer), "is given more than once"
	case errors.As(err, &syntax):
		return string(syntax.JSONPointer), fmt.Sprintf("is not JSON: %s at byte %d", cut(syntax.Err.Error(), 2*maxQuoted), syntax.ByteOffset)
	}
	return "", "is not JSON"
}

// kinds are the types of JSON as faults name them.
var kinds = map[jsontext.Kind]string{
	jsontext.KindNull: "null", jsontext.KindTrue: "bool", jsontext.KindFalse: "bool", jsontext.KindString: "string",
	jsontext.KindNumber: "number", jsontext.KindBeginObject: "object", jsontext.KindBeginArray: "array",
}

func notA(want string, got jsontext.Kind) string {
	if got == jsontext.KindNull {
		return "is null, want " + want
	}
	return "is of type " + kinds[got] + ", want " + want
}

func (o *object) faultf(name, format string, args ...any) {
	f := inBody(name)
	f.Detail = fmt.Sprintf(format, args...)
	o.faults = addFault(o.faults, f)
}

func (o *object) has(name string) bool { return o.members[name] != nil }

// value reads a text, as it was sent; an absent one is "". It shares the body's memory where it can.
func (o *object) value(name string) string {
	raw := o.members[name]
	if raw == nil {
		return ""
	}
	if raw.Kind() != jsontext.KindString {
		o.faultf(name, "%s", notA("a string", raw.Kind()))
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return shared(raw[1 : len(raw)-1])
	}
	plain, err := jsontext.AppendUnquote(make([]byte, 0, len(raw)), raw)
	if err != nil {
		o.faultf(name, "is not a JSON string")
	}
	return shared(plain)
}

// shared is b as a string, without a copy: nothing may write to b any more.
func shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// text reads a required text, in its normal form.
func (o *object) text(f field) string {
	before := len(o.faults)
	v := text.Normal(o.value(f.name))
	if len(o.faults) > before {
		return ""
	}
	if detail := shortTextFault(v, f.most); detail != "" {
		o.faultf(f.name, "%s", detail)
		return v
	}
	if f.words != nil && !slices.Contains(f.words, v) {
		o.faultf(f.name, "is %s, want one of %s", quoted(v), strings.Join(f.words, ", "))
	}
	return v
}

// user reads the name of a user, which is required.
func (o *object) user(f field) string {
	before := len(o.faults)
	name, fault := auth.Name(o.value(f.name))
	if len(o.faults) == before && fault != "" {
		o.faultf(f.name, "%s", fault)
	}
	return name
}

// isTrue reads a member that can only be true.
func (o *object) isTrue(name string) bool {
	if string(o.members[name]) != "true" {
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
		return tooLong(len(v), maxBytes)
	}
	return text.Fault(v)
}
