package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragscale/ragscale/ragapi/text"
)

const (
	maxMetadataBytes  = 16 << 10 // as PostgreSQL renders them
	maxMetadataValues = 1000     // members and elements, at all levels
)

// metadata is a JSON object that is judged while it is read: what could not be kept as it was meant, or would grow when it
// is kept, is a fault.
type metadata struct {
	decoder      *jsontext.Decoder
	fault        func(pointer, detail string)
	size, values int
}

// readMetadata returns raw without its white space, in memory of its own, and nil if there were faults.
func readMetadata(raw []byte, fault func(pointer, detail string)) json.RawMessage {
	sound := true
	m := metadata{decoder: jsontext.NewDecoder(bytes.NewBuffer(raw)), fault: func(pointer, detail string) {
		sound = false
		fault(pointer, detail)
	}}
	if kind := m.decoder.PeekKind(); kinds[kind] != "" && kind != jsontext.KindBeginObject {
		m.fault("", notA("an object", kind))
		return nil
	}
	if err := m.read(); err != nil {
		m.fault(jsonFault(m.decoder, err))
	}
	if !sound {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		m.fault("", "is not JSON")
		return nil
	}
	return compact.Bytes()
}

// read reads to the end, or to the first fault after which reading on may take too much.
func (m *metadata) read() error {
	for {
		if err := m.next(); err != nil {
			return err
		}
		switch {
		case m.decoder.StackDepth() > maxNesting:
			return errTooDeep
		case m.values > maxMetadataValues:
			m.fault("", fmt.Sprintf("has more than %d members and elements", maxMetadataValues))
			return nil
		case m.size > maxMetadataBytes:
			m.fault("", "has more than "+bytesText(maxMetadataBytes)+" as it is kept")
			return nil
		case m.decoder.StackDepth() == 0:
			if _, err := m.decoder.ReadToken(); !errors.Is(err, io.EOF) {
				return errors.Join(err, errTrailing)
			}
			return nil
		}
	}
}

// next reads a token and counts what it takes.
func (m *metadata) next() error {
	in, before := m.decoder.StackIndex(m.decoder.StackDepth())
	token, err := m.decoder.ReadToken()
	if err != nil {
		return err
	}
	closes := token.Kind() == jsontext.KindEndObject || token.Kind() == jsontext.KindEndArray
	isName := in == jsontext.KindBeginObject && before%2 == 0
	if before > 0 && !closes {
		m.size += len(", ") // or ": "
	}
	if !closes && !isName {
		m.values++
	}
	switch token.Kind() {
	case jsontext.KindString:
		m.text(token.String())
	case jsontext.KindNumber:
		m.number(token.String())
	default:
		m.size += len(token.String())
	}
	return nil
}

func (m *metadata) text(s string) {
	if detail := text.Fault(s); detail != "" {
		m.fault(string(m.decoder.StackPointer()), detail)
		return
	}
	m.size += len(`""`)
	for _, r := range s {
		switch {
		case strings.ContainsRune("\"\\\b\f\n\r\t", r):
			m.size += len(`\"`)
		case r < ' ':
			m.size += len(`\u0000`)
		default:
			m.size += utf8.RuneLen(r)
		}
	}
}

func (m *metadata) number(s string) {
	if detail := text.NumberFault(s); detail != "" {
		m.fault(string(m.decoder.StackPointer()), detail)
		return
	}
	m.size += text.NumberSize(s)
}
