package cache

import "sync"

// mostOwn bounds what a process remembers of its own changes: some megabytes.
const mostOwn = 10_000

// own are the marks of a process' own last changes. It heeds them also while Redis is gone or has lost them, so that who
// changes something sees that in whatever this process answers from then on.
type own struct {
	mu    sync.Mutex
	marks marks
	order []string // names, the oldest first
}

func (o *own) add(m marks) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.marks == nil {
		o.marks = marks{}
	}
	for name := range m {
		if _, there := o.marks[name]; !there {
			o.order = append(o.order, name)
		}
	}
	o.marks.raise(m)
	for len(o.order) > mostOwn {
		delete(o.marks, o.order[0])
		o.order = o.order[1:]
	}
}

// of returns those of names.
func (o *own) of(names []string) marks {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := marks{}
	for _, name := range names {
		if by, there := o.marks[name]; there {
			found[name] = by
		}
	}
	return found
}
