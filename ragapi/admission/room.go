package admission

import (
	"container/heap"
	"container/list"
	"context"
	"sync"
	"time"
)

// roomWait is how long a request waits for memory.
const roomWait = time.Second

// Room is memory that requests share. What is at work keeps what it holds. What waits for its client is cut off where others
// need the room: first whose client has the least time left.
type Room struct {
	total int64

	mu      sync.Mutex
	taken   int64
	leaving int64     // of it, by holds that were cut off and have not left yet
	waiting byDue     // for their clients
	queue   list.List // of *need: who waits for room, the first first
	wanted  int64     // by the queue
}

// NewRoom returns a room of total bytes.
func NewRoom(total int64) *Room { return &Room{total: total} }

// need is what somebody waits for.
type need struct {
	hold  *Hold
	bytes int64
	given chan struct{} // closed when it has the bytes, or was cut off
}

// Client is somebody who is waited for.
type Client interface {
	// CutOff ends the wait at once. It must not use the room.
	CutOff()
}

// Hold is a part of a room. The zero value holds nothing of none.
type Hold struct {
	room   *Room
	bytes  int64
	due    time.Time // when its client is late
	client Client
	place  int           // among those that wait for clients, from 1; 0 for none
	asks   *list.Element // its need; nil for none
	gone   bool          // it was cut off
}

// Enter begins to hold nothing of r, at work.
func (h *Hold) Enter(r *Room) { *h = Hold{room: r} }

// Await says that h waits for a client, who is late at due. It is false if h was cut off.
func (h *Hold) Await(due time.Time, client Client) bool {
	h.room.mu.Lock()
	defer h.room.mu.Unlock()
	if h.gone {
		return false
	}
	h.due, h.client = due, client
	if h.place == 0 {
		heap.Push(&h.room.waiting, h)
	} else {
		heap.Fix(&h.room.waiting, h.place-1)
	}
	return true
}

// Work says that h waits for its client no more. It is false if h was cut off.
func (h *Hold) Work() bool {
	h.room.mu.Lock()
	defer h.room.mu.Unlock()
	h.room.settle(h)
	return !h.gone
}

// Gone reports whether h was cut off.
func (h *Hold) Gone() bool {
	h.room.mu.Lock()
	defer h.room.mu.Unlock()
	return h.gone
}

// Leave lets go of all that h holds.
func (h *Hold) Leave() {
	r := h.room
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(h)
	if h.gone {
		r.leaving -= h.bytes
	}
	r.taken -= h.bytes
	*h = Hold{}
	r.serve()
}

// Take makes h hold that many bytes at once, and cuts off others until there is room for them.
func (h *Hold) Take(bytes int64) { h.room.take(h, bytes, h) }

// Swell is Take, but h itself may be cut off like the others.
func (h *Hold) Swell(bytes int64) { h.room.take(h, bytes, nil) }

func (r *Room) take(h *Hold, bytes int64, spared *Hold) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.change(h, bytes)
	r.makeRoom(spared, r.taken-r.leaving-r.total, time.Time{})
	r.serve()
}

// Grow makes h hold that many bytes, at most the whole room, as soon as there is room. If h waits for its client, those are cut
// off whose clients have less time left, else all. Its error is an Overloaded, or that of ctx.
func (h *Hold) Grow(ctx context.Context, bytes int64) error {
	asked := h.ask(min(bytes, h.room.total))
	if asked == nil {
		return nil
	}
	return h.answer(ctx, asked)
}

// ask returns what h has to wait for; nil for nothing.
func (h *Hold) ask(bytes int64) *need {
	r := h.room
	r.mu.Lock()
	defer r.mu.Unlock()
	more := bytes - h.bytes
	if !h.gone && (more <= 0 || r.queue.Len() == 0 && r.taken+more <= r.total) {
		r.change(h, bytes)
		r.serve()
		return nil
	}
	asked := &need{hold: h, bytes: more, given: make(chan struct{})}
	if h.gone {
		close(asked.given)
		return asked
	}
	h.asks = r.queue.PushBack(asked)
	r.wanted += more
	var before time.Time
	if h.place != 0 {
		before = h.due
	}
	r.makeRoom(h, r.taken-r.leaving+r.wanted-r.total, before)
	return asked
}

// answer waits until h has what it asked for, or was cut off.
func (h *Hold) answer(ctx context.Context, asked *need) error {
	patience := time.NewTimer(roomWait)
	defer patience.Stop()
	var err error
	select {
	case <-asked.given:
	case <-patience.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	r := h.room
	r.mu.Lock()
	defer r.mu.Unlock()
	given := h.asks == nil && !h.gone
	r.forget(h)
	switch {
	case given:
		return nil
	case err != nil:
		return err
	}
	return shortOfMemory(ctx)
}

func shortOfMemory(ctx context.Context) error {
	return &Overloaded{Reason: Memory, Priority: Of(ctx)}
}

// change sets what h holds.
func (r *Room) change(h *Hold, bytes int64) {
	r.taken += bytes - h.bytes
	if h.gone {
		r.leaving += bytes - h.bytes
	}
	h.bytes = bytes
}

// settle ends h's wait for its client.
func (r *Room) settle(h *Hold) {
	if h.place != 0 {
		heap.Remove(&r.waiting, h.place-1)
	}
}

// forget ends h's wait for room.
func (r *Room) forget(h *Hold) {
	if h.asks == nil {
		return
	}
	r.wanted -= r.queue.Remove(h.asks).(*need).bytes
	h.asks = nil
	r.serve()
}

// serve gives room to who waits for it, as far as it goes.
func (r *Room) serve() {
	for first := r.queue.Front(); first != nil; first = r.queue.Front() {
		asked := first.Value.(*need)
		if r.taken+asked.bytes > r.total {
			return
		}
		r.queue.Remove(first)
		r.wanted -= asked.bytes
		asked.hold.asks = nil
		r.change(asked.hold, asked.hold.bytes+asked.bytes)
		close(asked.given)
	}
}

// makeRoom cuts off all but one, which may be nil, until short bytes will be free: those that are due before a time, if one is given.
func (r *Room) makeRoom(spared *Hold, short int64, before time.Time) {
	if short > 0 && spared != nil && spared.place != 0 {
		heap.Remove(&r.waiting, spared.place-1)
		defer heap.Push(&r.waiting, spared)
	}
	for short > 0 && len(r.waiting) > 0 {
		slowest := r.waiting[0]
		if !before.IsZero() && !slowest.due.Before(before) {
			return
		}
		heap.Pop(&r.waiting)
		slowest.gone = true
		r.leaving += slowest.bytes
		short -= slowest.bytes
		if slowest.asks != nil {
			asked := slowest.asks.Value.(*need)
			short -= asked.bytes
			r.forget(slowest)
			close(asked.given)
		}
		slowest.client.CutOff()
	}
}

// byDue is a heap of holds, the one that is late first at its top.
type byDue []*Hold

// Len implements heap.Interface.
func (b byDue) Len() int { return len(b) }

// Less implements heap.Interface.
func (b byDue) Less(i, j int) bool { return b[i].due.Before(b[j].due) }

// Swap implements heap.Interface.
func (b byDue) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].place, b[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (b *byDue) Push(h any) {
	*b = append(*b, h.(*Hold))
	h.(*Hold).place = len(*b)
}

// Pop implements heap.Interface.
func (b *byDue) Pop() any {
	last := len(*b) - 1
	h := (*b)[last]
	h.place = 0
	(*b)[last] = nil
	*b = (*b)[:last]
	return h
}
