package outputs

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed types.txt
var typesText string

var table = mustParse(typesText)

// Naming says how a type gets its name.
type Naming struct {
	Property string // "" when AWS needs none
	Max      int    // characters; 0 is no limit
	Lower    bool   // AWS stores it in lower case
}

// spec is one block of types.txt.
type spec struct {
	naming    Naming
	unique    []string // properties of which AWS wants the combination once
	global    bool
	templates map[string]string
}

func mustParse(text string) map[string]spec {
	t, err := parse(text)
	if err != nil {
		panic(err) // the embedded file is wrong: the package's tests see it first
	}
	return t
}

func parse(text string) (map[string]spec, error) {
	out := map[string]spec{}
	token := ""
	for n, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(line, "#"):
			continue
		case !strings.HasPrefix(line, " "):
			token = trimmed
			if _, twice := out[token]; twice {
				return nil, fmt.Errorf("types.txt:%d: %s is there twice", n+1, token)
			}
			out[token] = spec{templates: map[string]string{}}
			continue
		}
		s := out[token]
		if err := s.line(trimmed); err != nil {
			return nil, fmt.Errorf("types.txt:%d: %w", n+1, err)
		}
		out[token] = s
	}
	return out, nil
}

func (s *spec) line(text string) error {
	key, rest, _ := strings.Cut(text, " ")
	switch key {
	case "@global":
		s.global = true
	case "@unique":
		s.unique = strings.Fields(rest)
	case "@name":
		return s.name(strings.Fields(rest))
	default:
		if strings.HasPrefix(key, "@") || rest == "" {
			return fmt.Errorf("%q is no line of a block", text)
		}
		s.templates[key] = rest
	}
	return nil
}

func (s *spec) name(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("@name wants a property")
	}
	s.naming.Property = words[0]
	for i := 1; i < len(words); i++ {
		switch {
		case words[i] == "lower":
			s.naming.Lower = true
		case words[i] == "max" && i+1 < len(words):
			n, err := strconv.Atoi(words[i+1])
			if err != nil {
				return err
			}
			s.naming.Max, i = n, i+1
		default:
			return fmt.Errorf("@name: %q is unknown", words[i])
		}
	}
	return nil
}
