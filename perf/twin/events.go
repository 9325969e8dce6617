package twin

import "container/heap"

// event is something that happens at a time. Of one time, what was planned first happens first.
type event struct {
	at    float64
	order uint64
	do    func()
}

// calendar is what is to happen.
type calendar struct {
	events  []event
	planned uint64
}

// Len implements heap.Interface.
func (c *calendar) Len() int { return len(c.events) }

// Less implements heap.Interface.
func (c *calendar) Less(i, j int) bool {
	a, b := c.events[i], c.events[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// Swap implements heap.Interface.
func (c *calendar) Swap(i, j int) { c.events[i], c.events[j] = c.events[j], c.events[i] }

// Push implements heap.Interface; plan is what to call.
func (c *calendar) Push(e any) { c.events = append(c.events, e.(event)) }

// Pop implements heap.Interface; next is what to call.
func (c *calendar) Pop() any {
	last := len(c.events) - 1
	e := c.events[last]
	c.events[last] = event{}
	c.events = c.events[:last]
	return e
}

func (c *calendar) plan(at float64, do func()) {
	c.planned++
	heap.Push(c, event{at, c.planned, do})
}

// next takes what happens next, if it does until a time.
func (c *calendar) next(until float64) (event, bool) {
	if len(c.events) == 0 || c.events[0].at > until {
		return event{}, false
	}
	return heap.Pop(c).(event), true
}
