package catalogue

import (
	"fmt"
	"strings"
)

// Password is what a service takes as one: printable ASCII of some length.
type Password struct {
	Service     string
	Least, Most int    // characters
	Refused     string // characters
}

// Check says what is wrong with a password; nil if nothing is. It never quotes the password.
func (p Password) Check(text string) error {
	switch {
	case len(text) < p.Least || len(text) > p.Most:
		return fmt.Errorf("has %d characters, want %s", len(text), p.Want())
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(p.Refused, r) }):
		return fmt.Errorf("has a character that %s refuses, want %s", p.Service, p.Want())
	}
	return nil
}

// Want is the phrase for what Check takes.
func (p Password) Want() string {
	return fmt.Sprintf(`%d to %d printable ASCII characters without space, /, @ and "`, p.Least, p.Most)
}
