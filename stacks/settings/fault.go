package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing wrong with a configuration: where, what it is, what was wanted.
type Fault struct {
	Path string // "ragscale:database.storageGiB"
	Is   string // "is 9"
	Want string // "20 to 65536"; "" if Is says it all
}

// Error is "<path> <is>, want <want>".
func (f Fault) Error() string {
	if f.Want == "" {
		return f.Path + " " + f.Is
	}
	return f.Path + " " + f.Is + ", want " + f.Want
}

// Faults collects what is wrong.
type Faults struct{ list []Fault }

// Add takes a fault.
func (f *Faults) Add(path, is, want string) {
	f.list = append(f.list, Fault{Path: path, Is: is, Want: want})
}

// Copy is the faults so far.
func (f *Faults) Copy() *Faults { return &Faults{list: slices.Clone(f.list)} }

// Len is how many there are.
func (f *Faults) Len() int { return len(f.list) }

// Within reports whether a fault lies in the block at a path.
func (f *Faults) Within(block string) bool {
	return slices.ContainsFunc(f.list, func(fault Fault) bool {
		rest, found := strings.CutPrefix(fault.Path, block)
		return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Err joins the faults, sorted by text and each once; nil if there are none.
func (f *Faults) Err() error {
	slices.SortFunc(f.list, func(a, b Fault) int { return strings.Compare(a.Error(), b.Error()) })
	errs := make([]error, 0, len(f.list))
	for _, fault := range slices.Compact(f.list) {
		errs = append(errs, fault)
	}
	return errors.Join(errs...)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// At is the path of a key in the object at path.
func At(path, key string) string {
	if plainKey.MatchString(key) {
		return path + "." + key
	}
	return path + "[" + strconv.Quote(key) + "]"
}

// Show writes a value as it stands in the configuration, shortened to one line.
func Show(v any) string {
	const limit = 60
	text := fmt.Sprint(v)
	if s, isString := v.(string); isString {
		text = strconv.Quote(s)
	}
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit]) + "…"
	}
	return "is " + text
}
