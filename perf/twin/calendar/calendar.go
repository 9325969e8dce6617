// Package calendar is what is to happen in a simulation, in order of time.
//
// Owns: the order of events. Does not own: time, which is that of the last event (perf/twin).
package calendar

import "container/heap"

// Calendar is what is to happen. Of one time, what was planned first happens first.
type Calendar struct {
	events  queue
	planned uint64
}

// event is something that happens at a time.
type event struct {
	at    float64
	order uint64
	do    func()
}

// Plan adds what is to be done at a time.
func (c *Calendar) Plan(at float64, do func()) {
	c.planned++
	heap.Push(&c.events, event{at, c.planned, do})
}

// Next takes what happens next, if it does until a time.
func (c *Calendar) Next(until float64) (at float64, do func(), ok bool) {
	if len(c.events) == 0 || c.events[0].at > until {
		return 0, nil, false
	}
	e := heap.Pop(&c.events).(event)
	return e.at, e.do, true
}

// queue implements heap.Interface.
type queue []event

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(e any) { *q = append(*q, e.(event)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}
