package admission_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/admission"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// client is one that is waited for.
type client struct {
	admission.Hold
	cut atomic.Bool
}

// CutOff implements admission.Client.
func (c *client) CutOff() { c.cut.Store(true) }

// waits returns a client that is due some seconds after noon, and what it sent fills bytes of r.
func waits(r *admission.Room, due int, bytes int64) *client {
	c := &client{}
	c.Enter(r)
	c.Take(bytes)
	c.Await(noon.Add(time.Duration(due)*time.Second), c)
	return c
}

func short(err error) bool {
	var over *admission.Overloaded
	return errors.As(err, &over) && over.Reason == admission.Memory
}

func TestWhereRoomIsShortTheSlowestClientsAreCutOff(t *testing.T) {
	r := admission.NewRoom(100)
	late, later, fast := waits(r, 1, 40), waits(r, 2, 20), waits(r, 9, 30)
	var work admission.Hold
	work.Enter(r)
	go func() { // as those do that were cut off
		for !late.cut.Load() {
			time.Sleep(time.Millisecond)
		}
		late.Leave()
	}()
	if err := work.Grow(t.Context(), 50); err != nil {
		t.Fatalf("there is no room, though clients could be cut off: %v", err)
	}
	if !late.cut.Load() || later.cut.Load() || fast.cut.Load() {
		t.Errorf("cut off are %v, %v, %v; want the slowest alone", late.cut.Load(), later.cut.Load(), fast.cut.Load())
	}
}

func TestWhoIsSlowerCutsNobodyOff(t *testing.T) {
	r := admission.NewRoom(100)
	fast, slow := waits(r, 9, 60), waits(r, 1, 40)
	if err := slow.Grow(t.Context(), 50); !short(err) || fast.cut.Load() {
		t.Errorf("error %v, the fast one is cut off: %v; want it short of memory", err, fast.cut.Load())
	}
}

func TestWhatIsAtWorkIsNeverCutOff(t *testing.T) {
	r := admission.NewRoom(100)
	busy := waits(r, 1, 60)
	if !busy.Work() {
		t.Fatal("it was cut off")
	}
	var other admission.Hold
	other.Enter(r)
	if err := other.Grow(t.Context(), 50); !short(err) || busy.cut.Load() {
		t.Errorf("error %v, cut off %v", err, busy.cut.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := other.Grow(ctx, 50); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that went away: %v", err)
	}
	busy.Leave()
	if err := other.Grow(t.Context(), 1000); err != nil {
		t.Errorf("more than the whole room is the whole: %v", err)
	}
}

func TestWhoWaitsForRoomIsServedInTurnAndCanBeCutOff(t *testing.T) {
	r := admission.NewRoom(100)
	busy, slow := waits(r, 1, 90), waits(r, 2, 5)
	busy.Work()
	slowly, quickly := make(chan error), make(chan error)
	go func() { slowly <- slow.Grow(t.Context(), 50) }()
	fast := &client{}
	fast.Enter(r)
	fast.Await(noon.Add(time.Minute), fast)
	go func() { quickly <- fast.Grow(t.Context(), 90) }()
	if err := <-slowly; !short(err) || !slow.cut.Load() {
		t.Errorf("the slow one: %v, cut off %v", err, slow.cut.Load())
	}
	slow.Leave()
	busy.Leave()
	if err := <-quickly; err != nil || fast.cut.Load() {
		t.Errorf("the fast one: %v, cut off %v", err, fast.cut.Load())
	}
}

func TestTakingCutsOffOthersAtOnce(t *testing.T) {
	r := admission.NewRoom(100)
	var all []*client
	for i := range 300 {
		all = append(all, waits(r, i, 10))
	}
	for i, c := range all {
		if c.cut.Load() != (i < 290) {
			t.Errorf("the %dth is cut off: %v", i, c.cut.Load())
		}
		if c.Await(noon, c) == (i < 290) || c.Gone() != (i < 290) || c.Work() == (i < 290) {
			t.Errorf("the %dth does not know whether it is", i)
		}
		c.Leave()
		c.Leave()
	}
	var whole admission.Hold
	whole.Enter(r)
	if err := whole.Grow(t.Context(), 100); err != nil {
		t.Errorf("after all have left: %v", err)
	}
}

func TestWhoSwellsMayBeTheSlowest(t *testing.T) {
	r := admission.NewRoom(100)
	fast, slow := waits(r, 9, 40), waits(r, 1, 40)
	if fast.Swell(70); !slow.cut.Load() || fast.cut.Load() {
		t.Errorf("cut off are the slow one: %v, the fast one: %v", slow.cut.Load(), fast.cut.Load())
	}
	slow.Leave()
	slow = waits(r, 1, 20)
	if slow.Swell(70); !slow.cut.Load() || fast.cut.Load() {
		t.Errorf("cut off are the slow one itself: %v, the fast one: %v", slow.cut.Load(), fast.cut.Load())
	}
}

// Whatever happens at once, what is held for good comes back.
func TestRoomComesBack(t *testing.T) {
	r := admission.NewRoom(1000)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			chance := rand.New(rand.NewPCG(7, uint64(i)))
			for range 12 {
				use(t.Context(), r, chance)
			}
		})
	}
	all.Wait()
	var whole admission.Hold
	whole.Enter(r)
	if err := whole.Grow(t.Context(), 1000); err != nil {
		t.Errorf("something is held still: %v", err)
	}
}

// use comes and goes as requests do.
func use(ctx context.Context, r *admission.Room, chance *rand.Rand) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var h client
	h.Enter(r)
	defer h.Leave()
	for range chance.IntN(6) {
		switch chance.IntN(4) {
		case 0:
			h.Await(noon.Add(time.Duration(chance.IntN(100))), &h)
		case 1:
			h.Take(chance.Int64N(100))
		case 2:
			h.Work()
		default:
			if chance.IntN(3) == 0 {
				cancel()
			}
			if h.Grow(ctx, chance.Int64N(200)) != nil {
				return
			}
		}
	}
}
