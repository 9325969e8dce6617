package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a value; the configuration itself needs six levels.
const maxDepth = 32

// ParseTree reads one JSON value into nil, bool, json.Number, string, []any and map[string]any. Unlike encoding/json it
// refuses keys given twice, text after the value, invalid UTF-8 and deep nesting; faults are reported under path.
func ParseTree(path, text string, f *Faults) (any, bool) {
	if !utf8.ValidString(text) {
		f.Add(path, "is not valid UTF-8", "JSON in UTF-8")
		return nil, false
	}
	r := treeReader{decoder: json.NewDecoder(strings.NewReader(text)), faults: f}
	r.decoder.UseNumber()
	before := len(f.list)
	value, err := r.value(path, 0)
	if err == nil {
		if _, after := r.decoder.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("there is text after the value")
		}
	}
	if err != nil {
		f.Add(path, Show(text)+": "+err.Error(), "JSON")
		return nil, false
	}
	return value, len(f.list) == before
}

type treeReader struct {
	decoder *json.Decoder
	faults  *Faults
}

func (r *treeReader) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nesting is deeper than %d", maxDepth)
	}
	token, err := r.decoder.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it ends too early")
	}
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return r.object(path, depth)
	case json.Delim('['):
		return r.array(path, depth)
	}
	return token, nil
}

func (r *treeReader) object(path string, depth int) (any, error) {
	object := map[string]any{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		key, isString := token.(string)
		if !isString {
			return nil, fmt.Errorf("%v is no key", token)
		}
		if _, twice := object[key]; twice {
			r.faults.Add(At(path, key), "is given twice", "one value")
		}
		if object[key], err = r.value(At(path, key), depth+1); err != nil {
			return nil, err
		}
	}
	return object, r.end()
}

func (r *treeReader) array(path string, depth int) (any, error) {
	array := []any{}
	for r.decoder.More() {
		value, err := r.value(fmt.Sprintf("%s[%d]", path, len(array)), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	return array, r.end()
}

// end reads the closing bracket.
func (r *treeReader) end() error {
	_, err := r.decoder.Token()
	if errors.Is(err, io.EOF) {
		return errors.New("it ends too early")
	}
	return err
}
