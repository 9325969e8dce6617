package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func names[T any](table map[string]T) []string { return slices.Sorted(maps.Keys(table)) }

func lookup[T any](table map[string]T, noun, name string) (T, error) {
	entry, known := table[name]
	if !known {
		return entry, fmt.Errorf("%q is no %s in the catalogue, want one of %s", name, noun, strings.Join(near(names(table), name), ", "))
	}
	return entry, nil
}

// near narrows sorted names to those of the same family as name, else to one example of every family.
func near(names []string, name string) []string {
	family := func(n string) string { return n[:max(0, strings.LastIndex(n, "."))] }
	same := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return family(n) != family(name) })
	if len(same) > 0 {
		return same
	}
	return slices.CompactFunc(slices.Clone(names), func(a, b string) bool { return family(a) == family(b) })
}
