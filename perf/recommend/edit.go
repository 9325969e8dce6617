package recommend

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Edit is one key of a stack's file that gets another value.
type Edit struct {
	Key string `json:"key"` // slo.hpa.maxReplicas, of the namespace ragscale
	// Was is what the stack has, the environment's default where its file does not say.
	Was string `json:"was"`
	To  string `json:"to"`
}

// path is the way to the key in the file.
func (e Edit) path() []string {
	top, rest, nested := strings.Cut(e.Key, ".")
	path := []string{"config", namespace + top}
	if nested {
		path = append(path, strings.Split(rest, ".")...)
	}
	return path
}

const namespace = "ragscale:"

// edited is a stack's file with other values. Only the lines of the keys change: comments, order and form of all others
// stay. What a file says in a way that is not understood is refused.
func edited(file []byte, edits []Edit) ([]byte, error) {
	for _, e := range edits {
		next, err := editedOnce(file, e.path(), e.To)
		if err == nil {
			err = changedAlone(file, next, e.path(), e.To)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key, err)
		}
		file = next
	}
	return file, nil
}

// changedAlone wants the file to say after an edit what it said before, but for the key: YAML has more forms than are
// looked for here.
func changedAlone(before, after []byte, path []string, value string) error {
	var want, got map[string]any
	var to any
	err := errors.Join(yaml.Unmarshal(before, &want), yaml.Unmarshal(after, &got), yaml.Unmarshal([]byte(value), &to))
	if err != nil {
		return err
	}
	set(want, path, to)
	if !reflect.DeepEqual(want, got) {
		return errors.New("the file has a form in which the key cannot be changed alone, want plain YAML: by hand")
	}
	return nil
}

// set gives a key a value, with the objects on the way to it.
func set(in map[string]any, path []string, value any) {
	for _, name := range path[:len(path)-1] {
		next, is := in[name].(map[string]any)
		if !is {
			next = map[string]any{}
			in[name] = next
		}
		in = next
	}
	in[path[len(path)-1]] = value
}

// editedOnce finds the deepest part of the path that the file has, and replaces its value, or adds the rest below it.
func editedOnce(file []byte, path []string, value string) ([]byte, error) {
	root, err := rootOf(file)
	if err != nil {
		return nil, err
	}
	within, at := root, (*yaml.Node)(nil) // at: the key whose value within is
	for i, name := range path {
		key, node := member(within, name)
		if key == nil {
			if i == 1 && lastKey(root) != path[0] {
				return nil, fmt.Errorf("%s is not the last of the file, want config last", path[0])
			}
			return added(file, within, at, path[i:], value)
		}
		if i == len(path)-1 {
			return replaced(file, node, value)
		}
		if err := isObject(name, node); err != nil {
			return nil, err
		}
		within, at = node, key
	}
	return file, nil
}

func rootOf(file []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(file, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the file is no object, want one with the key config")
	}
	return document.Content[0], nil
}

// isObject refuses what keys cannot be looked for in. What has a name is used elsewhere, too, and would change there.
func isObject(name string, node *yaml.Node) error {
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return fmt.Errorf("line %d has an anchor or an alias, want plain values", node.Line)
	case node.Kind != yaml.MappingNode:
		return fmt.Errorf("line %d: %s is no object, want one", node.Line, name)
	}
	return nil
}

func member(of *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(of.Content); i += 2 {
		if of.Content[i].Value == name {
			return of.Content[i], of.Content[i+1]
		}
	}
	return nil, nil
}

// replaced puts another text in the place of a plain or simply quoted value.
func replaced(file []byte, node *yaml.Node, value string) ([]byte, error) {
	text := node.Value
	switch node.Style {
	case yaml.DoubleQuotedStyle:
		text = `"` + text + `"`
	case yaml.SingleQuotedStyle:
		text = "'" + text + "'"
	}
	from := offset(file, node.Line, node.Column)
	if node.Kind != yaml.ScalarNode || node.Anchor != "" || !bytes.HasPrefix(file[from:], []byte(text)) {
		return nil, fmt.Errorf("line %d has no plain value, want one", node.Line)
	}
	return splice(file, from, from+len(text), value), nil
}

// added adds keys to an object: in braces after the opening one, else on a line of their own below its key.
func added(file []byte, within, at *yaml.Node, path []string, value string) ([]byte, error) {
	if within.Style&yaml.FlowStyle != 0 {
		from := offset(file, within.Line, within.Column) + 1
		text := path[len(path)-1] + ": " + value
		for _, name := range slices.Backward(path[:len(path)-1]) {
			text = name + ": {" + text + "}"
		}
		if len(within.Content) > 0 {
			text += ", "
		}
		return splice(file, from, from, text), nil
	}
	if at == nil || len(within.Content) == 0 {
		return nil, errors.New("the file has no object config, want one")
	}
	indent, lines, end := within.Content[0].Column-1, "", lineEnd(file)
	for i, name := range path {
		lines += strings.Repeat(" ", indent+2*i) + name + ":"
		if i == len(path)-1 {
			lines += " " + value
		}
		lines += end
	}
	if len(path) > 1 && at.Value == "config" { // a block of its own stands last
		return []byte(strings.TrimRight(string(file), "\r\n") + end + end + lines), nil
	}
	from := offset(file, at.Line+1, 1)
	return splice(file, from, from, lines), nil
}

// lineEnd is how the file's first line ends.
func lineEnd(file []byte) string {
	if i := bytes.IndexByte(file, '\n'); i > 0 && file[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lastKey is the last key of an object.
func lastKey(of *yaml.Node) string {
	if len(of.Content) < 2 {
		return ""
	}
	return of.Content[len(of.Content)-2].Value
}

// offset is where a line and column of yaml.v3 are, both from 1, columns in letters.
func offset(file []byte, line, column int) int {
	at := 0
	for range line - 1 {
		next := bytes.IndexByte(file[at:], '\n')
		if next < 0 {
			return len(file)
		}
		at += next + 1
	}
	for range column - 1 {
		_, size := utf8.DecodeRune(file[at:])
		at += size
	}
	return at
}

func splice(file []byte, from, to int, text string) []byte {
	return slices.Concat(file[:from], []byte(text), file[to:])
}
