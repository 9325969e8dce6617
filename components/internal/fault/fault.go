// Package fault collects what is wrong with a component's arguments.
//
// Owns: how a fault reads ("component.Field is VALUE, want WANT"), and the checks that several components make. Does
// not own: which arguments a component has, the checks of one component alone.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// List is the faults of one component's arguments, in the order in which they were found.
type List struct {
	component string
	faults    []error
}

// In is an empty list. The component's name begins each fault.
func In(component string) List { return List{component: component} }

// Add takes a fault's field, fact and want.
func (l *List) Add(format string, values ...any) {
	l.faults = append(l.faults, fmt.Errorf("%s.%w", l.component, fmt.Errorf(format, values...)))
}

// Err is every fault, or nil.
func (l *List) Err() error { return errors.Join(l.faults...) }

// Missing takes which of the fields that other components fill are not filled.
func (l *List) Missing(fields map[string]bool) {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if fields[field] {
			l.Add("%s is missing, want a value from the component that has it", field)
		}
	}
}

// Between wants least to most.
func (l *List) Between(field string, value, least, most int) {
	if value < least || value > most {
		l.Add("%s is %d, want %d to %d", field, value, least, most)
	}
}

// AtLeast wants least or more.
func (l *List) AtLeast(field string, value, least int) {
	if value < least {
		l.Add("%s is %d, want %d or more", field, value, least)
	}
}
