package profile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/google/pprof/profile"
)

const (
	mostCompressed = 16 << 20 // bytes of a profile as it is sent and kept; one of a busy API has 0.1 MB
	mostBytes      = 64 << 20 // bytes of it unpacked
	// mostMessages bounds its parts: an empty one takes 2 bytes there and a hundred in memory.
	mostMessages = 2 << 20
)

// read parses a profile of a kind and checks what all else relies on.
func read(kind Kind, text []byte) (p *profile.Profile, err error) {
	defer func() { // the parser is for files that one trusts
		if fault := recover(); fault != nil {
			p, err = nil, fmt.Errorf("it is no profile: %v", fault)
		}
	}()
	plain, err := unpack(text)
	if err != nil {
		return nil, err
	}
	if err := count(plain); err != nil {
		return nil, err
	}
	if p, err = profile.ParseUncompressed(plain); err != nil {
		return nil, fmt.Errorf("it is no profile: %w", err)
	}
	if err = p.CheckValid(); err != nil {
		return nil, fmt.Errorf("it is no profile: %w", err)
	}
	return p, checkForm(p, kind)
}

// unpack wants what net/http/pprof sends: a compressed profile that ends where it should.
func unpack(text []byte) ([]byte, error) {
	if len(text) > mostCompressed {
		return nil, fmt.Errorf("it has more than %d bytes, want a profile", mostCompressed)
	}
	unzip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("it is no compressed profile: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(unzip, mostBytes+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it ends before its end: the pod went away, or the connection")
	case err != nil:
		return nil, fmt.Errorf("it is no compressed profile: %w", err)
	case len(plain) > mostBytes:
		return nil, fmt.Errorf("unpacked it has more than %d bytes, want a profile", mostBytes)
	}
	return plain, nil
}

// Fields of a profile that have messages of their own inside, by profile.proto.
const (
	sampleField   = 2
	locationField = 4
)

// count wants a bounded number of messages, those inside samples and locations too.
func count(plain []byte) error {
	messages := 0
	err := fields(plain, func(field uint64, body []byte) error {
		messages++
		if field == sampleField || field == locationField {
			if err := fields(body, func(uint64, []byte) error { messages++; return nil }); err != nil {
				return err
			}
		}
		if messages > mostMessages {
			return fmt.Errorf("it has more than %d parts, want a profile", mostMessages)
		}
		return nil
	})
	return err
}

var errWire = errors.New("it is no profile: its protocol buffer is malformed")

// fields calls visit for each field that has a length.
func fields(text []byte, visit func(field uint64, body []byte) error) error {
	for len(text) > 0 {
		tag, n := binary.Uvarint(text)
		if n <= 0 {
			return errWire
		}
		text = text[n:]
		size, skip, err := extent(text, tag&7)
		if err != nil {
			return err
		}
		if tag&7 == 2 {
			if err := visit(tag>>3, text[skip:size]); err != nil {
				return err
			}
		}
		text = text[size:]
	}
	return nil
}

// extent is how long a field's value is, and where its content begins.
func extent(text []byte, wire uint64) (size, skip int, err error) {
	length, n := binary.Uvarint(text)
	switch {
	case wire == 0 && n > 0:
		return n, 0, nil
	case wire == 2 && n > 0 && length <= uint64(len(text)-n):
		return n + int(length), n, nil
	case wire == 1 && len(text) >= 8:
		return 8, 0, nil
	case wire == 5 && len(text) >= 4:
		return 4, 0, nil
	}
	return 0, 0, errWire
}

// checkForm wants the sample types of the kind, and values that sums can be made of.
func checkForm(p *profile.Profile, kind Kind) error {
	value, counted := columns(p, kind)
	if value < 0 || counted < 0 {
		var have []string
		for _, t := range p.SampleType {
			have = append(have, t.Type)
		}
		return fmt.Errorf("its samples are of %v, want %s and %s", have, forms[kind].count, forms[kind].value)
	}
	for _, s := range p.Sample {
		if v := s.Value[value]; v == math.MinInt64 || v > math.MaxInt64/mostMessages || v < -math.MaxInt64/mostMessages {
			return fmt.Errorf("a sample has the value %d, want one of which sums can be made", v)
		}
	}
	if kind == CPU && p.Period <= 0 {
		return fmt.Errorf("its period is %d, want more than 0", p.Period)
	}
	return nil
}

// columns are where the values and the counts of a kind stand in each sample; -1 where they do not.
func columns(p *profile.Profile, kind Kind) (value, counted int) {
	at := func(name string) int {
		return slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == name })
	}
	return at(forms[kind].value), at(forms[kind].count)
}
