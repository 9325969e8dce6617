package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Names lists the names of a table, sorted.
func Names[T any](table map[string]T) []string { return slices.Sorted(maps.Keys(table)) }

// Lookup returns the entry of that name. An unknown one is an error that lists near ones; noun says what it is none of.
func Lookup[T any](table map[string]T, noun, name string) (T, error) {
	entry, known := table[name]
	if !known {
		return entry, fmt.Errorf("%q is no %s in the catalogue, want one of %s", name, noun,
			strings.Join(near(Names(table), name), ", "))
	}
	return entry, nil
}

// mostNear is how many names an error lists: a choice of our own.
const mostNear = 12

// near narrows sorted names to those of the same family as name, else to one example of every family; of too many to
// those that begin most alike.
func near(names []string, name string) []string {
	family := func(n string) string { return n[:max(0, strings.LastIndex(n, "."))] }
	same := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return family(n) != family(name) })
	if len(same) == 0 {
		same = slices.CompactFunc(slices.Clone(names), func(a, b string) bool { return family(a) == family(b) })
	}
	if len(same) <= mostNear || family(same[0]) != family(same[len(same)-1]) {
		return same
	}
	slices.SortStableFunc(same, func(a, b string) int { return alike(b, name) - alike(a, name) })
	return append(same[:mostNear], fmt.Sprintf("or %d others", len(same)-mostNear))
}

// alike counts the letters that both begin with.
func alike(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
